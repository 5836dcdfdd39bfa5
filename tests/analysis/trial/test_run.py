"""An experiment over a fake bench: certificate, plan, order, looks, early stop, broken windows."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.trial import concluding
from analysis.trial import run as trial_run
from analysis.trial.design import Design, order_of
from analysis.trial.run import Found
from analysis.verdict.judged import Decision
from k8s.errors import UnreachableError, UsageError
from loadtest.record import RunStatus
from tests.analysis.verdict import worlds

pytestmark = pytest.mark.simulation

SHARES = {"off": 1 / 3, "tar": 1.0, "prefer-same-zone": 1.0, "placebo": 1 / 3, "slow": 1.0}
CALLS = 1800


@dataclass
class FakeBench:
    """Draws each call's zone as kube-proxy would; windows can be made to break."""

    seed: int = 1
    shares: dict[str, float] = field(default_factory=lambda: dict(SHARES))
    asked: list[tuple[str, float]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    aside: list[tuple[str, str, str]] = field(default_factory=list)
    broken: frozenset[int] = frozenset()
    """Windows, by their number from 1, that end as failed."""
    silent: frozenset[int] = frozenset()
    """Windows, by their number from 1, in which nobody calls."""
    lost_at: int = 0
    """The window at which X-Ray is away."""

    @property
    def settle_s(self) -> float:
        return 10.0

    def say(self, text: str) -> None:
        self.said.append(text)

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        self.aside.append((broken.label, instead.label, why))

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        self.asked.append((mode, seconds))
        self.labels.append(label)
        number = len(self.asked)
        if number == self.lost_at:
            raise UnreachableError("X-Ray is away")
        rng = np.random.default_rng(self.seed * 1000 + number)
        same = int(rng.binomial(CALLS, self.shares[mode]))
        slow = {"cross_s": 0.003, "same_s": 0.004 if mode == "slow" else 0.001}
        cross = CALLS - same
        if number in self.silent:
            same = cross = 0
        made = worlds.inputs(same, cross, mode=mode, seed=number, **slow)
        if number in self.broken:
            made = replace(made, record=replace(made.record, status=RunStatus.FAILED))
        return again.attempt(made, label=label)


def run(bench: FakeBench, *arms: str, **changes: object) -> Found:
    design = Design(arms=arms or ("off", "tar"), null_s=40.0)
    return trial_run.run(replace(design, **changes), bench)


def test_certify_plan_interleave_judge():
    """A null pair of the reference, then blocks whose order alternates; what it says is a pass."""
    bench = FakeBench()
    found = run(bench)
    assert [mode for mode, _ in bench.asked[:2]] == ["off", "off"]
    assert [seconds for _, seconds in bench.asked[:2]] == [40.0, 40.0]
    assert found.order[:2] == (("off", "tar"), ("tar", "off"))
    assert [mode for mode, _ in bench.asked[2:6]] == ["off", "tar", "tar", "off"]
    assert found.decision is Decision.PASS, found.reasons
    assert found.null is not None
    assert found.null.certified
    assert found.planned.design_effect == pytest.approx(1.0)
    assert found.planned.wanted_half_width == 0.05
    assert found.contests[0].gain.estimate == pytest.approx(2 / 3, abs=0.03)
    assert [window.block for window in found.windows[:3]] == [0, 0, 1]
    assert found.standing is None


def test_a_settled_answer_stops_early():
    """Eight blocks asked for; two thirds more calls at home are clear after four."""
    bench = FakeBench()
    found = run(bench, order=order_of(("off", "tar"), "ABBA" * 4), block_s=30.0)
    assert found.planned.looks_after == (2, 4, 6, 8)
    assert len(found.order) == 4
    assert found.stopped == "settled after 4 of 8 blocks"
    assert [look.after_blocks for look in found.contests[0].looks] == [2, 4]
    assert [look.action for look in found.contests[0].looks][-1] == "stop"
    whole = run(FakeBench(), order=order_of(("off", "tar"), "ABBA" * 4), block_s=30.0, stops_early=False)
    assert (len(whole.order), whole.stopped) == (8, "the plan is done")


def test_no_effect_is_no_pass():
    """A candidate that changes nothing: the interval holds zero at every look."""
    found = run(FakeBench(), "off", "placebo")
    assert found.decision in (Decision.INCONCLUSIVE, Decision.FAIL)
    assert found.contests[0].gain.low < 0 < found.contests[0].gain.high


def test_a_window_that_breaks_a_gate_is_measured_again():
    """Once; the broken one is left out of everything, and the reader is told."""
    bench = FakeBench(broken=frozenset({3}))
    found = run(bench)
    assert found.decision is Decision.PASS
    assert bench.asked[2] == bench.asked[3]
    assert len(found.windows) == len(bench.asked) - 1
    assert any("gate" not in line and "complete" in line and "again" in line for line in bench.said)
    ((broken, instead, why),) = bench.aside
    assert broken == instead == bench.labels[2]
    assert why.startswith("complete")


def test_a_window_that_breaks_it_twice_ends_the_experiment():
    """Invalid, with the gate's name; nothing more is measured."""
    bench = FakeBench(broken=frozenset({4, 5}))
    found = run(bench)
    assert found.decision is Decision.INVALID
    assert found.reasons[0].startswith("gate complete (block 1 of ")
    assert found.stopped == "a window broke a gate twice"
    assert len(bench.asked) == 5


def test_a_window_that_cannot_be_judged_is_measured_again():
    """As one that breaks a gate is: no call with known zones is no evidence, and no end of the experiment."""
    bench = FakeBench(silent=frozenset({1, 5}))
    found = run(bench)
    assert found.decision is Decision.PASS, found.reasons
    assert len(found.windows) == len(bench.asked) - 2
    assert [why for _, _, why in bench.aside if "no call of ui to catalog" in why] == [
        why for _, _, why in bench.aside
    ]
    assert len(bench.aside) == 2


def test_a_window_that_cannot_be_judged_twice_ends_the_experiment():
    """Invalid, with what was measured before it; the reason names the window and its run."""
    bench = FakeBench(silent=frozenset({6, 7}))
    found = run(bench, order=order_of(("off", "tar"), "ABBA" * 2), block_s=30.0)
    assert len(bench.asked) == 7
    assert found.decision is Decision.INVALID
    ((reason,), advice) = found.reasons, found.advice
    assert reason.startswith("block 2 of 4, off: run 2026")
    assert "no call of ui to catalog" in reason
    assert advice.startswith("Mend what")
    assert (found.stopped, len(found.order)) == (trial_run.TWICE, 1)
    assert [(one.block, one.arm) for one in found.windows[2:]] == [(1, "off"), (1, "tar"), (2, "tar")]
    assert [one.gain.n > 0 for one in found.contests] == [True]


@pytest.mark.parametrize("kind", ["silent", "broken"])
@pytest.mark.parametrize(("bad", "kept"), [({1, 2}, 0), ({2, 3}, 1)])
def test_a_null_window_that_is_no_evidence_twice_ends_it_before_any_block(kind, bad, kept):
    """Nothing is planned, and no arm is measured in vain."""
    bench = FakeBench(**{kind: frozenset(bad)})
    found = run(bench, "off", "tar", "slow")
    assert len(bench.asked) == max(bad)
    assert found.decision is Decision.INVALID
    assert found.advice
    assert (found.planned, found.contests, found.standing, found.order) == (None, (), None, ())
    assert len(found.windows) == kept + (kind == "broken")


def test_an_instrument_that_is_not_certified_gets_three_chances():
    """Equal arms that differ by ten points in every pair: no verdict is valid."""
    bench = FakeBench()
    drift = iter((0.33, 0.45) * 30)
    bench.shares = _Drifting(drift)
    found = run(bench, order=order_of(("off", "tar"), "ABBA"), block_s=30.0)
    assert found.decision is Decision.INVALID
    assert bench.labels[:6] == [f"null pair {number}{half}" for number in (1, 2, 3) for half in "ab"]
    assert any(reason.startswith("null pair: ") for reason in found.reasons)


class _Drifting(dict):
    """The reference's share is another at each window."""

    def __init__(self, values) -> None:
        super().__init__(SHARES)
        self._values = values

    def __getitem__(self, mode: str) -> float:
        return next(self._values) if mode == "off" else super().__getitem__(mode)


def test_without_a_null_pair_the_blocks_have_to_be_given():
    """There is nothing to plan from; and no verdict can be valid."""
    with pytest.raises(UsageError, match="give --blocks"):
        run(FakeBench(), null_pairs=0)
    found = run(FakeBench(), null_pairs=0, order=order_of(("off", "tar"), "ABBA"), block_s=30.0)
    assert found.decision is Decision.INVALID


def test_a_tournament_ranks_and_chooses():
    """Four modes: the two that keep calls at home beat the others; the slow one fails its guards."""
    found = run(FakeBench(), "off", "tar", "placebo", "slow", order=None, block_s=30.0)
    assert found.standing is not None
    assert found.standing.choice == "tar"
    differing = {(one.duel.left, one.duel.right) for one in found.standing.duels if one.differs}
    assert differing == {("off", "tar"), ("off", "slow"), ("tar", "placebo"), ("placebo", "slow")}
    verdicts = {one.arm: one.verdict.decision for one in found.contests}
    assert verdicts["slow"] is Decision.FAIL
    assert verdicts["tar"] is Decision.PASS
    assert found.decision is Decision.PASS
    assert "Take tar" in found.reasons[0]


def test_what_a_window_raises_ends_it():
    """The caller has the windows' own folders; nothing is made up."""
    bench = FakeBench(lost_at=4)
    with pytest.raises(UnreachableError, match="X-Ray is away"):
        run(bench)
    assert len(bench.asked) == 4


@pytest.mark.parametrize("letters", ["", "ABA", "AABB", "ABC", "AXBA"])
def test_blocks_have_every_arm_once(letters: str):
    """The message shows a good example and what the letters stand for."""
    with pytest.raises(UsageError, match=r"ABBA \(A = off, B = tar\)"):
        order_of(("off", "tar"), letters)


def test_letters_are_the_arms_in_their_order():
    """ABBA is A B, then B A; three arms come in threes."""
    assert order_of(("off", "tar"), "abba") == (("off", "tar"), ("tar", "off"))
    assert order_of(("a", "b", "c"), "ABCCBA") == (("a", "b", "c"), ("c", "b", "a"))


def test_measuring_costs_what_its_traces_cost():
    """Every request leaves a trace, warm-ups too: at five dollars a million."""
    found = run(FakeBench(), order=order_of(("off", "tar"), "ABBA"), block_s=30.0)
    cost = concluding.measuring(found.requests, warm_up_requests=100, seconds=60)
    assert cost.traces == len(found.windows) * (worlds.REQUESTS + 100)
    assert cost.usd == pytest.approx(cost.traces * 5e-6)


def test_windows_that_were_set_aside_left_traces_too():
    """What was measured again was measured twice."""
    bench = FakeBench(broken=frozenset({3}), silent=frozenset({5}))
    found = run(bench, order=order_of(("off", "tar"), "ABBA"), block_s=30.0)
    cost = concluding.measuring(found.requests, warm_up_requests=100, seconds=60)
    assert len(bench.asked) == len(found.windows) + 2
    assert cost.traces == len(bench.asked) * (worlds.REQUESTS + 100)
