"""Locustfiles in the style of Locust's own examples, unmodified, on a real master and real workers."""

import json
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from k8s.errors import UsageError
from loadtest.swarm.interface import Phase
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.swarm.locust_command import describe
from loadtest.worker.latency import merge
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally
from tests.loadtest.stand import Memory, attributes, serving
from tests.loadtest.swarm.own_shop import Book, trading
from tests.loadtest.swarm.test_local_swarm import COLLECTOR, STORES, WORKERS, placements

pytestmark = pytest.mark.lab

EXAMPLES = Path(__file__).parent / "examples"
SECRETS = (b"unseen-4711", b"hush-hush", b"pw-ann")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one load of a locustfile left."""

    tallies: tuple[WorkerTally, ...]
    book: Book
    memory: Memory
    stats: Counter[str]
    """Requests by method and name, as Locust's own statistics have them."""
    failures: int
    logs: Path

    @property
    def requests(self) -> int:
        return sum(tally.requests for tally in self.tallies)

    @property
    def redirects(self) -> int:
        return sum(tally.redirects for tally in self.tallies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    swarm: LocalSwarm
    book: Book
    memory: Memory
    plan: LoadPlan
    logs: Path

    def run(self, seconds: float = 3.0) -> Ran:
        self.swarm.start(self.plan, run_id="r-1", phase=Phase.MEASURE)
        time.sleep(seconds)
        return self.end()

    def end(self) -> Ran:
        self.swarm.stop()
        deadline_s = time.monotonic() + 10
        while True:  # Locust's workers send their statistics every three seconds
            rows = self.stats()
            if sum(row["num_requests"] for row in rows) >= self._reported() or time.monotonic() > deadline_s:
                break
            time.sleep(0.2)
        return Ran(
            tallies=self.swarm.tallies(),
            book=self.book,
            memory=self.memory,
            stats=Counter({f"{row['method']} {row['name']}": row["num_requests"] for row in rows}),
            failures=sum(row["num_failures"] for row in rows),
            logs=self.logs,
        )

    def stats(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.swarm.web_url}/stats/requests", timeout=20) as answer:
            return [row for row in json.load(answer)["stats"] if row["name"] != "Aggregated"]

    def _reported(self) -> int:
        return sum(one.requests - one.redirects + one.untraced for one in self.swarm.tallies())


@contextmanager
def opened(logs: Path, name: str, *, folder: Path = EXAMPLES, users: int = 12) -> Iterator[Scene]:
    """Three workers with an example of ours as the user's locustfile."""
    memory, book, path = Memory(), Book(), folder / name
    plan = LoadPlan(users=users, locustfile=describe(path).label)
    with serving(memory, COLLECTOR) as (collector,), trading(book, *STORES) as shops:
        swarm = LocalSwarm(placements(shops, collector), logs, locustfile=path)
        try:
            swarm.open()
            yield Scene(swarm=swarm, book=book, memory=memory, plan=plan, logs=logs)
        finally:
            swarm.close()


def check_every_request_has_its_span(ran: Ran) -> None:
    """On the wire = counted = traced = delivered = Locust's own, each with ids of its own."""
    asked, spans = ran.book.asked, ran.memory.spans()
    sent = [one.traceparent.split("-")[1:3] for one in asked]
    assert len(asked) > 40
    assert ran.requests == len(asked) == len(spans)
    assert len({trace for trace, _ in sent}) == len(asked)
    assert {tuple(one) for one in sent} == {(span.trace_id.hex(), span.span_id.hex()) for _, span in spans}
    for tally in ran.tallies:
        assert tally.spans_made == tally.spans_delivered == tally.requests
        assert sum(page.requests for page in tally.pages) == tally.requests
        assert tally.in_flight == tally.spans_dropped == 0
        assert not tally.lateness.counts
    assert merge(tally.latency for tally in ran.tallies).total == ran.requests - sum(
        tally.failures for tally in ran.tallies
    )
    assert sum(ran.stats.values()) == ran.requests - ran.redirects + sum(t.untraced for t in ran.tallies)
    assert sum(tally.connections for tally in ran.tallies) == ran.book.connections.total()
    # Each worker calls the shop of its own zone from its own address, whatever host the file names.
    assert {(one.client_ip, one.server_ip) for one in asked} == set(zip(WORKERS, STORES, strict=True))


def check_no_secret(ran: Ran, *, also: bytes = b"") -> None:
    """Neither what workers tell nor what they trace holds a token, a password or an environment's value."""
    told = repr(ran.tallies).encode() + b"".join(ran.memory.bodies) + also
    told += b"".join(path.read_bytes() for path in ran.logs.glob("*.log"))
    for secret in SECRETS:
        assert secret not in told


def test_http_users_by_weight_with_redirects_and_checks(tmp_path: Path):
    """The quick start: two classes, names, a login by POST, a followed redirect, a 404 that is fine."""
    with opened(tmp_path, "basic.py") as scene:
        ran = scene.run()

    check_every_request_has_its_span(ran)
    check_no_secret(ran)
    paths = ran.book.paths()
    # 12 users by weights 3 and 1 over three seats: every seat has three of one class and one of the other.
    assert paths["POST /login"] == 9
    logins = Counter(one.server_ip for one in ran.book.asked if one.path == "/login")
    assert set(logins.values()) == {3}
    assert {one.body for one in ran.book.asked if one.path == "/login"} == {
        b'{"username": "foo", "password": "bar"}'
    }
    assert ran.redirects == paths["GET /moved-home"] + paths["GET /home"] > 0
    assert sum(tally.failures for tally in ran.tallies) == ran.failures == 0
    pages = Counter()
    for tally in ran.tallies:
        pages.update({page.page: page.requests for page in tally.pages})
    assert pages["/item"] == ran.stats["GET /item"] == paths["GET /item"]
    assert pages["/old-home"] == 3 * ran.stats["GET /old-home"]
    assert pages["/?secret="] == paths["GET /"]
    by_name = {span.name: attributes(span) for _, span in ran.memory.spans()}
    assert by_name["POST /login"]["http.request.method"] == "POST"
    assert by_name["GET /missing"]["http.response.status_code"] == 404
    assert by_name["GET /?secret="]["url.full"].endswith("/")


def test_fast_users_who_log_in_post_and_fail_their_own_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Login, cookie, token, POST, checks; an option and a listener of the file, a module beside it."""
    monkeypatch.setenv("SHOP_SECRET", "hush-hush")
    with opened(tmp_path, "fast_login.py", users=7) as scene:
        ran = scene.run()

    check_every_request_has_its_span(ran)
    paths = ran.book.paths()
    assert paths["POST /api/login"] == paths["GET /api/cookie"] == paths["POST /api/logout"] == 7
    assert {one.cookie for one in ran.book.asked if one.path == "/api/cookie"} == {"session=s-unseen-4711"}
    bought = [one.body for one in ran.book.asked if one.method == "POST" and one.path == "/api/orders"]
    assert set(bought) == {b'{"item": 1, "tenant": "acme"}'}
    assert ran.failures == sum(tally.failures for tally in ran.tallies) > 0
    assert {error for tally in ran.tallies for error, _ in tally.errors} == {
        "a check in the locustfile failed"
    }
    assert "testing for tenant acme" in (tmp_path / "locust-worker-0.log").read_text()
    check_no_secret(ran)


def test_fixed_counts_nested_tasks_and_a_client_of_another_kind(tmp_path: Path):
    """Three buyers, one queue, the rest visitors; what is not HTTP is counted apart and has no span."""
    with opened(tmp_path, "two_journeys.py", users=9) as scene:
        scene.swarm.start(scene.plan, run_id="r-1", phase=Phase.MEASURE)
        time.sleep(3)
        ran = scene.end()

    check_every_request_has_its_span(ran)
    paths = ran.book.paths()
    buyers = {one.server_ip for one in ran.book.asked if one.path == "/cart"}
    assert buyers == set(STORES)
    assert paths["GET /cart"] >= paths["POST /pay"] >= paths["GET /done"] > 0
    assert paths["GET /home"] > 0
    assert paths["GET /details/1"] > 0
    assert sum(tally.untraced for tally in ran.tallies) == ran.stats["QUEUE publish"] > 10
    assert [tally.untraced > 0 for tally in ran.tallies] == [False, False, True]


def test_who_takes_a_lost_workers_seat_has_its_users(tmp_path: Path):
    """A killed worker's zone goes on with as many users of each class: they log in again."""
    with opened(tmp_path, "basic.py") as scene:
        scene.swarm.start(scene.plan, run_id="r-1", phase=Phase.MEASURE)
        time.sleep(2)
        os.kill(scene.swarm._members[2].process.pid, signal.SIGKILL)
        deadline_s = time.monotonic() + 30
        while not ((losses := scene.swarm.progress().losses) and losses[0].back_s):
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
        time.sleep(1)
        scene.swarm.stop()
        losses, tallies = scene.swarm.losses(), scene.swarm.tallies()
    logins = Counter(one.server_ip for one in scene.book.asked if one.path == "/login")
    assert logins == {STORES[0]: 3, STORES[1]: 6, STORES[2]: 3}
    assert losses[0].missing > 0
    counted = sum(tally.requests for tally in tallies)
    assert counted <= len(scene.book.asked) <= counted + losses[0].untold


def test_a_worker_with_another_file_tells_so_and_nothing_is_sent(tmp_path: Path):
    """One that came back after the file was changed: the start says which one, and what it has."""
    file = tmp_path / "basic.py"
    file.write_text((EXAMPLES / "basic.py").read_text())
    with opened(tmp_path, file.name, folder=tmp_path) as scene:
        before = {member.process.pid for member in scene.swarm._members}
        file.write_text(f"{file.read_text()}\n# changed\n")
        os.kill(scene.swarm._members[2].process.pid, signal.SIGKILL)
        deadline_s = time.monotonic() + 30
        while not {one.process for one in scene.swarm.tallies()} - {0} - before:
            assert time.monotonic() < deadline_s
            scene.swarm.progress()
            time.sleep(0.2)
        with pytest.raises(
            UsageError, match=r"the load is of locustfile basic\.py .*, but this worker has basic"
        ):
            scene.swarm.start(scene.plan, run_id="r", phase=Phase.MEASURE)
    assert len({one.client_ip for one in scene.book.asked}) < len(WORKERS)


def test_a_swarm_without_the_file_refuses_its_plan(tmp_path: Path):
    """What would run is not what was asked for."""
    with opened(tmp_path, "basic.py") as scene:
        other = LoadPlan(locustfile="other.py sha256:0")
        with pytest.raises(UsageError, match="but this swarm has basic"):
            scene.swarm.start(other, run_id="r", phase=Phase.MEASURE)
        scene.swarm.start(LoadPlan(rate_per_s=30), run_id="r", phase=Phase.MEASURE)
        time.sleep(1)
        scene.swarm.stop()
        tallies = scene.swarm.tallies()
    assert {page.page for tally in tallies for page in tally.pages} <= {"home", "catalog", "product"}
    assert sum(tally.requests for tally in tallies) >= 25
