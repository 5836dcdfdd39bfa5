"""The first screen."""

from dataclasses import replace

import pytest

from analysis.report import notes
from analysis.report.comparison import answer
from tests.analysis.report.comparison import samples

NB = "\u00a0"
PAIR = "ui \u2192 catalog"


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (
            samples.tar(),
            f"Topology Aware Routing raised the same-zone share of {PAIR} calls from 34.5 % to 100.0 %.",
        ),
        (
            samples.no_effect(),
            (
                "Topology Aware Routing, asked for but without a hint on any endpoint, made no clear "
                f"difference to the same-zone share of {PAIR} calls: 34.5 % before, 34.5 % after."
            ),
        ),
        (
            samples.empty(),
            (
                f"Cannot tell what happened to the same-zone share of {PAIR} calls: no such call was seen "
                "before and no call has both zones known after."
            ),
        ),
    ],
    ids=["raised", "no-effect", "empty"],
)
def test_headline(comparison, sentence):
    """One sentence holds the cause, the effect and both shares."""
    assert sentence == answer.headline(comparison).replace(NB, " ")


def test_headline_of_a_way_back():
    """Switching the policy off lowers the share."""
    compared = samples.tar()
    back = samples.compare(compared.candidate, compared.baseline)

    assert answer.headline(back).startswith("Plain routing lowered the same-zone share")


def test_headline_of_equal_modes():
    """Two runs under one mode are called a second run, not a policy."""
    compared = samples.tar()
    twice = samples.compare(compared.baseline, compared.baseline)

    assert answer.headline(twice).startswith("A second run under the same routing (off) made no clear")


def test_headline_without_an_interval():
    """Two shares without an interval of their difference claim no change."""
    compared = replace(samples.tar(), changes=())

    assert answer.headline(compared).startswith("Cannot tell whether the same-zone share")


def test_figures_carry_their_notes():
    """A caveat's number stands at the numbers of its arm."""
    compared = samples.unknown()
    found = answer.answer(compared, notes.number(compared))

    assert [figure.notes for figure in found.figures] == [(1,), (1, 2, 3), (1, 2, 4), ()]


def test_unchanged_is_said():
    """A change that cannot be told from none shows in words, not as a number."""
    compared = samples.no_effect()
    found = answer.answer(compared, notes.number(compared))

    assert found.figures[0].value == "No clear change"


def test_nothing_measured_is_no_number():
    """Where nothing is known no figure shows a number."""
    compared = samples.empty()
    found = answer.answer(compared, notes.number(compared))

    assert [figure.value for figure in found.figures] == ["\u2013"] * 4
