"""What becomes of a query: its statuses, part of its rows, the limit, stopping."""

from collections.abc import Iterator

import pytest

from k8s.lab.logs.logs_errors import LogsError
from k8s.lab.logs.running_queries import LIFE_S
from tests.k8s.lab.logs.builders import World, record

TEXT = "SELECT spanId FROM `aws/spans` ORDER BY spanId"


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.add(*(record(number) for number in range(1, 11)))
    yield made
    made.api.close()


def test_scheduled_running_complete(world: World) -> None:
    """No row while it is Scheduled, part of them while it is Running, all in the end."""
    world.knobs.logs_scheduled_s, world.knobs.logs_running_s = 2.0, 3.0
    query = world.start(TEXT)
    seen = []
    for _ in range(6):
        found = world.results(query)
        seen.append((found["status"], len(found["results"])))
        world.clock.now_s += 1.0
    assert seen == [*[("Scheduled", 0)] * 2, *[("Running", 5)] * 3, ("Complete", 10)]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_other_ends_have_no_rows(world: World, status: str) -> None:
    """As the behaviour has it."""
    world.knobs.logs_outcome = status
    found = world.results(world.start(TEXT))
    assert (found["status"], found["results"]) == (status, [])


def test_so_many_at_once(world: World) -> None:
    """LimitExceededException, until one has ended."""
    world.knobs.logs_running_s, world.knobs.logs_most_queries = 5.0, 2
    first = world.start(TEXT)
    world.start(TEXT)
    with pytest.raises(LogsError, match=r"concurrency limit of \[2\]") as caught:
        world.start(TEXT)
    assert caught.value.code == "LimitExceededException"
    world.clock.now_s += 6.0
    assert world.results(first)["status"] == "Complete"
    world.start(TEXT)


def test_a_stopped_query_is_cancelled(world: World) -> None:
    """And stopping it again is refused, as one that ended."""
    world.knobs.logs_running_s = 5.0
    query = world.start(TEXT)
    assert world.api.call("Logs_20140328.StopQuery", {"queryId": query}) == {"success": True}
    assert world.results(query)["status"] == "Cancelled"
    with pytest.raises(LogsError, match="not running") as caught:
        world.api.call("Logs_20140328.StopQuery", {"queryId": query})
    assert caught.value.code == "InvalidParameterException"


def test_results_are_kept_for_a_week(world: World) -> None:
    """After it the id is unknown, like one that never was."""
    query = world.start(TEXT)
    world.clock.now_s += LIFE_S + 1
    for gone in (query, "no-such-query"):
        with pytest.raises(LogsError) as caught:
            world.api.call("Logs_20140328.GetQueryResults", {"queryId": gone})
        assert caught.value.code == "ResourceNotFoundException"


def test_what_the_engine_cannot_do_is_failed(world: World) -> None:
    """Found out while it runs; AWS gives no reason."""
    text = "SELECT SUM(durationNano * 9223372036854775807) AS x FROM `aws/spans`"
    assert world.results(world.start(text))["status"] == "Failed"
