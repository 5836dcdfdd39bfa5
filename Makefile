# Every verb is one line that calls the samezone command; set-up happens by itself.
PLATFORM ?= lab
SERVICE  ?= catalog/catalog
CONTEXT  ?=
RATE     ?= 50
USERS    ?= 12
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
EKS      ?=
PYTHON   ?= python3

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
TESTS := $(VENV)/.ready-test
SZ    := $(BIN)/samezone
CTX   := $(if $(CONTEXT),--context $(CONTEXT))
PLACE := --platform $(PLATFORM) --service $(SERVICE) $(CTX) $(if $(YES),--yes)
EKSCTX := --name $(CLUSTER) $(CTX) $(if $(YES),--yes)
LOAD  := $(PLACE) --rate $(RATE) --users $(USERS) --duration $(DURATION) --warmup $(WARMUP) --runs $(RUNS) \
         $(if $(XRAY),--xray-service $(XRAY))

.DEFAULT_GOAL := help
.PHONY: help setup demo test baseline enable-tar enable-same-zone experiment tournament history disable-tar report web up down status \
        cluster deploy destroy kind kind-down test-infra test-slow test-faults fast lint check bench

help: ## print the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  variables: PLATFORM=lab CONTEXT= SERVICE=catalog/catalog RATE=50 USERS=12 DURATION=40 WARMUP=5 RUNS=runs LAB='
	@echo '  for a cluster: PLATFORM=cluster CONTEXT= YES= XRAY= CLUSTER=tar-demo-cluster OVERLAY=simple CIDR= EKS='

demo: $(READY) ## the whole job on the lab: baseline, Topology Aware Routing, report
	@$(SZ) demo $(LOAD) $(LAB)

test: $(TESTS) ## the tests, but for the slow ones and those that need Terraform
	@$(BIN)/pytest -n 3 --dist loadfile

baseline: $(READY) ## routing off, load, collect; prints the zone matrix
	@$(SZ) baseline $(LOAD)

enable-tar: $(READY) ## annotate, wait for hints, the same load, collect, compare, report
	@$(SZ) enable tar $(LOAD)

enable-same-zone: $(READY) ## the same with trafficDistribution: PreferSameZone
	@$(SZ) enable prefer-same-zone $(LOAD)

experiment: $(READY) ## certify, interleaved blocks, stop when settled: ARMS=off,tar BLOCKS=ABBA
	@$(SZ) experiment $(LOAD) --arms $(ARMS) $(if $(BLOCKS),--blocks $(BLOCKS)) $(if $(REQUIRE),--require '$(REQUIRE)')

tournament: $(READY) ## every routing mode on one workload: which differ, which one to take
	@$(SZ) experiment $(LOAD) --arms all --blocks $(or $(BLOCKS),ABCDEEDCBA)

history: $(READY) ## the runs over time, with change points marked
	@$(SZ) history --runs $(RUNS)

disable-tar: $(READY) ## give the Service back what it had; says which knob keeps zone routing on, if any
	@$(SZ) routing restore --expect-off $(PLACE)

report: $(READY) ## render the newest comparison again from its artifacts
	@$(SZ) report --runs $(RUNS)

web: $(READY) ## the Locust web UI with the workers of all zones
	@$(SZ) web $(PLACE)

up: $(READY) ## start the lab; PLATFORM=cluster: the manifests, as deploy
	@$(if $(filter cluster,$(PLATFORM)),$(SZ) cluster deploy $(EKSCTX) --overlay $(OVERLAY),$(SZ) lab up $(LAB))

down: $(READY) ## stop the lab; PLATFORM=cluster: remove the manifests, the cluster stays
	@$(if $(filter cluster,$(PLATFORM)),$(SZ) cluster undeploy $(CTX) $(if $(YES),--yes),$(SZ) lab down)

status: $(READY) ## what of the lab runs, and where; PLATFORM=cluster: our pods by zone
	@$(if $(filter cluster,$(PLATFORM)),$(SZ) cluster status $(CTX),$(SZ) lab status)

cluster: $(READY) ## an EKS cluster by Terraform: CIDR=who may reach its API; shows the cost, then asks
	@$(SZ) cluster create --name $(CLUSTER) $(CIDR:%=--cidr %) $(if $(YES),--yes) $(EKS)

deploy: $(READY) ## the store, the collector and Locust on it: OVERLAY=simple; asks
	@$(SZ) cluster deploy $(EKSCTX) --overlay $(OVERLAY)

destroy: $(READY) ## take manifests and cluster away; says what it leaves, then asks
	@$(SZ) cluster destroy $(EKSCTX)

kind: $(READY) ## three zones on this machine: a kind cluster with the store, Locust and the X-Ray stand-in
	@$(SZ) kind up
	@$(SZ) cluster deploy --context kind-samezone --place k8s/manifests/kind/place.env --overlay no-aws --yes

kind-down: $(READY) ## delete the kind cluster
	@$(SZ) kind down

test-infra: $(TESTS) ## Terraform, emulators of AWS, Checkov: what needs more than .venv
	@$(BIN)/pytest -n 2 --dist loadfile -m tools tests/infra

test-slow: $(TESTS) ## verdicts on the lab, an install into an empty environment: minutes, and the registry
	@$(BIN)/pytest -m slow

test-faults: $(TESTS) ## the fault campaign: something breaks in every phase of every verb; N faults, N survived
	@$(BIN)/pytest -n 4 --dist worksteal -m faults tests/faults

fast: $(TESTS) ## while you work: the tests without lab, load, simulations and other programs
	@$(BIN)/pytest -n 2 --dist loadfile --hypothesis-profile fast \
	  -m 'not lab and not slow and not tools and not infra and not programs and not simulation and not faults'

lint: $(TESTS) ## format, lint, types, layers
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

check: lint test ## lint and test

bench: $(READY) ## the benchmarks: what tracing costs a worker, how the survey grows
	@$(BIN)/python -m loadtest.bench
	@$(BIN)/python -m k8s.bench.bench_survey
	@$(BIN)/python -m k8s.bench.bench_xray

setup: $(READY) ## make .venv with what the verbs run; every verb does it by itself

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
