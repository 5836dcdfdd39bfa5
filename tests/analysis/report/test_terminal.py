"""The blocks of a terminal's report."""

import io
import re

from rich.console import Console, Group

from analysis.report import terminal
from analysis.report.tables import Tone
from tests.analysis.report import blocks, golden


def printed(*parts, colour: bool = False) -> str:
    """*parts* on a terminal of 80 columns, without trailing blanks."""
    out = io.StringIO()
    system = "truecolor" if colour else None
    Console(file=out, width=80, force_terminal=colour, color_system=system, highlight=False).print(
        Group(*parts)
    )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def test_golden():
    """Every block is what it was when somebody last looked at it."""
    shown = printed(
        terminal.headline("The answer", blocks.BANNER),
        terminal.headline("No decision", None),
        *map(terminal.table, blocks.TABLES),
        terminal.points(("One.", blocks.HOSTILE)),
        terminal.stacked("1.0 [0.5, 1.5]", Tone.STRONG),
        terminal.stacked("none", Tone.PLAIN),
    )
    golden.check("blocks.txt", shown)


def test_colour_is_extra():
    """Without colour the words are the same."""
    coloured = printed(*map(terminal.table, blocks.TABLES), colour=True)
    plain = "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", coloured).splitlines()) + "\n"

    assert "\x1b[" in coloured
    assert printed(*map(terminal.table, blocks.TABLES)) == plain
