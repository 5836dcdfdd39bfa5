"""The master's board."""

from dataclasses import replace

import msgspec
import pytest

from k8s.errors import UsageError
from loadtest.worker.board import LEAD_S, LOST_AFTER_S, Board
from loadtest.worker.dealing import USER_CLASS, SeatDispatcher
from loadtest.worker.messages import Order, SwarmView, WorkerReport, read_order, read_report
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally
from loadtest.worker.typed_json import encode


def report(
    zone: str, *, generation: int = 0, requests: int = 0, idle: bool = True, pod: str = "", **more: int
) -> WorkerReport:
    """A report of the only worker of *zone*."""
    tally = WorkerTally(
        worker=pod or f"worker-{zone}", zone=zone, node=f"node-{zone}", requests=requests, **more
    )
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


def watch(board: Board, until_s: float) -> None:
    """Somebody looks at the board all the time."""
    for half in range(int(2 * until_s) + 1):
        board.look(half / 2)


def lost_in_a() -> Board:
    """Three workers at 50/s; a's tells of 7 requests at second 1 and is silent then."""
    board = board_of("a", "b", "c")
    begin(board, "a", "b", "c")
    board.receive("client-a", report("a", generation=1, requests=7, idle=False), clock_s=1.0)
    watch(board, 5.5)
    for zone in "bc":
        board.receive(f"client-{zone}", report(zone, generation=1, requests=80, idle=False), clock_s=5.5)
    return board


def test_who_has_not_told_of_the_start_is_counted():
    """Until its report counts for it; a worker that is gone is not waited for."""
    board = board_of("a", "b")
    begin(board, "a", "b")
    assert view(board, "a", "b").untold == 2
    board.receive("client-a", report("a", generation=1, idle=False), clock_s=0.1)

    assert view(board, "a", "b").untold == 1
    assert view(board, "a", missing=frozenset({"client-b"})).untold == 0


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
    watch(board, LOST_AFTER_S)
    seen = view(board, "a", "b", clock_s=LOST_AFTER_S + 0.1)

    assert (seen.lost, seen.workers) == (("worker-a",), 1)
    assert [tally.requests for tally in seen.tallies] == [7, 8]


def test_a_worker_that_locust_misses_is_lost():
    """Whichever notices first."""
    board = board_of("a", "b")
    begin(board, "a", "b")

    assert view(board, "a", "b", missing=frozenset({"client-b"})).lost == ("worker-b",)
    assert view(board_of("a"), "a").lost == ()


def test_a_worker_that_said_goodbye_is_lost_while_load_is_wanted():
    """Locust knows it no more; after a stop that is every worker's way to get ready again."""
    board = board_of("a", "b")
    begin(board, "a", "b")
    board.receive("client-b", report("b", generation=1, requests=5), clock_s=1.0)

    seen = view(board, "a", clock_s=1.0)
    assert seen.lost == ("worker-b",)
    # Its last word came when nothing was left to do: nothing of it is untold.
    assert (seen.losses[0].untold, seen.losses[0].missing) == (0, 13 - 5)

    ended = board_of("a", "b")
    begin(ended, "a", "b")
    board.receive("client-b", report("b", generation=1, requests=5), clock_s=1.0)
    ended.end(1.0)
    assert view(ended, "a", clock_s=1.0).lost == ()


def test_a_master_that_stood_still_misses_nobody():
    """Its workers spoke while it did not listen."""
    board = board_of("a", "b")
    begin(board, "a", "b")
    watch(board, 3.0)

    assert view(board, "a", "b", clock_s=30.0).lost == ()


def test_a_new_process_of_the_same_pod_goes_on_with_its_seat():
    """At the arrival that is due then; the loss says how long, and how many requests are missing."""
    board = lost_in_a()
    board.receive("client-a2", report("a"), clock_s=5.5)
    active = ("client-a2", "client-b", "client-c")

    assert board.fill(active, (), clock_s=5.5) == {"client-a2": "client-a"}
    order = board.order(5.5)
    assert order.seats == (("client-a2", 0), ("client-b", 1), ("client-c", 2))
    assert order.late_s == pytest.approx(5.5 - LEAD_S)
    assert board.fill(active, (), clock_s=5.5) == {}

    # Its seat's arrivals are due every 60 ms: at 5.0 s of the schedule number 84 is next.
    tally = report("a", generation=1, requests=3, idle=False, skipped=84)
    board.receive("client-a2", tally, clock_s=6.0)
    seen = board.view("running", active=active, missing=(), clock_s=6.0)
    assert seen.lost == ()
    assert [(one.turn, one.seat, one.requests) for one in seen.tallies if one.zone == "a"] == [
        (0, 1, 7),
        (1, 1, 3),
    ]
    (loss,) = seen.losses
    assert (loss.worker, loss.zone, loss.replaced_by, loss.missing) == ("worker-a", "a", "worker-a", 77)
    assert loss.lost_s == pytest.approx(1001.0)
    assert loss.back_s == pytest.approx(1000.5 + 84 * 0.06)
    assert loss.untold == 25


def test_load_never_changes_zone():
    """A free worker of another zone is no replacement; one of the same zone is, whatever its pod's name."""
    board = lost_in_a()
    board.receive("client-b2", report("b", pod="spare-b"), clock_s=5.5)
    active = ("client-a2", "client-b", "client-b2", "client-c")

    assert board.fill(active, (), clock_s=5.5) == {}
    board.receive("client-a2", report("a", pod="new-a"), clock_s=5.5)
    assert board.fill(active, (), clock_s=5.5) == {"client-a2": "client-a"}


def test_who_comes_back_before_anybody_took_its_seat_keeps_it():
    """It was only silent; what was due was sent late, so that nothing is missing."""
    board = lost_in_a()
    assert view(board, "a", "b", "c", clock_s=5.5).lost == ("worker-a",)
    board.receive("client-a", report("a", generation=1, requests=90, idle=False), clock_s=6.0)
    seen = view(board, "a", "b", "c", clock_s=6.0)

    assert seen.lost == ()
    assert [(loss.back_s, loss.replaced_by, loss.missing) for loss in seen.losses] == [(1006.0, "", 0)]
    assert len(view(board, "a", "b", "c", clock_s=6.1).losses) == 1


def test_two_losses_in_a_row_are_two():
    """The replacement is lost as well."""
    board = lost_in_a()
    board.receive("client-a2", report("a"), clock_s=5.5)
    board.fill(("client-a2", "client-b", "client-c"), (), clock_s=5.5)
    board.receive("client-a2", report("a", generation=1, requests=2, idle=False, skipped=84), clock_s=6.0)
    board.receive("client-a3", report("a"), clock_s=8.0)
    active = ("client-a3", "client-b", "client-c")
    assert board.fill(active, (), clock_s=8.0) == {"client-a3": "client-a2"}
    board.receive("client-a3", report("a", generation=1, requests=1, idle=False, skipped=126), clock_s=8.2)

    seen = board.view("running", active=active, missing=(), clock_s=8.2)
    assert [(loss.turn, loss.missing) for loss in seen.losses] == [(0, 77), (1, 126 - 86)]


def test_nobody_takes_a_seat_after_the_end():
    """What is missing is counted up to the stop."""
    board = lost_in_a()
    board.end(5.5)
    board.receive("client-a2", report("a"), clock_s=5.5)

    assert board.fill(("client-a2", "client-b", "client-c"), (), clock_s=6.0) == {}
    seen = board.view("stopped", active=("client-a2",), missing=(), clock_s=9.0)
    assert [(loss.back_s, loss.missing) for loss in seen.losses] == [(0.0, 84 - 7)]


def test_users_go_with_seats():
    """Locust's own way would take some from those who work when somebody comes."""
    board = lost_in_a()
    dispatcher = SeatDispatcher(board)
    dispatcher.new_dispatch(11, 11.0)
    assert list(dispatcher) == [
        {"client-a": {USER_CLASS: 4}, "client-b": {USER_CLASS: 4}, "client-c": {USER_CLASS: 3}}
    ]
    board.receive("client-a2", report("a"), clock_s=5.5)
    board.fill(("client-a2", "client-b", "client-c"), (), clock_s=5.5)
    assert list(dispatcher) == [
        {"client-a2": {USER_CLASS: 4}, "client-b": {USER_CLASS: 4}, "client-c": {USER_CLASS: 3}}
    ]


def test_a_lost_worker_is_forgotten_by_the_next_start():
    """Loss belongs to a window."""
    board = board_of("a")
    board.receive("client-b", report("b"), clock_s=10.0)
    begin(board, "b", clock_s=10.0)
    seen = view(board, "b", clock_s=10.0)

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
    lost = view(lost_in_a(), "a", "b", "c", clock_s=5.5)
    assert lost.losses
    assert msgspec.json.decode(encode(lost), type=SwarmView) == lost
    assert replace(lost, losses=()) != lost
