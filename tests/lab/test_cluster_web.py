"""``samezone web`` on a cluster: the lab's API taken for one, Locust as its pods, over a port-forward.

The master is the real locustfile in a process of its own, as its pod runs it; what its Deployment gives it,
and that the image has all it imports, ``tests/infra`` shows.
"""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.live import leases
from k8s.live.cluster import connect
from k8s.topology import ServiceKey
from loadtest.rundir import read_record
from loadtest.worker.live_view import PUT_BACK
from loadtest.worker.messages import OURS_VARIABLE
from tests.infra.rights import may, request_of
from tests.lab.conftest import Lab, running_lab
from tests.lab.eavesdropping import eavesdropping
from tests.lab.locust_pods import LocustPods
from tests.lab.test_cluster_platform import TOPOLOGY_MODE, cluster, command, kubeconfig, turn
from tests.lab.test_web import await_word
from tests.lab.test_zones_tab_browser import CHROMIUM, findings, shown
from tests.loadtest.worker.test_web_login import EXAMPLE, KEY, ON

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

CATALOG = ServiceKey(namespace="catalog", name="catalog")
ZONES = {"eu-west-1a", "eu-west-1b", "eu-west-1c"}
ALLOWED = ("--allow-mode-changes", "--yes")
PATIENCE_S = 60.0
"""A change takes seconds; a busy machine may take its time."""
State = dict[str, Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own: tests break its Locust and its X-Ray."""
    yield from running_lab(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def pods(lab: Lab) -> Iterator[LocustPods]:
    """Locust in the cluster."""
    pods = LocustPods.of(lab.home / "lab", lab.folder / "locust")
    try:
        pods.start()
        yield pods
    finally:
        pods.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A running ``samezone web`` and the tab that it feeds."""

    process: subprocess.Popen[str]
    address: str
    lines: Iterator[str]
    """What it says."""

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
        headers = {} if body is None else {"Content-Type": kind}
        request = urllib.request.Request(f"{self.address}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def state(self) -> State:
        found: State = json.loads(self.ask("/samezone/zones")[1])
        return found

    def press(self, mode: str) -> tuple[int, str]:
        return self.ask("/samezone/mode", json.dumps({"mode": mode}).encode())

    def load(self) -> None:
        form = b"user_count=6&spawn_rate=6"
        assert self.ask("/swarm", form, "application/x-www-form-urlencoded")[0] == 200

    def still(self) -> None:
        assert self.ask("/stop", b"", "application/x-www-form-urlencoded")[0] == 200

    def until(self, words: str, holds: Callable[[State], object]) -> State:
        """What the tab is told once *holds* does."""
        deadline_s = time.monotonic() + PATIENCE_S
        state: State = {}
        while True:
            with suppress(OSError):  # the forward may be cut
                if holds(state := self.state()):
                    return state
            assert self.process.poll() is None, "it has ended"
            assert time.monotonic() < deadline_s, f"not within {PATIENCE_S:g} s: {words}: {state}"
            time.sleep(0.5)

    def until_done(self, mode: str) -> State:
        """What the tab is told once the mode that was asked for is in force, and said to be."""
        self.until(
            "buttons", lambda one: one["live"] and one["live"]["may_change"] and not one["away"]
        )  # the master may still show what another command told it
        assert self.press(mode)[0] == 202
        wanted = mode or "off"
        return self.until(
            f"mode {wanted}", lambda one: one["live"]["mode"] == wanted and not one["live"]["busy"] and
            wanted in one["live"]["said"],
        )  # fmt: skip

    def end(self, how: signal.Signals = signal.SIGINT) -> str:
        """The rest of what it says."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=90)[1]


@contextmanager
def web(lab: Lab, *options: str, config: Path | None = None, **environment: str) -> Iterator[Web]:
    """From its address on until it has ended; the load ends first."""
    runs = str(lab.folder / "web-runs")
    asked = command(lab, "web", "--web-port", "0", "--runs", runs, *options, config=config)
    process = subprocess.Popen(
        asked,
        cwd=lab.folder,
        env=lab.environment | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = iter(process.stderr)
    try:
        address = await_word(lines, "Locust web UI:").split()[3]
        yield Web(process=process, address=address, lines=lines)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=90)


def lease(lab: Lab) -> leases.Lease | None:
    return leases.read(connect(kubeconfig(lab), None), CATALOG)


def calls(state: State) -> int:
    return int(state["live"]["now"]["same"] + state["live"]["now"]["cross"])


def is_local(state: State) -> bool:
    now = state["live"]["now"]
    return bool(now["same"] and not now["cross"] and not now["unknown"])


def test_numbers_by_the_source_and_no_button(lab: Lab, pods: LocustPods):
    """Shares, zones, endpoints, the prediction, and who changes the mode by hand; each load is a run."""
    assert pods
    with web(lab) as tab:
        time.sleep(3)
        tab.load()
        seen = tab.until("calls from all zones", lambda one: calls(one) > 50 and len(zones_of(one)) == 3)

        live = seen["live"]
        assert (live["source"], live["mode"], live["now"]["unknown"]) == ("X-Ray", "off", 0)
        assert zones_of(seen) == ZONES
        assert {one["zone"] for one in live["now"]["endpoints"]} == ZONES
        assert {worker["zone"] for worker in seen["generators"]} == ZONES
        assert [one for one in seen["notices"] if not one.startswith("Hot endpoint")] == []
        tab.until("predictions", lambda one: {"off", "tar"} <= {p["mode"] for p in one["live"]["predicted"]})

        assert not live["may_change"]
        assert "--allow-mode-changes" in live["why_not"]
        status, why = tab.press("tar")
        assert (status, "--allow-mode-changes" in why) == (409, True)
        assert lab.annotations() == {}
        tab.still()
        kept = await_word(tab.lines, "load of the web UI:")
        assert "complete" in kept

        tab.load()
        annotate = ("-n", "catalog", "annotate", "svc", "catalog")
        assert lab.tool("kubectl", *annotate, f"{TOPOLOGY_MODE}=Auto").returncode == 0
        seen = tab.until("all calls in their zone", is_local)
        assert [(one["before"], one["mode"], one["is_elsewhere"]) for one in seen["live"]["marks"]] == [
            ("off", "tar", True)
        ]
        assert [one.split(" s ago")[1] for one in seen["notices"] if one.startswith("Somebody else")] == [
            ", from off to tar."
        ]
        assert lab.tool("kubectl", *annotate, f"{TOPOLOGY_MODE}-").returncode == 0
        tab.still()
        assert "failed" in await_word(tab.lines, "load of the web UI:")
        tab.end()
        assert tab.process.returncode == 0
    folders = sorted((lab.folder / "web-runs").iterdir())
    assert [read_record(one).status.value for one in folders] == ["complete", "failed"]
    record = read_record(folders[0])
    assert (record.place.platform, record.place.context) == ("cluster", "samezone-lab")
    assert "routing-changed" in {one.code for one in read_record(folders[1]).caveats}
    assert cluster(lab, "routing", "restore").returncode == 0  # nothing of ours is in force


def zones_of(state: State) -> set[str]:
    return {
        zone for one in state["live"]["now"]["flows"] for zone in (one["client_zone"], one["server_zone"])
    }


def test_the_buttons_are_an_option_and_put_back(lab: Lab, pods: LocustPods):
    """Agreed to once; what the Service had is recorded before, and is there again, also at the end."""
    assert pods
    refused = cluster(lab, "web", "--web-port", "0", "--allow-mode-changes")
    assert refused.returncode == 2
    assert (
        "Service  catalog/catalog: any routing mode until the web UI ends; then what it had" in refused.stderr
    )
    assert "nothing was changed; give --yes" in refused.stderr

    with web(lab, *ALLOWED) as tab:
        tab.load()
        tab.until_done("tar")
        assert lab.annotations()[TOPOLOGY_MODE] == "Auto"
        held = lease(lab)
        assert held is not None
        assert held.holder is not None
        assert held.original is not None
        assert list((lab.home / "originals").rglob("*catalog*"))
        seen = tab.until("all calls in their zone", is_local)
        assert [one["is_elsewhere"] for one in seen["live"]["marks"]] == [False]
        assert not any(one.startswith("Somebody else") for one in seen["notices"])
        other = cluster(lab, "routing", "set", "prefer-close", "--yes")
        assert (other.returncode, "is held by" in other.stderr) == (5, True)

        tab.until_done(PUT_BACK)
        assert (lab.annotations(), lease(lab)) == ({}, None)

        tab.until_done("prefer-close")
        assert lab.service()["spec"]["trafficDistribution"] == "PreferClose"
        said = tab.end()
        assert tab.process.returncode == 0
        assert said.index("stopping the load") < said.index("Service catalog/catalog has again what it had")
        with urllib.request.urlopen(f"http://{pods.master_ip}:8089/stats/requests", timeout=60) as answer:
            assert json.load(answer)["state"] == "stopped"
    assert "trafficDistribution" not in lab.service()["spec"]
    assert lease(lab) is None


def test_a_command_that_is_killed_leaves_a_record(lab: Lab, pods: LocustPods):
    """SIGKILL under a mode: the record is in the cluster, too, and one command puts back what there was."""
    assert pods
    with web(lab, *ALLOWED) as tab:
        tab.until_done("tar")
        tab.end(signal.SIGKILL)
    assert lab.annotations()[TOPOLOGY_MODE] == "Auto"
    told = cluster(lab, "status")
    assert "mode      catalog/catalog tar" in told.stdout

    back = cluster(lab, "routing", "restore")

    assert back.returncode == 0, back.stderr
    assert (lab.annotations(), lease(lab)) == ({}, None)


def test_a_cut_port_forward_costs_nothing_and_a_lost_master_the_mode(lab: Lab, pods: LocustPods):
    """The tab goes on over the next stream; where the master itself is gone the Service has what it had."""
    with web(lab, *ALLOWED) as tab:
        tab.until_done("tar")
        pods.hide_master()
        time.sleep(2)
        pods.show_master()
        before = tab.until("the tab", lambda one: not one["away"])["live"]["sent_s"]
        tab.until("newer views", lambda one: one["live"]["sent_s"] > before + 2)
        assert tab.press("tar")[0] == 202

        pods.kill_master()
        try:
            _, said = tab.process.communicate(timeout=120)
        finally:
            pods.start_master()
            for worker in pods.workers:
                pods.kill(worker.pod)
                pods.start_worker(worker)
        assert tab.process.returncode == 5, said
        assert "has again what it had" in said
    assert (lab.annotations(), lease(lab)) == ({}, None)


@pytest.mark.programs
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
@pytest.mark.parametrize(("refuse", "code", "advice"), [
    ("expired", "ExpiredTokenException", "renew the AWS credentials"),
    ("denied", "AccessDeniedException", "allow the IAM action xray:GetServiceGraph"),
])  # fmt: skip
def test_a_source_that_refuses_is_told_in_the_tab(
    lab: Lab, pods: LocustPods, refuse: str, code: str, advice: str
):
    """In the real page: one line why, the numbers' age, no error of the browser; then it goes on."""
    assert pods
    complaints: list[str] = []
    with web(lab) as tab, shown(f"{tab.address}/", complaints) as page:
        tab.load()
        tab.until("calls", calls)
        page.get_by_role("tab", name="Zones").click()
        page.locator("samezone-zones .figures").get_by_text("Same-zone share now").wait_for()
        turn(lab, refuse=refuse)
        try:
            notices = page.locator("samezone-zones .notices li")
            notices.filter(has_text=code).filter(has_text=advice).wait_for()
            notices.filter(has_text="The numbers below are").wait_for()
            assert notices.filter(has_text="Reading the calls").count() == 1
            assert page.locator("samezone-zones .figures").get_by_text(" s ago").count() == 1
            assert findings(page) == []
        finally:
            turn(lab, refuse="")
        page.locator("samezone-zones .figures").get_by_text("Same-zone share now").wait_for()
        notices.filter(has_text=code).wait_for(state="detached")
        assert page.get_by_role("button", name="Set tar").get_attribute("aria-disabled") == "true"
        tab.still()
    assert complaints == []


def test_the_role_of_the_manifests_is_enough(lab: Lab, pods: LocustPods):
    """Each request to the API server, buttons and all, is one that the harness's Roles allow."""
    assert pods
    config = yaml.safe_load(kubeconfig(lab).read_text())
    (place,) = config["clusters"]
    with eavesdropping(place["cluster"]["server"]) as ear:
        place["cluster"]["server"] = ear.url
        path = lab.folder / "overheard"
        path.write_text(yaml.safe_dump(config))
        with web(lab, *ALLOWED, config=path) as tab:
            tab.load()
            tab.until("calls", calls)
            tab.until("predictions", lambda one: one["live"]["predicted"])
            tab.until_done("tar")
            tab.until_done(PUT_BACK)
            tab.still()
            assert "web UI" in await_word(tab.lines, "load of the web UI:")
            tab.end()
            assert tab.process.returncode == 0
    asked = [found for method, target in ear.heard if (found := request_of(method, target)) is not None]
    assert {"portforward" in one.resource for one in asked} == {True, False}
    assert {"patch", "create", "delete", "list"} <= {one.verb for one in asked}
    refused = [one for one in asked if not may("overlays/simple", one)]
    assert [one for one in refused if one.resource != "configmaps"] == []  # how proxies are set is no need


def test_a_master_where_people_log_in(lab: Lab, pods: LocustPods, monkeypatch: pytest.MonkeyPatch):
    """A command with the master's key shows the numbers, and loads; one without it says which key to give."""
    pods.kill_master()
    with monkeypatch.context() as within:
        for name, value in {**ON, "SAMEZONE_LOCUSTFILE": str(EXAMPLE)}.items():
            within.setenv(name, value)
        pods.start_master()
    for worker in pods.workers:
        pods.kill(worker.pod)
        pods.start_worker(worker)
    try:
        refused = cluster(lab, "web", "--web-port", "0")
        assert refused.returncode == 2
        assert (
            f"asks for a login, and so it answers only commands that have its key: set {OURS_VARIABLE}"
            in (refused.stderr)
        )
        with web(lab, **{OURS_VARIABLE: KEY}) as tab:
            assert "samezone-zones" not in tab.ask("/zones")[1]
            assert "live" not in tab.ask("/samezone/zones")[1]
            assert "Locust" in tab.ask("/samezone/zones")[1]  # its login page
        load = ("--rate", "30", "--duration", "4", "--warmup", "1", "--users", "6", "--yes")
        done = cluster(lab, "run", "off", *load, **{OURS_VARIABLE: KEY})
        assert done.returncode == 0, done.stderr
    finally:
        pods.kill_master()
        pods.start_master()
        for worker in pods.workers:
            pods.kill(worker.pod)
            pods.start_worker(worker)
