# Every verb is one line that calls the samezone command; set-up happens by itself.
PLATFORM ?= lab
SERVICE  ?= catalog/catalog
CLIENT   ?= ui/ui
TARGET   ?=
PAGES    ?=
TRAFFIC  ?=
SOURCE   ?=
PROMETHEUS ?=
PROFILE  ?=
CONTEXT  ?=
RATE     ?= 50
USERS    ?= 12
LOCUSTFILE ?=
DURATION ?= 40
WARMUP   ?= 5
RUNS     ?= runs
ARMS     ?= off,tar
BLOCKS   ?=
REQUIRE  ?=
LAB      ?=
CIDR     ?=
CLUSTER  ?= tar-demo-cluster
OVERLAY  ?= simple
YES      ?=
XRAY     ?=
FOR      ?=
SINCE    ?=
NAMESPACES ?=
EKS      ?=
PART     ?=
PYTHON   ?= python3

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
TESTS := $(VENV)/.ready-test
SZ    := $(BIN)/samezone
CTX   := $(if $(CONTEXT),--context $(CONTEXT))
PLACE := --platform $(PLATFORM) $(addprefix --service ,$(SERVICE)) $(CTX) $(if $(YES),--yes)
OWN   := $(if $(LOCUSTFILE),--locustfile $(LOCUSTFILE))
EKSCTX := --name $(CLUSTER) $(CTX) $(if $(YES),--yes)
COUNT := $(if $(XRAY),--xray-service $(XRAY)) $(if $(SOURCE),--source $(SOURCE)) \
         $(if $(PROMETHEUS),--prometheus '$(PROMETHEUS)') $(if $(PROFILE),--profile $(PROFILE))
SENT  := --rate $(RATE) --users $(USERS) $(if $(TARGET),--target '$(TARGET)') $(if $(PAGES),--pages $(PAGES)) $(OWN)
QUICK := not tools and not slow and not faults
LOAD  := $(PLACE) $(addprefix --client ,$(CLIENT)) --duration $(DURATION) --warmup $(WARMUP) --runs $(RUNS) $(COUNT) \
         $(if $(TRAFFIC),--traffic $(TRAFFIC)) $(if $(filter live,$(TRAFFIC)),,$(SENT))

.DEFAULT_GOAL := help
.PHONY: help setup demo test baseline enable-tar enable-same-zone observe experiment tournament history disable-tar report web up down status \
        cluster deploy destroy kind kind-down test-infra test-slow test-faults fast lint check bench

# In the order of a person's work.
ORDER := begin: demo status report help;\
measure: baseline enable-tar enable-same-zone disable-tar experiment tournament observe history;\
the lab: up down web;\
a cluster: cluster deploy destroy kind kind-down;\
work on samezone: setup fast lint test check bench test-slow test-faults test-infra

help: ## print the verbs
	@awk -F ':.*## ' -v order='$(ORDER)' '/^[a-z-]+:.*## / { does[$$1] = $$2 } \
	  END { groups = split(order, group, ";"); for (i = 1; i <= groups; i++) { split(group[i], part, ":"); \
	    sub(/^ +/, "", part[1]); print part[1] ":"; verbs = split(part[2], verb, " "); \
	    for (j = 1; j <= verbs; j++) printf "  make %-17s %s\n", verb[j], does[verb[j]] } }' $(MAKEFILE_LIST)
	@echo 'variables, with their defaults:'
	@echo '  PLATFORM=lab SERVICE=catalog/catalog CLIENT=ui/ui RATE=50 USERS=12'
	@echo '  DURATION=40 WARMUP=5 RUNS=runs LAB='
	@echo '  your own load: TARGET= PAGES= LOCUSTFILE= TRAFFIC=live'
	@echo '  who counts: SOURCE=xray|prometheus|spans PROMETHEUS=URL PROFILE='
	@echo '  a cluster: PLATFORM=cluster CONTEXT= YES= XRAY= CLUSTER=tar-demo-cluster'
	@echo '             OVERLAY=simple CIDR= EKS='

demo: $(READY) ## the whole job on the lab, up to a report
	@$(SZ) demo $(LOAD) $(LAB)

# What computes comes first, and by itself: beside it a lab's load generators are late, and its runs no evidence.
test: $(TESTS) ## the tests, but for the slow ones
	@$(BIN)/pytest -n 3 --dist loadfile -m 'not lab and $(QUICK)' || failed=1; \
	$(BIN)/pytest -n 2 --dist loadfile -m 'lab and $(QUICK)' || failed=1; exit $${failed:-0}

baseline: $(READY) ## measure with routing off, twice; prints the zone matrix
	@$(SZ) baseline $(LOAD)

enable-tar: $(READY) ## set Topology Aware Routing, measure, compare, report
	@$(SZ) enable tar $(LOAD)

enable-same-zone: $(READY) ## the same with PreferSameZone
	@$(SZ) enable prefer-same-zone $(LOAD)

observe: $(READY) ## only look: FOR=10m or SINCE=30m NAMESPACES='shop ui'
	@$(SZ) observe --platform $(PLATFORM) $(CTX) --runs $(RUNS) $(COUNT) \
	  $(if $(FOR),--for $(FOR)) $(if $(SINCE),--since $(SINCE)) $(NAMESPACES:%=-n %)

experiment: $(READY) ## windows in turn, a verdict: ARMS=off,tar BLOCKS=ABBA
	@$(SZ) experiment $(LOAD) --arms $(ARMS) $(if $(BLOCKS),--blocks $(BLOCKS)) $(if $(REQUIRE),--require '$(REQUIRE)')

tournament: $(READY) ## every mode on one workload: which one to take
	@$(SZ) experiment $(LOAD) --arms all --blocks $(or $(BLOCKS),ABCDEEDCBA)

history: $(READY) ## the share over all runs, and when it changed
	@$(SZ) history --runs $(RUNS)

disable-tar: $(READY) ## give the Service back what it had
	@$(SZ) routing restore --expect-off $(PLACE)

report: $(READY) ## make the newest report again from its files
	@$(SZ) report --runs $(RUNS)

web: $(READY) ## Locust's web UI with workers in every zone
	@$(SZ) web $(PLACE) --client $(firstword $(CLIENT)) --runs $(RUNS) $(COUNT) $(OWN)

up: $(READY) ## start the lab (PLATFORM=cluster: as deploy)
	@$(if $(filter cluster,$(PLATFORM)),$(SZ) cluster deploy $(EKSCTX) --overlay $(OVERLAY) $(OWN),$(SZ) lab up $(LAB))

down: $(READY) ## stop the lab (PLATFORM=cluster: remove the manifests)
	@$(if $(filter cluster,$(PLATFORM)),$(SZ) cluster undeploy $(CTX) $(if $(YES),--yes),$(SZ) lab down)

status: $(READY) ## where things stand, and what to do next
	@$(if $(filter cluster,$(PLATFORM)),$(SZ) cluster status $(CTX))
	@$(SZ) status $(if $(filter cluster,$(PLATFORM)),--platform cluster $(CTX)) --runs $(RUNS)

cluster: $(READY) ## an EKS cluster: CIDR=who may reach it; asks first
	@$(SZ) cluster create --name $(CLUSTER) $(CIDR:%=--cidr %) $(if $(YES),--yes) $(EKS)

deploy: $(READY) ## the store, the collector and Locust on it; asks
	@$(SZ) cluster deploy $(EKSCTX) --overlay $(OVERLAY) $(OWN)

destroy: $(READY) ## take all of it away; says what it leaves, then asks
	@$(SZ) cluster destroy $(EKSCTX)

kind: $(READY) ## a kind cluster of three zones on this machine
	@$(SZ) kind up
	@$(SZ) cluster deploy --context kind-samezone --place k8s/manifests/kind/place.env --overlay no-aws --yes

kind-down: $(READY) ## delete the kind cluster
	@$(SZ) kind down

test-infra: $(TESTS) ## Terraform, emulators of AWS, Checkov
	@$(BIN)/pytest -n 2 --dist loadfile -m tools tests/infra

test-slow: $(TESTS) ## verdicts, installs: minutes, the registry; PART=1/2
	@TESTS_PART=$(PART) $(BIN)/pytest -m slow

test-faults: $(TESTS) ## every verb while something breaks; PART=1/3
	@TESTS_PART=$(PART) $(BIN)/pytest -n 4 --dist worksteal -m faults tests/faults

fast: $(TESTS) ## while you work: the tests without lab and load
	@$(BIN)/pytest -n 2 --dist loadfile --hypothesis-profile fast \
	  -m 'not lab and not slow and not tools and not infra and not programs and not simulation and not faults'

lint: $(TESTS) ## format, lint, types, layers
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

check: lint test ## lint and test

bench: $(READY) ## the benchmarks
	@$(BIN)/python -m loadtest.benchmarks.bench_tracing
	@$(BIN)/python -m loadtest.benchmarks.bench_peers
	@$(BIN)/python -m loadtest.benchmarks.bench_pacing
	@$(BIN)/python -m k8s.bench.bench_survey
	@$(BIN)/python -m k8s.bench.bench_xray
	@$(BIN)/python -m analysis.benchmarks.bench_prometheus
	@$(BIN)/python -m analysis.benchmarks.bench_compare
	@$(BIN)/python -m analysis.source.spans.bench_pairing

setup: $(READY) ## make .venv; every verb does it by itself

# pip in one line that counts; elsewhere than on a terminal, in one for every 25 packages. A pipe has no exit code of pip's, so a file keeps it.
define PIP
{ $(BIN)/pip install --disable-pip-version-check --no-input --no-compile --progress-bar off $(1) 2>&1 \
  || touch $(VENV)/failed; } \
| awk -v tty="$$(test -t 2 && echo 1)" '/^(ERROR|error)/ { if (tty && n && !bad) print ""; bad = 1 } bad { print; fflush(); next } \
       /^(Collecting|Processing) / { sub(/.*\//, "", $$2); n++; \
         if (tty) printf "\r\033[K  %3d %s", n, substr($$2, 1, 40); else if (n % 25 == 0) printf "  %3d\n", n; fflush(); next } \
       /^Installing collected / { if (n) { if (tty) printf "\r\033[K"; printf "  %3d unpacking\n", n; fflush() } next } \
       /^(Looking|Obtaining|Building|Successfully|Requirement|Ignoring|Downloading|Using|WARNING| |\[|$$)/ { next } \
       { print; fflush() }' >&2; \
if rm $(VENV)/failed 2>/dev/null; then echo '$(VENV) is not complete: see above, then run make again' >&2; exit 1; fi
endef
# pip compiles on one core, and other people's tests too; some of these are not valid Python on purpose.
COMPILE = echo '      compiling' >&2; $(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "samezone needs Python 3.11 or newer; set PYTHON=")'
	@echo "setting up $(VENV): $$(sed -n 's/==.*//p' requirements.txt | sort -u | wc -l) packages, once" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(call PIP,--require-hashes -r requirements.txt)
	@$(call PIP,--no-deps --no-build-isolation -e .)
	@$(COMPILE)
	@touch $@

$(TESTS): requirements-test.txt $(READY)
	@echo "adding to $(VENV) what tests and lint use: $$(sed -n 's/==.*//p' requirements-test.txt | sort -u | wc -l) packages, once" >&2
	@$(call PIP,--require-hashes -r requirements-test.txt)
	@$(COMPILE)
	@touch $@
