"""``samezone collect`` where the source fails: one line, nothing lost, and the same command goes on later."""

import io
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.source.prometheus.profiles import ZTUNNEL
from k8s.console import Io
from loadtest import rundir
from loadtest.record import LoadSeen, Window
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally
from tests.analysis.source.prometheus.backfill import LENGTH_S, QUIET_S, World, during, running, scraped
from tests.analysis.source.spans.conftest import Place
from tests.k8s.lab.stage import free_port
from tests.k8s.lab.xray.builders import T0, shop
from tests.k8s.lab.xray.conftest import start, stop
from tests.loadtest.test_rundir import record

CONNECTIONS, CALLS = 40, 3
"""In the window: of the store's world, and of the trace of the stand-in."""
STEP_S = 30.0
"""How far the clock goes when a command waits: no test does."""


@dataclass
class Waiting:
    """A clock that goes on by being waited for."""

    now_s: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, length_s: float) -> None:
        self.now_s += max(STEP_S, length_s)


def collected(folder: Path, *argv: str) -> tuple[int, str]:
    """Exit code and words of ``samezone collect`` in a folder of its own."""
    out, err, clock = io.StringIO(), io.StringIO(), Waiting()
    surroundings = Io(
        out=out, err=err, environment={}, folder=folder, clock=clock, monotonic=clock, sleep=clock.sleep
    )
    return main(("collect", str(folder), *argv), surroundings), err.getvalue()


def kept(folder: Path) -> dict[str, bytes]:
    """Every file of a run."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(folder: Path, words: str, *argv: str, code: int = 5) -> None:
    """One line that says why, besides what waiting said; what was there stays byte for byte."""
    before = kept(folder)
    found, said = collected(folder, *argv)
    assert found == code, said
    (line,) = [one for one in said.splitlines() if one.startswith("samezone: ")]
    assert line == said.splitlines()[-1]
    assert re.search(words, line), line
    assert "Traceback" not in said
    assert kept(folder) == before


def goes_on(folder: Path, calls: int) -> None:
    """The counts are there at last, all of them."""
    code, said = collected(folder)
    assert code == 0, said
    found = json.loads((folder / rundir.GRAPH).read_bytes())
    assert (found["stable"], found["polls"][-1]["calls"]) == (True, calls)


class Door(ThreadingHTTPServer):
    """Stands before a Prometheus: lets so many questions pass, and answers the others itself."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind = behind
        self.passes: float = 0
        self.status, self.kind, self.body = 200, "application/json", b""
        self.is_slow = False
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Passing(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, form: bytes | None) -> None:
        door = self.server
        status, kind, body = door.status, door.kind, door.body
        door.passes -= 1
        if door.passes >= 0:
            asked = urllib.request.Request(f"{door.behind}{self.path}", form)
            try:
                with urllib.request.urlopen(asked) as found:
                    status, kind, body = 200, "application/json", found.read()
            except urllib.error.HTTPError as error:
                status, kind, body = error.code, "application/json", error.read()
        elif door.is_slow:
            door.ended.wait(60)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Be quiet."""


@dataclass
class Lately(World):
    """A world that ended just now, as a run's store has it."""

    began_s: float = field(default_factory=lambda: float(int(time.time()) - 900))

    @property
    def start_s(self) -> float:
        return self.began_s


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Lately]]:
    """A real Prometheus with some connections in the window."""
    world = Lately(slot=0)
    at = scraped()
    world.target("node-a", at=at)
    world.counter(ZTUNNEL.metric, SIDES, during(CONNECTIONS), before=7, at=at)
    with running(tmp_path_factory.mktemp("store"), [world]) as url:
        yield url, world


SIDES = {
    "job": "mesh",
    "instance": "node-a",
    "reporter": "source",
    "source_workload": "ui",
    "source_zone": "a",
    "destination_workload": "catalog",
    "destination_zone": "b",
}


@contextmanager
def door_of(behind: str) -> Iterator[Door]:
    with Door(behind) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        try:
            yield door
        finally:
            door.ended.set()
            door.shutdown()


@pytest.fixture
def door(counted: tuple[str, Lately]) -> Iterator[Door]:
    """Closed, until a test opens it."""
    with door_of(counted[0]) as found:
        yield found


@pytest.fixture
def by_mesh(tmp_path: Path, door: Door, counted: tuple[str, Lately]) -> Path:
    """A run that was measured and not collected; its record says who counts."""
    made = record(
        measured=Window(start_s=counted[1].start_s, end_s=counted[1].start_s + LENGTH_S),
        counting=(("source", "prometheus"), ("prometheus", door.url), ("profile", "ztunnel")),
    )
    plan = LoadPlan(quiet_s=QUIET_S)
    rundir.write_json(tmp_path / rundir.RECORD, replace(made, asked=replace(made.asked, plan=plan)))
    return tmp_path


REFUSALS = {
    "422": (
        422,
        "application/json",
        b'{"status":"error","error":"parse\\nerror"}',
        "422: parse error; check",
    ),
    "401": (401, "text/plain", b"who are you", "401: who are you; check user, password, token"),
    "403": (403, "text/html", b"<html>no</html>", "403: a web page; check user, password, token"),
    "a login page": (200, "text/html", b"<html>Log in</html>", "a web page instead of Prometheus' JSON"),
    "a redirect": (302, "text/html", b"<html>", "it sends elsewhere, to a login page"),
    "JSON of others": (200, "application/json", b'{"status":"success"}', "holds no result instead"),
    "half an answer": (200, "application/json", b'{"status":"succ', "cannot be read after 15 bytes"),
    "too many questions": (429, "text/plain", b"slow down", "429: slow down; it is busy"),
    "trouble": (500, "text/plain", b"boom", "500: boom; it has trouble of its own"),
}


@pytest.mark.programs
@pytest.mark.parametrize("passes", [0, 6], ids=["at once", "in the midst"])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_prometheus_that_refuses(by_mesh: Path, door: Door, name: str, passes: int):
    """Whenever it does: what was measured stays, and the same command collects it afterwards."""
    door.status, door.kind, door.body, words = REFUSALS[name]
    door.passes = passes

    refused(by_mesh, words)

    door.passes = 1e9
    goes_on(by_mesh, CONNECTIONS)


@pytest.mark.programs
def test_a_prometheus_that_is_slow(by_mesh: Path, door: Door):
    """Its time limit is the option's, and the line names the option."""
    door.is_slow = True

    refused(
        by_mesh, r"no whole answer within 0\.3 s.*--prometheus-timeout-s", "--prometheus-timeout-s", "0.3"
    )

    door.passes = 1e9
    goes_on(by_mesh, CONNECTIONS)


@pytest.mark.programs
def test_a_prometheus_that_is_away(by_mesh: Path, door: Door):
    """Nobody listens: the counts that were there before are there after."""
    door.passes = 1e9
    goes_on(by_mesh, CONNECTIONS)

    refused(by_mesh, "refused.*is it up", "--prometheus", f"http://127.0.0.1:{free_port()}")


LOAD = LoadSeen(seconds=10.0, workers=(WorkerTally(worker="locust-a", zone="a", node="n", requests=1),))


@pytest.fixture
def standing() -> Iterator[Callable[[str], Place]]:
    """Starts stand-ins of AWS with settings of one's own, and ends them."""
    servers = []

    def begin(settings: str = "{}") -> Place:
        servers.append(start(settings))
        return Place(server=servers[-1])

    yield begin
    for server in servers:
        stop(server)


def send(place: Place) -> None:
    """A trace of the run, in its measured window."""
    made = shop()
    for spans in (scope.spans for one in made.resource_spans for scope in one.scope_spans):
        for attribute in (attribute for span in spans for attribute in span.attributes):
            if attribute.key == "phase":
                attribute.value.string_value = "measure"
    body = made.SerializeToString()
    headers = {"Content-Type": "application/x-protobuf"}
    urllib.request.urlopen(urllib.request.Request(f"{place.server.url}/v1/traces", body, headers)).close()


def by_spans(folder: Path, place: Place) -> Path:
    """A run of one request, measured and not collected."""
    made = record(
        run_id="R1",
        measured=Window(start_s=T0 - 30.0, end_s=T0 + 31.0),
        counting=(("source", "spans"), ("xray_endpoint", place.server.url)),
    )
    rundir.write_json(folder / rundir.RECORD, replace(made, seen=replace(made.seen, measured=LOAD)))
    return folder


CALM = {"throttle_for_s": 0.0, "refuse": "", "logs_outcome": "Complete", "logs_running_s": 0.0,
        "logs_most_queries": 100, "logs_refuse_after": -1}  # fmt: skip
FAULTS = {
    "throttled": (
        {"throttle_for_s": 600.0},
        "ThrottlingException: Rate exceeded; it throttles; wait a minute",
    ),
    "too many queries": ({"logs_most_queries": 0}, "LimitExceededException.*too many queries run at once"),
    "timeout": ({"logs_outcome": "Timeout"}, "ended as Timeout, which AWS does after 60 minutes"),
    "failed": ({"logs_outcome": "Failed"}, "ended as Failed, without a reason; ask again later"),
    "cancelled": ({"logs_outcome": "Cancelled"}, "ended as Cancelled: somebody stopped it; ask again"),
    "expired in the midst of a poll": (
        {"logs_running_s": 3_000.0, "logs_refuse_after": 3},
        "calling get_query_results.*expired; renew the AWS credentials and try again",
    ),
    "denied": ({"refuse": "denied"}, r"allow the IAM action logs:StartQuery, .*analysis_policy_arn"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_spans_that_are_refused(tmp_path: Path, standing: Callable[[str], Place], name: str):
    """Each status and refusal of CloudWatch Logs; when it is over, the same command goes on."""
    place = standing("{}")
    send(place)
    folder = by_spans(tmp_path, place)
    knobs, words = FAULTS[name]
    place.turn(**knobs)

    refused(folder, words)

    place.turn(refuse="")
    place.turn(**CALM)
    goes_on(folder, CALLS)


def test_spans_of_an_account_without_the_log_group(tmp_path: Path, standing: Callable[[str], Place]):
    """Exit 4, as of every source that would not show all calls: the line says how to turn it on."""
    place = standing('{"spans_log_group": "transaction-search"}')
    folder = by_spans(tmp_path, place)

    refused(folder, "no log group aws/spans, Transaction Search is off.*--source xray", code=4)

    place.server.client().update_trace_segment_destination(Destination="CloudWatchLogs")
    send(place)
    goes_on(folder, CALLS)
