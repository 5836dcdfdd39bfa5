"""One's own Services on a cluster: the lab's API taken for one, and an app that is not the store.

Nothing is driven before ``pods`` is asked for: what comes before has no Locust in the cluster at all.
"""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from k8s.live import leases
from k8s.live.cluster import connect
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import ServiceKey
from loadtest import rundir
from loadtest.record import RunRecord
from tests.lab.conftest import BIN, Lab, await_line, running_lab
from tests.lab.locust_pods import LocustPods

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

FRONTEND, ORDERS, PAYMENTS = (
    ServiceKey(namespace="shop", name=name) for name in ("frontend", "orders", "payments")
)
BOTH = ("--service", str(ORDERS), "--service", str(PAYMENTS), "--client", str(FRONTEND))
ONE = ("--service", str(ORDERS), "--client", str(FRONTEND))
LIVE = (
    "experiment", "--traffic", "live", "--service", str(ORDERS), "--client", "shop/reports",
    "--arms", "off,tar", "--blocks", "AB", "--block-duration", "6", "--warmup", "1", "--null-pairs", "0",
)  # fmt: skip
LOAD = ("--rate", "20", "--users", "6", "--duration", "5", "--warmup", "1", "--recycle", "never", "--yes")
PAGES = "pages: [{name: front, path: /}, {name: checkout, path: /checkout}, {name: item, path: /item/7}]\n"
CALLS = {"front": 1, "checkout": 2, "item": 1}
"""Of orders, by the scenario."""
TRAFFIC = "traffic  what there is: nothing is sent, and the guards are watched while the mode is in force"
LOGIN = "127.0.0.9"
"""Where something answers 401 to everything."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Its job has no Service: nobody can drive load through it."""
    for lab in running_lab(tmp_path_factory.mktemp("shop"), "--scenario", "chain"):
        (lab.folder / "pages.yaml").write_text(PAGES)
        (lab.folder / "odd.yaml").write_text("pages:\n- {name: front, path: /, wait: 2}\n")
        (lab.folder / "broken.py").write_text("import os\ndef x(:\n")
        assert lab.tool("kubectl", "-n", "shop", "delete", "service", "reports").returncode == 0
        yield lab


@pytest.fixture(scope="module")
def pods(lab: Lab) -> Iterator[LocustPods]:
    """Locust in the cluster."""
    pods = LocustPods.of(lab.home / "lab", lab.folder / "locust", FRONTEND)
    try:
        pods.start()
        yield pods
    finally:
        pods.stop()


def kubeconfig(lab: Lab) -> Path:
    return lab.home / "lab" / "kubeconfig"


def start(lab: Lab, *arguments: str) -> subprocess.Popen[str]:
    """A samezone command as on a live cluster, where nobody can be asked: AWS by its environment."""
    place = ("--platform", "cluster", "--kubeconfig", str(kubeconfig(lab)))
    return plainly(lab, *arguments, *(() if arguments[0] in ("cluster", "collect") else place))


def plainly(lab: Lab, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / "samezone"), *arguments],
        cwd=lab.folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(lab: Lab, *arguments: str) -> tuple[int, str, str]:
    """How it ended, and what it wrote and said."""
    process = start(lab, *arguments)
    out, err = process.communicate(timeout=150)
    return process.returncode, out, err


def services(lab: Lab) -> list[dict]:
    """All Services, with their versions: whoever wrote to one, and put it back, has left another version."""
    done = lab.tool("kubectl", "-n", "shop", "get", "services", "-o", "json")
    return json.loads(done.stdout)["items"]


def settings(lab: Lab) -> list[tuple[dict, dict]]:
    """What a routing mode is made of."""
    return [(one["metadata"].get("annotations", {}), one["spec"]) for one in services(lab)]


def held(lab: Lab) -> list[bool]:
    """Whether somebody holds the Lease of orders, and that of payments."""
    cluster = connect(kubeconfig(lab), None)
    found = [leases.read(cluster, key) for key in (ORDERS, PAYMENTS)]
    return [one is not None and one.holder is not None for one in found]


def modes(lab: Lab) -> list[RoutingMode]:
    cluster = connect(kubeconfig(lab), None)
    return [mode_of(cluster.service(key)) for key in (ORDERS, PAYMENTS)]


def folders(lab: Lab) -> set[Path]:
    return set((lab.folder / "runs").glob("*"))


def calls_due(record: RunRecord) -> int:
    """Of orders, by the pages that the workers count."""
    assert record.seen.measured is not None
    assert record.seen.measured.failures == 0
    return sum(
        CALLS[page.page] * page.requests for worker in record.seen.measured.workers for page in worker.pages
    )


def test_what_is_refused_changes_nothing(lab: Lab):
    """One line each and exit 2, whatever is wrong; no run folder, no Lease, every Service as it was."""
    ours = ("run", "tar", *ONE, *LOAD)
    cases: dict[str, Sequence[str]] = {
        "cluster deploy --locustfile broken.py: broken.py:2: SyntaxError": (
            "cluster", "deploy", "--locustfile", "broken.py",
        ),
        "broken.py:2: SyntaxError: invalid syntax": (*ours, "--locustfile", "broken.py"),
        "odd.yaml:2: pages[0].wait: unknown key; known are name, path": (*ours, "--pages", "odd.yaml"),
        'reading Service shop/reports in context samezone-lab: services "reports" not found': (
            "run", "tar", *ONE[:2], "--client", "shop/reports", *LOAD, "--pages", "pages.yaml",
        ),
        "only the pages of ui/ui are known here; say which to open by --pages FILE": ours,
        "nobody is there to agree, so nothing was changed; give --yes": LIVE,
    }  # fmt: skip
    before, made = services(lab), folders(lab)
    with ThreadPoolExecutor(len(cases)) as pool:
        found = list(pool.map(lambda arguments: ended(lab, *arguments), cases.values()))
    for words, (code, out, err) in zip(cases, found, strict=True):
        (line,) = [one for one in err.splitlines() if one.startswith("samezone: ")]
        assert (code, out) == (2, ""), err
        assert words in line
        assert err.rstrip().endswith(line)
    assert [len(err.splitlines()) for *_, err in found[:-1]] == [1] * 5
    assert "the windows measured so far are kept" not in found[-1][-1]
    assert (services(lab), folders(lab), held(lab)) == (before, made, [False, False])


def test_only_looking_sends_nothing_and_changes_nothing(lab: Lab):
    """The job's calls alone, all in known zones; what it advises needs nobody to drive load through a job."""
    before = services(lab)
    code, out, err = ended(lab, "observe", "--since", "20s", "-n", "shop", "--json")
    assert code == 0, err
    found = json.loads(out)
    pairs = {(one["result"]["client"], one["result"]["server"]): one for one in found["pairs"]}
    assert set(pairs) == {("reports", "orders"), ("orders", "payments")}
    for one in pairs.values():
        assert (one["result"]["coverage"], one["outlook"]["lever"]) == (1.0, "can")
        assert one["calls"] > 20
    assert services(lab) == before
    (folder,) = (lab.folder / "runs").glob("*-observed")
    advice = (folder / "report.md").read_text()
    assert "--arms off,tar --traffic live --platform cluster" in advice


def test_live_traffic_needs_no_load_generator(lab: Lab):
    """The context, the Service and the traffic are told before each window; no worker; put back."""
    before = settings(lab)
    code, _, err = ended(lab, *LIVE, "--yes")
    assert code == 4, err  # without a null pair there is no verdict
    for mode in ("off", "tar"):
        assert f"Service  {ORDERS}: from off to {mode}\n{TRAFFIC}\n" in err
    assert err.count("context  samezone-lab (API server http://127.0.0.1:") == 2
    assert ("workers  " in err, "client   " in err, "restart  " in err) == (False, False, False)
    (folder,) = (lab.folder / "runs").glob("*-experiment")
    trial = json.loads((folder / "trial.json").read_bytes())
    (contest,) = trial["contests"]
    assert trial["traffic"] == "live"
    assert contest["effects"]["share_after"]["estimate"] == contest["effects"]["coverage"] == 1.0
    assert 0.15 < contest["effects"]["share_before"]["estimate"] < 0.55  # a third of some 60 calls
    windows = [rundir.read_record(one) for one in folder.iterdir() if one.is_dir()]
    assert [one.seen.measured and one.seen.measured.workers for one in windows] == [(), ()]
    assert (settings(lab), held(lab)) == (before, [False, False])


def test_several_services_are_set_measured_and_put_back_together(lab: Lab, pods: LocustPods):
    """A Lease each while it lasts; the pages' calls are in the graph to the last one, the job's are apart."""
    assert pods
    before = settings(lab)
    process = start(lab, "run", "tar", *BOTH, *LOAD, "--pages", "pages.yaml")
    await_line(process, "measuring")
    assert (modes(lab), held(lab)) == ([RoutingMode.TAR] * 2, [True] * 2)
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    assert (settings(lab), held(lab)) == (before, [False, False])
    folder = lab.folder / out.strip()
    record = rundir.read_record(folder)
    assert record.asked.also == (PAYMENTS,)

    code, _, err = ended(lab, "collect", str(folder))
    assert code == 0, err
    assert "requests entered elsewhere than at the load generator" in err
    row = json.loads((folder / "row.json").read_bytes())["row"]
    assert (row["service"], row["mode"]) == (str(ORDERS), "tar")
    assert (row["calls"], row["unknown"], row["share"]["estimate"]) == (calls_due(record), 0, 1.0)
    assert row["calls"] > 40


@contextmanager
def wanting_a_login() -> Iterator[int]:
    """A front that answers 401 to everything; its port."""

    class Front(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer((LOGIN, 0), Front) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_pages_that_want_a_login_fail_by_name(lab: Lab, pods: LocustPods):
    """Each request is a failure, HTTP 401, in every zone; the Service is not touched."""
    assert pods
    before = settings(lab)
    with wanting_a_login() as port:
        target = ("--target", f"http://{LOGIN}:{port}", "--target-unchecked", "--pages", "pages.yaml")
        code, out, err = ended(lab, "run", "off", *ONE, *LOAD, *target)
    assert code == 0, err
    measured = rundir.read_record(lab.folder / out.strip()).seen.measured
    assert measured is not None
    assert measured.requests == measured.failures > 50
    assert [one.errors for one in measured.workers] == [
        (("HTTP 401", one.requests),) for one in measured.workers
    ]
    assert (settings(lab), held(lab)) == (before, [False, False])
