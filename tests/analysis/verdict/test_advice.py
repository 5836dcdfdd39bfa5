"""What to do next: a line for everything that is invalid or inconclusive, and none for what is settled."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.statistics.blocks import Certificate
from analysis.verdict import advice, decision
from analysis.verdict.compare import Terms, judged
from analysis.verdict.judged import Decision, Effects, Gate, GateName, Verdict
from analysis.verdict.requirements import parse
from tests.analysis.verdict import judged_crowds, worlds
from tests.analysis.verdict.crowds import Crowd


def judge(*required: str, candidate: int = 1800) -> tuple[Effects, Verdict]:
    """A null window, a baseline and a candidate that keeps *candidate* of 1800 calls."""
    windows = [
        worlds.window(610, 1190, seed=2, label="null"),
        worlds.window(600, 1200),
        worlds.window(candidate, 1800 - candidate, mode="tar", seed=3),
    ]
    return judged(windows, Terms(required=tuple(map(parse, required))))


def test_a_pass_and_a_fail_need_no_advice():
    """Settled either way."""
    assert judge()[1].advice == ""
    missed = judge("same_zone<=0.5")[1]
    assert (missed.decision, missed.advice) == (Decision.FAIL, "")


@pytest.mark.parametrize("name", list(GateName))
def test_every_gate_has_its_line(name):
    """Whatever breaks, one line says what to do."""
    effects, verdict = judge()
    broken = Gate(name=name, passed=False, seen="x", bound="y", where="off")

    found = advice.of(replace(verdict, decision=Decision.INVALID, gates=(broken,)), effects)

    assert found.endswith(".")
    assert "\n" not in found
    # What to collect is named, or nothing is: an older file does not know its folder.
    assert "RUN" not in found
    if "again while the source still has them" in found:
        named = advice.of_gate(replace(broken, run="runs/one off"))
        assert "(samezone collect 'runs/one off')" in named


def test_without_a_null_pair():
    """Measure the baseline again."""
    windows = [worlds.window(600, 1200), worlds.window(1800, 0, mode="tar", seed=3)]

    assert "second time" in judged(windows, Terms())[1].advice


def test_an_instrument_that_shows_a_difference_is_invalid():
    """Ten points between equal arms: something differs, more of the same does not help."""
    windows = [
        worlds.window(780, 1020, seed=6, label="null"),
        worlds.window(600, 1200),
        worlds.window(1800, 0, mode="tar", seed=3),
    ]

    verdict = judged(windows, Terms())[1]

    assert verdict.null is not None
    assert verdict.null.certificate is Certificate.REFUSED
    assert verdict.decision is Decision.INVALID
    assert "Find out what differs" in verdict.advice


def test_an_instrument_that_is_too_coarse_is_inconclusive():
    """Twelve clients with four kept connections: open, with the choices that it takes."""
    rng = np.random.default_rng(61)
    windows = [
        judged_crowds.measured(Crowd(kept=4), rng, label=label) for label in ("null", "baseline", "candidate")
    ]

    verdict = judged(windows, Terms())[1]

    assert verdict.null is not None
    assert verdict.null.imprecise
    assert verdict.null.needed is not None
    assert verdict.null.needed > 10
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "minutes" in verdict.advice
    assert "random choices in each equal arm" in verdict.advice


def test_nobody_is_told_to_measure_once_as_long():
    """Enough was measured, and the arms came out three points apart by chance: no telling how much more."""
    null = decision.null_of([(worlds.window(267, 533), worlds.window(291, 509, seed=2))])
    effects, verdict = judge()

    assert null.imprecise
    assert null.needed is None
    open_ = replace(verdict, decision=Decision.INCONCLUSIVE, null=null)
    assert advice.of(open_, effects) == "Measure the two equal arms for longer."


def test_what_the_advice_asks_for_certifies():
    """So many times as many choices: eight of ten true instruments are certified with them."""
    rng = np.random.default_rng(62)
    certified = 0
    small = Crowd(calls=600)
    first = decision.null_of([_twins(small, rng)])
    assert first.needed is not None
    large = Crowd(calls=round(600 * first.needed))

    for _ in range(120):
        certified += decision.null_of([_twins(large, rng)]).certified

    assert 0.68 <= certified / 120 <= 0.95


def _twins(crowd: Crowd, rng: np.random.Generator) -> tuple[worlds.Measured, worlds.Measured]:
    left, right = (judged_crowds.measured(crowd, rng, label=label) for label in "ab")
    return left, right


def test_clients_that_stick_need_more_of_them():
    """A longer window does not help where a pod chooses once."""
    rng = np.random.default_rng(63)
    sticky = Crowd(affinity=True)
    labels = ("null", "baseline", "candidate")
    windows = [judged_crowds.measured(sticky, rng, label=label) for label in labels]

    effects, verdict = judged(windows, Terms())

    assert "sessionAffinity" in effects.why_unit
    assert "more client pods" in verdict.advice


def test_an_open_requirement_says_how_long():
    """Half of the width is needed: four times as long."""
    effects, verdict = judge("error_rate<=0.0001")

    assert verdict.decision is Decision.INCONCLUSIVE
    assert effects.seconds == pytest.approx(200.0)
    assert "Measure each arm for about" in verdict.advice
