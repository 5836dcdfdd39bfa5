"""Numbers as people read them: one style for shares, differences of shares and dollars, in every verb."""

import ast
import re
from fractions import Fraction
from pathlib import Path

import pytest

import k8s
from k8s.model import figures

ROOT = Path(k8s.__file__).parents[1]
OWN_STYLE = re.compile(r"[\d }]pp\b|\bUSD an? \w|\d USD\b")
"""Words of a style that is not ours."""
BARS = {"k8s/predict/cli.py", "loadtest/progress_cli.py"}
"""Progress, drawn over again and never kept; and one line that takes no more than a line."""


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "\u2013"),
        (0.0, "0.0\u00a0%"),
        (Fraction(1, 3), "33.3\u00a0%"),
        (0.99996, "99.996\u00a0%"),
        (0.000001, "<\u00a00.001\u00a0%"),
        (1, "100.0\u00a0%"),
    ],
)
def test_a_share(share, words: str):
    """Never rounded to none or all; the unit does not break from its number."""
    assert figures.percent(share) == words


def test_a_difference_of_shares():
    """In points, with a sign and a real minus."""
    assert figures.points_within(0.664, 0.65, 0.68) == "+66.4\u00a0points [+65.0,\u00a0+68.0]"
    assert figures.points(-0.011) == "\u22121.1\u00a0points"


def test_dollars():
    """An amount that is there is never written as none."""
    assert [figures.dollars(one) for one in (0, 0.004, 1.5, 1234)] == [
        "$0.00", "<$0.01", "$1.50", "$1\u202f234.00"
    ]  # fmt: skip
    assert figures.dollars(0.00001, 4) == "<$0.0001"


def own_styles(code: str) -> list[str]:
    """Text in a style of its own, and numbers that are formatted as a percentage in place."""
    tree, found = ast.parse(code), []
    docs = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for one in ast.walk(tree):
        if isinstance(one, ast.FormattedValue) and one.format_spec is not None:
            found += [spec for spec in [ast.unparse(one.format_spec)] if re.search(r"\d%", spec)]
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in docs:
            found += OWN_STYLE.findall(one.value)
    return found


def test_no_verb_has_a_style_of_its_own():
    """In any module of the three rooms."""
    modules = [path for room in ("k8s", "loadtest", "analysis") for path in (ROOT / room).rglob("*.py")]
    named = {str(path.relative_to(ROOT)): own_styles(path.read_text()) for path in modules}

    assert {name: found for name, found in named.items() if found and name not in BARS} == {}


def test_a_style_of_its_own_is_noticed():
    """So silence above means something."""
    assert own_styles('f"{share:.1%} stayed"')
    assert own_styles('f"{gain:+.1f} pp"')
    assert own_styles('f"{price:.2f}" " USD an hour"')
