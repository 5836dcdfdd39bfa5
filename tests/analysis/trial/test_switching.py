"""Windows that the arm before reaches into: the blocks of a trial, cut or told."""

import numpy as np

from analysis.statistics.clusters import Unit
from analysis.trial.switching import switched
from analysis.verdict import advice
from analysis.verdict.effects import Block
from tests.analysis.verdict import judged_crowds
from tests.analysis.verdict.crowds import Crowd


def blocks(crowd: Crowd, *, shift: float = 0.5, count: int = 4) -> list[Block]:
    rng = np.random.default_rng(81)

    def window(*, candidate: bool) -> judged_crowds.Measured:
        return judged_crowds.measured(crowd, rng, label="w", candidate=candidate, shift=shift, timed=1500)

    return [(window(candidate=False), window(candidate=True)) for _ in range(count)]


def test_settled_windows_are_as_they_were():
    """Both gates pass, no caveat, the very same blocks."""
    made = blocks(Crowd())

    found = switched(made, Unit.CONNECTION)

    assert found.blocks == tuple(made)
    assert [gate.passed for gate in found.gates] == [True, True]
    assert found.caveats == ()
    assert [gate.more_s for gate in found.gates] == [None, None], "nothing to mend"
    assert {gate.bound for gate in found.gates} == {"no difference beyond chance (p at least 0.005)"}


def test_a_short_reach_is_cut_in_both_arms():
    """The first part of every window goes, and what is left has the whole shift."""
    found = switched(blocks(Crowd(carries=0.08)), Unit.CONNECTION)
    shares = [[one.chance.by_connection.share for one in block] for block in found.blocks]

    assert [caveat.code for caveat in found.caveats] == ["carry-over"]
    assert all(gate.passed for gate in found.gates)
    assert "shown to be within 5 points of each other" in {gate.bound for gate in found.gates}
    assert all(("within 5 points" in gate.bound) == ("left out" in gate.seen) for gate in found.gates), (
        "the bound is that of the test made"
    )
    assert np.mean([after - before for before, after in shares]) > 0.45


def test_a_long_reach_breaks_the_gate():
    """Nothing settles: the gate of each arm fails, and the advice names the seconds of warm-up."""
    found = switched(blocks(Crowd(carries=0.6, calls=4000)), Unit.CONNECTION)

    assert not all(gate.passed for gate in found.gates)
    assert found.caveats == ()
    assert not any("warm-up" in gate.bound for gate in found.gates)
    assert {advice.of_gate(gate) for gate in found.gates} == {
        "Warm up for 40 s more before each window, or have the clients restarted there."
    }


def test_without_times_there_is_no_gate():
    """A source without a sample: nothing can be seen, and nothing is said to have passed."""
    rng = np.random.default_rng(82)
    made = [tuple(judged_crowds.measured(Crowd(), rng, label=one) for one in "ab")]

    assert switched(made, Unit.CONNECTION).gates == ()  # type: ignore[arg-type] # two of them
