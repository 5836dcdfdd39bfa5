"""The terminal."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from analysis.report.comparison import console
from tests.analysis.report import golden
from tests.analysis.report.comparison import samples
from tests.analysis.report.test_terminal import printed as parts_printed

SAMPLES = ("tar", "no_effect", "unknown", "crowd", "empty")


def printed(comparison, *, colour: bool = False) -> str:
    """Both arms and the comparison on a terminal of 80 columns, without trailing blanks."""
    return parts_printed(
        console.zone_matrix(comparison.baseline, comparison.focus),
        console.zone_matrix(comparison.candidate, comparison.focus),
        console.comparison(comparison),
        colour=colour,
    )


def test_golden():
    """Matrices and the two arms are what they were when somebody last looked at them."""
    unknown, crowd, empty = samples.unknown(), samples.crowd(), samples.empty()
    shown = parts_printed(
        console.zone_matrix(unknown.candidate, unknown.focus),
        console.zone_matrix(crowd.baseline, crowd.focus),
        console.zone_matrix(empty.baseline, empty.focus),
        console.arms_table(unknown),
        console.arms_table(samples.no_effect()),
    )
    golden.check("comparison.txt", shown)


@pytest.mark.parametrize("name", [*SAMPLES, "hostile", "city", "idle"])
def test_fits_80_columns(name):
    """No line is wider than 80 columns."""
    assert [line for line in printed(getattr(samples, name)()).splitlines() if cell_len(line) > 80] == []


def test_colour_adds_nothing():
    """Without colour nothing is lost: the words are the same."""
    coloured = printed(samples.unknown(), colour=True)
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines()) + "\n"

    assert "\x1b[" in coloured
    assert printed(samples.unknown()) == plain


def test_hostile_names_are_text():
    """A name is neither markup nor an escape sequence."""
    shown = printed(samples.hostile())

    assert "<script>alert(1)</script>" in shown
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800]", shown)


def test_blocks_show_at_a_glance():
    """Under TAR each ui pod's row has calls only under the catalog pods of its zone."""
    compared = samples.tar()
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(
        console.zone_matrix(compared.candidate, compared.focus)
    )
    rows = [line.split() for line in out.getvalue().splitlines() if re.search(r"4kq8z|m7xwd|tz2hn", line)]

    assert [
        ["4kq8z", "1a", "579", "621", *"\u00b7\u00b7\u00b7\u00b7"],
        ["m7xwd", "1b", *"\u00b7\u00b7", "606", "594", *"\u00b7\u00b7"],
        ["tz2hn", "1c", *"\u00b7\u00b7\u00b7\u00b7", "630", "570"],
    ] == rows
