"""Groups: their life, and whose traces they hold."""

from tests.k8s.lab.xray.builders import (
    WINDOW,
    Clock,
    by_name,
    call,
    counts,
    put,
    refused,
    roots,
    segment,
    services,
    stand_in,
    trace_id,
)


def test_group_life() -> None:
    """Groups are created, listed, found by name or ARN, changed and deleted."""
    target = stand_in()
    created = target.call("/CreateGroup", {"GroupName": "tar-R1", "FilterExpression": "fault"})["Group"]
    changed = target.call(
        "/UpdateGroup",
        {
            "GroupARN": created["GroupARN"],
            "FilterExpression": "error",
            "InsightsConfiguration": {"InsightsEnabled": True},
        },
    )["Group"]

    assert created["GroupARN"].startswith("arn:aws:xray:eu-west-1:000000000000:group/tar-R1/")
    assert changed == created | {
        "FilterExpression": "error",
        "InsightsConfiguration": {"InsightsEnabled": True, "NotificationsEnabled": False},
    }
    assert target.call("/GetGroup", {"GroupName": "tar-R1"}) == {"Group": changed}
    assert target.call("/Groups", {}) == {"Groups": [changed]}
    assert target.call("/DeleteGroup", {"GroupName": "tar-R1"}) == {}
    assert refused(target, "/GetGroup", GroupName="tar-R1").code == "InvalidRequestException"


def test_groups_that_cannot_be() -> None:
    """Taken names, bad names, bad expressions and a 26th group are refused."""
    target = stand_in()
    for number in range(25):
        target.call("/CreateGroup", {"GroupName": f"g{number}"})

    assert "at most 25" in refused(target, "/CreateGroup", GroupName="one-more").message
    target.call("/DeleteGroup", {"GroupName": "g7"})
    for body in (
        {"GroupName": "g1"},
        {"GroupName": ""},
        {"GroupName": "x" * 33},
        {"GroupName": "a b"},
        {"GroupName": "good", "FilterExpression": "nonsense"},
    ):
        assert refused(target, "/CreateGroup", **body).code == "InvalidRequestException"
    assert refused(target, "/GetGroup").status == 400
    target.call("/CreateGroup", {"GroupName": "good", "FilterExpression": "fault"})


def test_graph_of_a_group() -> None:
    """A group's graph counts the fitting traces that arrived after the group was made."""
    clock = Clock()
    target = stand_in(clock)
    roots(target, 1.0, annotations={"run_id": "R1"})
    clock.now_s += 1
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": 'annotation.run_id = "R1"'})
    clock.now_s += 1
    put(target, segment("ui", 2, annotations={"run_id": "R1"}) | {"trace_id": trace_id(2)})
    put(target, segment("ui", 3, annotations={"run_id": "R2"}) | {"trace_id": trace_id(3)})

    found = target.call("/ServiceGraph", WINDOW | {"GroupName": "g"})["Services"]

    assert counts(found)[0] == {("ui", "client"): None, ("ui", None): 1}
    assert by_name(services(target), "ui")["SummaryStatistics"]["TotalCount"] == 3
    by_group = WINDOW | {"FilterExpression": 'group.name = "g"', "TimeRangeType": "Event"}
    assert len(target.call("/TraceSummaries", by_group)["TraceSummaries"]) == 1


def test_changed_group_mixes() -> None:
    """After a change, old traces stay, new ones go by the new expression, and the graph says so."""
    clock = Clock()
    target = stand_in(clock)
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": "fault"})
    put(target, segment("a", 1, fault=True) | {"trace_id": trace_id(1)})
    clock.now_s += 1
    target.call("/UpdateGroup", {"GroupName": "g", "FilterExpression": "ok"})
    put(target, segment("b", 2, fault=True) | {"trace_id": trace_id(2)})
    put(target, segment("c", 3) | {"trace_id": trace_id(3)})

    answer = target.call("/ServiceGraph", WINDOW | {"GroupName": "g"})

    assert {item["Name"] for item in answer["Services"]} == {"a", "c"}
    assert answer["ContainsOldGroupVersions"] is True


def test_deleted_group_leaves_nothing_to_the_next() -> None:
    """A new group that takes a deleted one's place begins empty."""
    target = stand_in()
    target.call("/CreateGroup", {"GroupName": "old"})
    roots(target, 1.0)
    services(target)
    target.call("/DeleteGroup", {"GroupName": "old"})
    target.call("/CreateGroup", {"GroupName": "new", "FilterExpression": "fault"})

    by_group = WINDOW | {"FilterExpression": 'group.name = "new"', "TimeRangeType": "Event"}
    assert target.call("/ServiceGraph", WINDOW | {"GroupName": "new"})["Services"] == []
    assert target.call("/TraceSummaries", by_group)["TraceSummaries"] == []


def test_unknown_group() -> None:
    """A graph of an unknown group is refused, or empty if asked so; its service model knows no 404."""
    assert refused(stand_in(), "/ServiceGraph", **WINDOW, GroupName="g").code == "InvalidRequestException"
    quiet = stand_in(unknown_group_is_empty=True)
    roots(quiet, 1.0)

    assert quiet.call("/ServiceGraph", WINDOW | {"GroupName": "g"})["Services"] == []


def test_traces_that_began_before_stay_out() -> None:
    """A trace that began to arrive before a group was made is not in it, whatever comes later."""
    clock = Clock()
    target = stand_in(clock)
    put(target, segment("ui", 1, fault=True))
    clock.now_s += 1
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": "fault"})
    put(target, call("GET", 2, 1))

    assert target.call("/ServiceGraph", WINDOW | {"GroupName": "g"})["Services"] == []


def test_the_expression_of_the_beginning_counts() -> None:
    """A trace goes by the expression in force when it began to arrive, even if it grows later."""
    clock = Clock()
    target = stand_in(clock)
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": "fault"})
    put(target, segment("ui", 1, fault=True))
    clock.now_s += 1
    target.call("/UpdateGroup", {"GroupName": "g", "FilterExpression": "ok"})
    put(target, call("GET", 2, 1))
    found = target.call("/ServiceGraph", WINDOW | {"GroupName": "g"})["Services"]

    assert {item["Name"] for item in found} == {"ui", "GET"}


def test_traces_leave_when_they_fit_no_more() -> None:
    """What counts is the trace as it is in the end: asking for a group early changes nothing."""
    target = stand_in()
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": '!service("catalog")'})
    put(target, segment("ui", 1), call("GET", 2, 1))
    early = target.call("/ServiceGraph", WINDOW | {"GroupName": "g"})["Services"]
    put(target, segment("catalog", 3, parent=2))

    assert len(early) == 3
    assert target.call("/ServiceGraph", WINDOW | {"GroupName": "g"})["Services"] == []
