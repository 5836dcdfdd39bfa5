"""Pass, fail, inconclusive, invalid: each from the evidence that should lead there."""

from dataclasses import replace

import pytest

from analysis.verdict import decision
from analysis.verdict.compare import Terms, compare, null_of_runs, rank
from analysis.verdict.compared import Comparison
from analysis.verdict.effects import effects
from analysis.verdict.guards import Margins
from analysis.verdict.judged import Decision, Verdict
from analysis.verdict.requirements import parse
from k8s.errors import ExitCode, UsageError
from loadtest.record import RunStatus
from tests.analysis.graphs import CLIENT
from tests.analysis.verdict import worlds

BASE = worlds.inputs(600, 1200)
TWIN = worlds.inputs(610, 1190, seed=2)
TAR = worlds.inputs(1800, 0, mode="tar", seed=3)


def judged(candidate=TAR, *, baseline=BASE, null=TWIN, **terms) -> Comparison:
    return compare(
        baseline, candidate, created_s=1.0, versions=(), null=null, terms=Terms(**terms) if terms else None
    )


def of(comparison: Comparison) -> Verdict:
    assert comparison.verdict is not None
    return comparison.verdict


def test_everything_better_passes():
    """More calls in their zone, no slower, no more errors, no skew, on a certified instrument."""
    found = of(judged())
    assert found.decision is Decision.PASS, found.reasons
    assert [guard.outcome.value for guard in found.guards] == ["pass"] * 4
    assert found.null is not None
    assert found.null.certified
    assert found.failed_gates == ()


@pytest.mark.parametrize(
    ("candidate", "word"),
    [
        (worlds.inputs(600, 1200, mode="tar", seed=4), "same-zone share gained"),
        (worlds.inputs(1500, 300, mode="tar", cross_s=0.006, seed=5), "p99 ratio"),
    ],
)
def test_no_gain_or_harm_does_not_pass(candidate, word):
    """No more calls in their zone, or a longer tail: the reason names the guard."""
    found = of(judged(candidate))
    assert found.decision in (Decision.FAIL, Decision.INCONCLUSIVE)
    assert any(word in reason for reason in found.reasons)


def test_skew_fails_and_says_so():
    """All calls of both clients to one server pod of two: twice the mean."""
    graph = worlds.shop(0, 0)
    for client in ("1", "2"):
        graph.edge((f"locust-{client}", CLIENT), f"locust-{client}", 950)
        graph.edge(f"locust-{client}", f"ui-{client}", 950).edge(f"ui-{client}", "catalog-1", 900)
    lopsided = worlds.inputs(900, 900, mode="tar", graph=graph)
    found = of(judged(replace(lopsided, truth=None)))
    assert found.decision is Decision.FAIL
    assert any("busiest endpoint over the mean: 2 " in reason for reason in found.reasons)


def test_without_a_null_pair_nothing_is_valid():
    """Nobody knows what the instrument calls a change; the guards are judged all the same."""
    found = of(judged(null=None))
    assert (found.decision, found.null) == (Decision.INVALID, None)
    assert "no two equal arms were measured" in found.reasons[0]
    assert {guard.outcome.value for guard in found.guards} == {"pass"}


def test_equal_arms_that_differ_refuse_the_certificate():
    """Ten points between two runs of one arm: the instrument is not fit."""
    odd = worlds.inputs(780, 1020, seed=6)
    found = of(judged(null=odd))
    assert found.decision is Decision.INVALID
    assert found.reasons[0].startswith("null pair: ")
    assert null_of_runs(BASE, TWIN).certified
    assert not null_of_runs(BASE, odd).certified


@pytest.mark.parametrize("which", ["null", "baseline", "candidate"])
def test_a_broken_gate_in_any_window_is_invalid(which: str):
    """Null pair, baseline or candidate: the gate and its window are named."""
    made = {"null": TWIN, "baseline": BASE, "candidate": TAR}
    record = replace(made[which].record, status=RunStatus.FAILED)
    made[which] = replace(made[which], record=record)
    found = of(judged(made["candidate"], baseline=made["baseline"], null=made["null"]))
    assert found.decision is Decision.INVALID
    assert found.reasons[0].startswith(f"gate complete ({which} ")


def test_requirements_count_like_guards():
    """Met, missed and open ones; the first missed one decides."""
    assert of(judged(required=(parse("same_zone>=0.95"),))).decision is Decision.PASS
    missed = of(judged(required=(parse("same_zone>=0.95"), parse("mean_ratio<=0.1"))))
    assert missed.decision is Decision.FAIL
    assert any("mean_ratio" in reason for reason in missed.reasons)
    open_ = of(judged(required=(parse("error_rate<=0.0001"),)))
    assert open_.decision is Decision.INCONCLUSIVE


def test_margins_are_the_users():
    """A margin on the gain that is not reached fails what else would pass."""
    assert of(judged(margins=Margins(share=0.8))).decision is Decision.FAIL


def test_the_decision_is_the_exit_code():
    """Pass 0, fail 1, inconclusive 3, invalid 4: CI can gate on it."""
    assert [one.exit_code for one in Decision] == [
        ExitCode.DONE,
        ExitCode.FAIL,
        ExitCode.INCONCLUSIVE,
        ExitCode.INVALID,
    ]


def test_effects_over_blocks_pool_what_they_saw():
    """Two blocks: shares, response times, errors, loads and money of both of them."""
    one = [(worlds.window(600, 1200), worlds.window(1800, 0, mode="tar", seed=2))]
    two = [*one, (worlds.window(590, 1210, seed=3), worlds.window(1800, 0, mode="tar", seed=4))]
    single, double = effects(one), effects(two)
    assert double.share_before.n == pytest.approx(2 * single.share_before.n, abs=2)
    assert double.share_after.estimate == 1.0
    assert single.error_rate is not None
    assert double.error_rate is not None
    assert (single.error_rate.n, double.error_rate.n) == (worlds.REQUESTS, 2 * worlds.REQUESTS)
    assert double.usd_before is not None
    assert double.usd_before.estimate > 0
    assert double.usd_after is not None
    assert double.usd_after.estimate == 0


def test_the_counterfactual_predicts_what_then_happened():
    """Cross-zone calls took 2 ms longer; two thirds of the calls less of them is 1.33 ms off the mean."""
    found = effects([(worlds.window(600, 1200), worlds.window(1800, 0, mode="tar"))])
    assert found.counterfactual_s is not None
    assert found.predicted_mean_s is not None
    assert found.observed_mean_s is not None
    assert found.counterfactual_s.estimate == pytest.approx(0.002)
    assert found.predicted_mean_s.estimate == pytest.approx(-0.002 * 2 / 3, rel=0.01)
    assert found.observed_mean_s.estimate == pytest.approx(-0.002 * 2 / 3, rel=0.01)


def test_gates_of_one_window_need_no_other():
    """Fourteen gates a window, and one more for the rates of several."""
    one = worlds.window(600, 1200)
    assert len(decision.gates_of([one])) == 14
    assert len(decision.gates_of([one, one])) == 29


def test_several_candidates_of_one_baseline_are_ranked():
    """Everybody against everybody, and the one to take; the same run twice is no tournament."""
    placebo = worlds.inputs(600, 1200, mode="placebo", seed=9)
    found = [judged(TAR), judged(placebo)]
    ranking = rank(found, [BASE, TAR, placebo])
    assert ranking.choice == "tar"
    differing = {(one.duel.left, one.duel.right) for one in ranking.duels if one.differs}
    assert differing == {("off", "tar"), ("tar", "placebo")}
    with pytest.raises(UsageError, match="two or more different"):
        rank([judged(TAR), judged(TAR)], [BASE, TAR, TAR])
    other = replace(BASE, record=replace(BASE.record, run_id="another"))
    strangers = [judged(TAR), judged(placebo, baseline=other)]
    with pytest.raises(UsageError, match="the same baseline"):
        rank(strangers, [BASE, TAR, placebo])


def test_a_ranking_says_of_the_baseline_what_the_comparisons_say():
    """The same interval and p-value, which an earlier run of the baseline may have made wider."""
    placebo = worlds.inputs(600, 1200, mode="placebo", seed=9)
    found = [judged(TAR), _unsure(judged(placebo))]

    ranking = rank(found, [BASE, TAR, placebo])

    duels = {(one.duel.left, one.duel.right): one.duel for one in ranking.duels}
    for one in found:
        duel = duels["off", one.candidate.arm]
        assert one.effects is not None
        assert duel.interval == one.effects.share.interval
        assert duel.p_value == one.effects.share.p_value
    assert duels["tar", "placebo"].interval.estimate == pytest.approx(-2 / 3, abs=0.01)


def _unsure(comparison: Comparison) -> Comparison:
    """The same with an interval of twenty points, as if its unit of chance were a client pod."""
    assert comparison.effects is not None
    share = comparison.effects.share
    wide = replace(share, interval=replace(share.interval, low=-0.1, high=0.1), p_value=0.97)
    return replace(comparison, effects=replace(comparison.effects, share=wide))
