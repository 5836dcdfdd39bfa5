"""What a comparison lists pod by pod, and that nothing is lost where it lists zones."""

from collections import Counter
from dataclasses import replace

import pytest

from analysis.model import ArmResult, PairResult
from analysis.verdict.listed import listed
from tests.analysis.verdict.test_compare import arm, measured, shop


@pytest.fixture(scope="module")
def result() -> ArmResult:
    """Of ui to catalog, and of the generator to ui: four flows, and two."""
    return measured(arm(shop(40, 60)))


def zones_of(pair: PairResult) -> Counter[tuple[str | None, str | None]]:
    found: Counter[tuple[str | None, str | None]] = Counter()
    for flow in pair.flows:
        found[flow.client_zone, flow.server_zone] += flow.calls
    return found


def seconds_of(pair: PairResult) -> float:
    return sum((one.mean_s or 0.0) * one.calls for one in pair.flows)


def test_all_flows_are_listed_where_they_fit(result: ArmResult):
    """Nothing changes but that flows are no columns any more."""
    found = listed(result, most=6)
    assert found == result
    assert all(isinstance(one.flows, tuple) for one in found.pairs)


def test_the_pair_under_study_comes_first_and_the_other_by_zone(result: ArmResult):
    """Four flows fit, six do not; names of what is summed up are the workloads', and a footnote says so."""
    found = listed(result, most=5)
    focus, other = found.pairs
    assert focus.flows == result.pairs[0].flows
    assert {(one.client, one.server) for one in other.flows} == {("locust", "ui")}
    assert (focus.grain, other.grain) == ("pod", "workload")
    assert [one.code for one in found.caveats if one not in result.caveats] == ["flows-by-zone"]
    assert "6 pairs of pods" in found.caveats[-1].text
    assert "1 of 2 pairs of workloads" in found.caveats[-1].text


def test_zones_hold_what_pods_held(result: ArmResult):
    """Calls, faults and seconds from zone to zone; every other figure is as it was."""
    found = listed(result, most=0)
    for before, after in zip(result.pairs, found.pairs, strict=True):
        assert zones_of(after) == zones_of(before)
        assert len(after.flows) == len(zones_of(before))
        assert sum(one.faults for one in after.flows) == sum(one.faults for one in before.flows)
        assert seconds_of(after) == pytest.approx(seconds_of(before))
        assert replace(after, flows=before.flows, grain=before.grain) == before


def test_what_names_no_pods_is_left_as_it_is(result: ArmResult):
    """A mesh's flows are between zones already."""
    pairs = tuple(replace(one, grain="workload") for one in result.pairs)
    assert listed(replace(result, pairs=pairs), most=0) == replace(result, pairs=pairs)
