"""``samezone status --platform cluster`` against the lab's API server, taken for a live cluster."""

import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.jobs import rows
from analysis.jobs.status_cli import newest
from k8s.live import leases
from k8s.live.cluster import connect
from k8s.live.leases import Holder, Lease
from k8s.live.originals import Originals
from k8s.routing.modes import RoutingSettings
from k8s.routing.restoring import Original
from k8s.topology import ServiceKey
from tests.analysis.jobs.test_status_cli import a_run
from tests.analysis.test_cli import Terminal
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import Server, start_server

CATALOG = ServiceKey(namespace="catalog", name="catalog")
AUTO = {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}}
PLACE = ("--platform", "cluster")
STORE = "store     http://ui.ui.svc.cluster.local:8080"
INTERVAL = "33.1\N{NO-BREAK SPACE}% [31.6,\N{NO-BREAK SPACE}34.6]"
HAD = Original(had=RoutingSettings(), run="run 1", since_s=1.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the store's two Services, and one of somebody else's."""
    running = start_server(tmp_path_factory.mktemp("apiserver"))
    try:
        for namespace, name in (("catalog", "catalog"), ("ui", "ui"), ("shop", "orders")):
            assert wire.post(f"{running.url}/api/v1/namespaces", samples.namespace(namespace)).status == 201
            made = samples.service(namespace, name, f"127.100.200.{len(name)}")
            assert wire.post(f"{running.url}/api/v1/namespaces/{namespace}/services", made).status == 201
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(timeout=30)


@pytest.fixture
def terminal(server: Server, tmp_path: Path) -> Iterator[Terminal]:
    """A person's folder; what a test did to the Service is undone."""
    found = at(server, tmp_path)
    yield found
    cluster = connect(tmp_path / "config", None)
    cluster.patch_service(
        CATALOG, {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": None}}}
    )
    if (lease := leases.read(cluster, CATALOG)) is not None:
        leases.delete(cluster, lease)


def at(server: Server, folder: Path, *, token: str = wire.TOKEN) -> Terminal:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "shop-eu",
        "contexts": [{"name": "shop-eu", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    (folder / "config").write_text(json.dumps(config))
    return Terminal(folder=folder)


def status(terminal: Terminal, *options: str) -> tuple[int, list[str]]:
    config = str(terminal.folder / "config")
    runs = str(terminal.folder / "runs")
    code, out, err = terminal.run("status", *PLACE, "--kubeconfig", config, "--runs", runs, *options)
    assert err == ""
    return code, [line.replace(f" --kubeconfig {config}", "") for line in out.splitlines()]


def ran(terminal: Terminal, name: str, mode: str, *, context: str = "shop-eu", service: str = "") -> None:
    folder = terminal.folder / "runs" / name
    folder.mkdir(parents=True)
    run = a_run(mode)
    rows.save(folder, replace(run, context=context, service=service or run.service, decision=None))


def test_before_the_first_run(server: Server, terminal: Terminal):
    """In the words of the lab: what answers, where the store is, mode, last run, what to type next."""
    assert status(terminal) == (
        0,
        [
            f"cluster   up: context shop-eu, API server {server.url}",
            STORE,
            "mode      catalog/catalog off",
            "last run  none yet",
            "next      make baseline PLATFORM=cluster (samezone baseline --platform cluster)",
        ],
    )


@pytest.mark.parametrize(
    ("mode", "then"),
    [
        ("off", "make enable-tar PLATFORM=cluster CONTEXT=shop-eu (samezone enable tar --platform "),
        ("tar", "make report (samezone report --open)"),
    ],
)
def test_the_last_run_there_decides_what_is_next(terminal: Terminal, mode: str, then: str):
    """Not one of the lab or of another cluster, however new it is."""
    ran(terminal, "1-here", mode)
    ran(terminal, "2-lab", "prefer-close", context="samezone-lab")

    code, lines = status(terminal, "--context", "shop-eu")

    assert code == 0
    assert lines[3] == f"last run  catalog/catalog under {mode}: same-zone {INTERVAL}"
    assert lines[4].startswith(f"next      {then}")
    assert lines[4].endswith(" cluster --context shop-eu)" if mode == "off" else "--open)")


def test_services_of_ones_own(terminal: Terminal):
    """Those that are named, or that of the last run; what is to be typed names them."""
    _, lines = status(terminal, "--service", "shop/orders", "--service", "catalog/catalog")
    assert lines[2] == "mode      shop/orders off, catalog/catalog off"
    assert "SERVICE='shop/orders catalog/catalog'" in lines[-1]
    assert "--service shop/orders --service catalog/catalog)" in lines[-1]

    ran(terminal, "1-own", "off", service="shop/orders")
    _, lines = status(terminal, "--client", "catalog/catalog")
    assert lines[1:3] == [
        "store     http://catalog.catalog.svc.cluster.local:8080",
        "mode      shop/orders off",
    ]
    assert "--service shop/orders --client catalog/catalog)" in lines[-1]


@pytest.mark.parametrize("kept", ["here", "lease"])
def test_a_mode_of_ours_is_to_be_put_back(terminal: Terminal, kept: str):
    """Whoever's record it is: this machine's, or the Lease's beside the Service."""
    cluster = connect(terminal.folder / "config", None)
    cluster.patch_service(CATALOG, AUTO)
    if kept == "here":
        Originals(terminal.folder / ".samezone" / "originals").remember("shop-eu", CATALOG, HAD)
    else:
        leases.create(cluster, Lease(service=CATALOG, holder=None, duration_s=20, original=HAD))

    _, lines = status(terminal)

    assert lines[2] == "mode      catalog/catalog tar"
    assert lines[-1] == (
        "next      put catalog/catalog back: samezone routing restore --service catalog/catalog "
        "--platform cluster"
    )


def test_a_mode_of_somebody_else_is_theirs(terminal: Terminal):
    """It is said, and nothing is to be put back."""
    connect(terminal.folder / "config", None).patch_service(CATALOG, AUTO)

    _, lines = status(terminal)

    assert lines[2] == "mode      catalog/catalog tar"
    assert lines[-1].startswith("next      make baseline")


def test_a_run_that_goes_on_is_waited_for(terminal: Terminal):
    """Who it is; a holder that is not heard of any more is nobody."""
    cluster = connect(terminal.folder / "config", None)
    me = Holder(identity="ann@laptop/1/a", process="m|1|2")
    held = leases.create(
        cluster,
        Lease(service=CATALOG, holder=me, run="run 7", renewed_s=time.time(), duration_s=600, original=HAD),
    )
    assert status(terminal)[1][-1] == (
        "next      wait until it is done: ann@laptop/1/a changes catalog/catalog (run 7)"
    )

    leases.write(cluster, replace(held, renewed_s=time.time() - 700))
    assert status(terminal)[1][-1].startswith("next      put catalog/catalog back: ")


def test_a_service_that_is_not_there(terminal: Terminal):
    """Exit 2, its name, and what to do: deploy the store, or name a Service that is there."""
    code, lines = status(terminal, "--service", "catalog/catalogue")
    assert code == 2
    assert "reading Service catalog/catalogue in context shop-eu" in lines[0]
    assert lines[-1] == "next      name a Service that is there: kubectl get services -A"


def test_a_cluster_without_the_store(server: Server, tmp_path: Path):
    """The default Service is missing: the next step is to deploy it."""
    path = f"{server.url}/api/v1/namespaces/catalog/services"
    assert wire.call("DELETE", f"{path}/catalog").status == 200
    try:
        code, lines = status(at(server, tmp_path))
    finally:
        assert wire.post(path, samples.service("catalog", cluster_ip="127.100.200.99")).status == 201
    assert code == 2
    assert lines[-1].startswith("next      make deploy (samezone cluster deploy); for Services of your own:")


def test_without_rights_and_without_an_api_server(server: Server, tmp_path: Path):
    """Exit 5, the server's own word, and what to do about it; the last run is told all the same."""
    terminal = at(server, tmp_path, token=f"{wire.TOKEN}/deny:get:services")
    ran(terminal, "1-here", "off")
    code, lines = status(terminal)
    assert (code, "forbidden" in lines[0].lower()) == (5, True)
    assert lines[0].startswith("cluster   up: ")
    assert "rights" in lines[-1]

    away = replace(server, url="http://127.0.0.1:1")
    code, lines = status(at(away, tmp_path))
    assert code == 5
    assert lines[0].startswith(
        "cluster   down: context shop-eu, API server http://127.0.0.1:1: asking the API"
    )
    assert lines[1].startswith("last run  catalog/catalog under off: same-zone 33.1")
    assert lines[2] == "next      see why it does not answer: kubectl get nodes"


def test_the_same_for_a_program(server: Server, terminal: Terminal):
    """The keys are those of the lab's status, and the cluster's."""
    ran(terminal, "1-here", "off")
    config = str(terminal.folder / "config")
    runs = str(terminal.folder / "runs")

    code, out, _ = terminal.run("status", *PLACE, "--kubeconfig", config, "--runs", runs, "--json")

    found = json.loads(out)
    assert code == 0
    assert (found["cluster"], found["context"], found["server"]) == ("up", "shop-eu", server.url)
    assert found["modes"] == {"catalog/catalog": "off"}
    assert found["last_run"]["share"]["estimate"] == 0.331
    assert found["store"] == STORE.split()[1]
    assert (found["detail"], found["next"].split()[:2]) == ("", ["make", "enable-tar"])


def test_a_context_that_is_not_there(terminal: Terminal):
    """Exit 2 and one line."""
    config = str(terminal.folder / "config")
    code, err = terminal.fails("status", *PLACE, "--kubeconfig", config, "--context", "nowhere")
    assert code == 2
    assert "nowhere" in err


def test_a_run_that_is_no_evidence_is_not_the_last_one(terminal: Terminal):
    """The one before is; its row says why it is none, which ends no command."""
    ran(terminal, "1-here", "off")
    broken = terminal.folder / "runs" / "2-broken"
    broken.mkdir()
    rows.save(broken, None, why="run 2-broken: it was failed, so it is not comparable")

    found = newest(terminal.folder / "runs", "shop-eu")
    assert found is not None
    assert found.mode == "off"
