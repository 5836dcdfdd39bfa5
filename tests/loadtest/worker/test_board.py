"""The master's board."""

import msgspec
import pytest

from k8s.errors import UsageError
from loadtest.worker.board import LOST_AFTER_S, Board
from loadtest.worker.messages import Order, SwarmView, WorkerReport, read_order, read_report
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally
from loadtest.worker.typed_json import encode


def report(zone: str, *, generation: int = 0, requests: int = 0, idle: bool = True) -> WorkerReport:
    """A report of the only worker of *zone*."""
    tally = WorkerTally(worker=f"worker-{zone}", zone=zone, node=f"node-{zone}", requests=requests)
    return WorkerReport(generation=generation, idle=idle, tally=tally)


def board_of(*zones: str) -> Board:
    """A board that heard of one worker a zone at second 0; the client id is ``client-<zone>``."""
    board = Board()
    for zone in zones:
        board.receive(f"client-{zone}", report(zone), clock_s=0.0)
    return board


def begin(board: Board, *zones: str, clock_s: float = 0.0, users: int = 12) -> Order:
    """Start with the workers of *zones* connected."""
    clients = [f"client-{zone}" for zone in zones]
    plan = LoadPlan(users=users)
    return board.begin(clients, plan, run_id="r", phase="measure", now_s=1000.0, clock_s=clock_s)


def view(board: Board, *zones: str, missing: frozenset[str] = frozenset(), clock_s: float = 0.0) -> SwarmView:
    """The board now; Locust counts on the workers of *zones*."""
    active = frozenset(f"client-{zone}" for zone in zones)
    return board.view("running", active=active, missing=missing, clock_s=clock_s)


def test_seats_follow_zones_not_connection_order():
    """Two arms give the same worker the same pages."""
    order = begin(board_of("b", "c", "a"), "c", "b", "a")

    assert order.seats == (("client-a", 0), ("client-b", 1), ("client-c", 2))
    assert (order.seat("client-c"), order.seat("stranger")) == (2, None)


def test_a_start_resets_every_count():
    """A tally is never a mixture of two phases."""
    board = board_of("a")
    begin(board, "a")
    board.receive("client-a", report("a", generation=1, requests=7), clock_s=0.0)
    begin(board, "a")
    board.receive("client-a", report("a", generation=1, requests=9), clock_s=0.0)

    assert [tally.requests for tally in view(board).tallies] == [0]


def test_a_silent_worker_is_lost_and_keeps_its_last_word():
    """Its zone's load is missing, which the run must learn."""
    board = board_of("a", "b")
    begin(board, "a", "b")
    board.receive("client-a", report("a", generation=1, requests=7), clock_s=0.0)
    board.receive("client-b", report("b", generation=1, requests=8), clock_s=LOST_AFTER_S)
    seen = view(board, clock_s=LOST_AFTER_S + 0.1)

    assert (seen.lost, seen.workers) == (("worker-a",), 1)
    assert [tally.requests for tally in seen.tallies] == [7, 8]


def test_a_worker_that_locust_misses_is_lost():
    """Whichever notices first."""
    board = board_of("a", "b")
    begin(board, "a", "b")

    assert view(board, missing=frozenset({"client-b"})).lost == ("worker-b",)


def test_a_replacement_does_not_heal_the_window():
    """A new process of the same pod has no seat: the worker that had it stays lost."""
    board = board_of("a", "b")
    begin(board, "a", "b")
    board.receive("client-b", report("b", generation=1), clock_s=5.0)
    board.receive("client-a2", report("a"), clock_s=5.0)
    seen = view(board, clock_s=5.0)

    assert (seen.lost, seen.workers) == (("worker-a",), 2)


def test_a_lost_worker_is_forgotten_by_the_next_start():
    """Loss belongs to a window."""
    board = board_of("a")
    board.receive("client-b", report("b"), clock_s=10.0)
    begin(board, "b", clock_s=10.0)
    seen = view(board, clock_s=10.0)

    assert (seen.lost, [tally.zone for tally in seen.tallies]) == ((), ["b"])


def test_idle_counts_reports_of_this_start_only():
    """An old report cannot end the wait for the last span."""
    board = board_of("a", "b")
    begin(board, "a", "b")
    board.receive("client-a", report("a", generation=0), clock_s=0.0)
    board.receive("client-b", report("b", generation=1), clock_s=0.0)

    assert view(board, "a", "b").idle == 1


def test_a_worker_that_locust_does_not_count_on_is_not_idle():
    """It has reported its last span, but would not get the next order yet."""
    board = board_of("a", "b")

    assert view(board, "a").idle == 1
    with pytest.raises(UsageError, match="still ending"):
        begin(board, "a")


@pytest.mark.parametrize(("zones", "users", "why"), [((), 12, "no worker"), (("a", "b"), 1, "1 users")])
def test_a_start_that_cannot_cover_the_zones_is_refused(zones: tuple[str, ...], users: int, why: str):
    """Load from some zones only would look like a result."""
    with pytest.raises(UsageError, match=why):
        begin(board_of("a", "b"), *zones, users=users)


def test_messages_survive_the_wire():
    """JSON and back."""
    board = board_of("a")
    order = begin(board, "a")

    assert read_order(encode(order).decode()) == order
    assert read_report(encode(report("a"))) == report("a")
    assert msgspec.json.decode(encode(view(board)), type=SwarmView) == view(board)
