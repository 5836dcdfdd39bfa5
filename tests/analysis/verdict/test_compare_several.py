"""A comparison under which several Services had the mode: a verdict for each pair, and one over all."""

from dataclasses import replace

import msgspec
import pytest

from analysis.arm.views import callers
from analysis.model import Placed
from analysis.placement import Timeline
from analysis.source.facts import facts_of
from analysis.verdict.compare import compare, further_nulls
from analysis.verdict.compared import Comparison
from analysis.verdict.judged import Decision, worst
from k8s.errors import InvalidRunError
from k8s.topology import PodName, Zone
from tests.analysis.chain import FRONTEND, Chain

TAR = Chain(mode="tar", orders=1.0, payments=1.0, run=3)


def compared(candidate: Chain, baseline: Chain | None = None) -> Comparison:
    first = baseline or Chain()
    return compare(
        first.inputs(),
        candidate.inputs(),
        null=replace(first, run=2).inputs(),
        created_s=1.0,
        versions=(),
    )


def test_each_pair_has_its_own_verdict_cost_guards_and_prediction():
    """The caller of the second Service is found in the graph."""
    found = compared(TAR)

    first, second = found.each
    assert (first.service, first.focus) == ("orders/orders", ("frontend", "orders"))
    assert (second.service, second.focus) == ("payments/payments", ("orders", "payments"))
    for one in found.each:
        assert one.effects is not None
        assert one.effects.share_before.estimate == pytest.approx(1 / 3, abs=0.001)
        assert one.effects.share_after.estimate == 1.0
        assert one.verdict is not None
        assert one.verdict.guards
        assert one.verdict.decision is Decision.PASS
        assert one.baseline.expectation is not None
        assert one.baseline.expectation.share == pytest.approx(1 / 3)
        truth = one.candidate.truth_check
        assert truth is not None
        assert (truth.graph_calls, truth.worst_relative_error) == (3000, 0.0)
    assert found.decision is Decision.PASS


def test_bytes_and_money_are_those_of_each_service():
    """The relays count each Service for itself; the costs of all pairs stand in the arm, too."""
    found = compared(TAR)

    orders, payments = found.baseline.costs
    assert (orders.server, orders.response_bytes_per_call) == ("orders", 900)
    assert (payments.server, payments.response_bytes_per_call) == ("payments", 9900)
    assert payments.usd_per_month is not None
    assert orders.usd_per_month is not None
    assert payments.usd_per_month.estimate == pytest.approx(10 * orders.usd_per_month.estimate)
    changed = {(one.client, one.server): one.usd_per_month for one in found.changes}
    assert changed["orders", "payments"] is not None


def test_a_guard_that_fails_on_the_second_pair_fails_the_whole():
    """The first pair's own verdict stays what it is."""
    worse = Chain(mode="tar", orders=1.0, payments=0.1, run=3)

    found = compared(worse)

    decisions = [one.verdict.decision for one in found.each if one.verdict is not None]
    assert decisions == [Decision.PASS, Decision.FAIL]
    assert found.decision is Decision.FAIL


def test_an_endpoint_that_gets_hot_behind_the_second_service_is_that_pairs_guard():
    """Its skew is measured over its own endpoints."""
    hot = Chain(mode="tar", orders=1.0, payments=0.5, hot=1.0, run=3)

    first, second = compared(hot).each

    assert first.effects is not None
    assert second.effects is not None
    assert first.effects.skew is not None
    assert second.effects.skew is not None
    assert first.effects.skew.estimate == pytest.approx(1.0)
    assert second.effects.skew.estimate > 1.4


def test_two_equal_arms_are_held_against_each_other_for_each_pair():
    """The first pair's are ``null_of_runs``; what the instrument shows of the second one is its own."""
    left, right = Chain().inputs(), Chain(payments=0.45, run=2).inputs()

    ((pair, null),) = further_nulls(left, right)

    assert pair == ("orders", "payments")
    assert null.interval.estimate == pytest.approx(0.45 - 1 / 3, abs=0.001)
    assert not null.certified


def test_who_calls_a_service_may_be_told():
    """Then nobody else's calls are judged."""
    assert callers(Chain().inputs()) == ("orders",)
    with pytest.raises(InvalidRunError, match="no call of frontend to payments"):
        compared(Chain(mode="tar", callers=(FRONTEND,), run=3), Chain(callers=(FRONTEND,)))


def test_what_is_of_the_run_stands_once_and_all_of_it_is_read_back():
    """A further pair's comparison holds that pair alone."""
    found = compared(TAR)

    assert [len(one.baseline.pairs) for one in found.further] == [1]
    again = msgspec.json.decode(msgspec.json.encode(found), type=Comparison)
    assert again == found


@pytest.mark.parametrize(
    ("decisions", "whole"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "inconclusive"], "inconclusive"),
        (["inconclusive", "invalid"], "invalid"),
        (["invalid", "fail"], "fail"),
        (["pass", "fail"], "fail"),
    ],
)
def test_the_worst_pair_decides(decisions: list[str], whole: str):
    """A fail is certain whatever the others are; a pass takes all of them."""
    assert worst([Decision(one) for one in decisions]) == whole
    assert worst([Decision(one) for one in reversed(decisions)]) == whole


def test_a_pod_elsewhere_has_a_zone_and_its_workloads_name_stays_anybodys():
    """A bare ``ledger`` may be a host that reports nothing: it is no lost document."""
    inputs = Chain().inputs()
    ledger = replace(
        inputs.topology[0].pods[0], namespace="finance", name=PodName("ledger-1"), ip="127.9.9.9"
    )
    ledger = replace(ledger, ip="127.9.9.9", labels=(("app", "ledger"),))
    topology = tuple(replace(one, pods=(*one.pods, ledger)) for one in inputs.topology)
    timeline = Timeline(topology)

    facts = facts_of(inputs.record, topology, timeline)

    assert timeline.place("ledger-1") == Placed(zone=Zone("a"))
    assert facts.workload_at("ledger-1") == "ledger"
    assert facts.workload_at("ledger") is None
    assert facts.workload_at("payments") == "payments"
