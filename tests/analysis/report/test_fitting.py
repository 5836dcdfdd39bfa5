"""What a terminal shows, at 80 columns and at 60: no line too long, no word broken, nothing said twice."""

import io
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType

from analysis.observe.contrast import contrast
from analysis.report.comparison import console
from analysis.report.fitting import FittedTable, WholeWords
from analysis.report.observation import console as observation_console
from analysis.report.terminal import grid, text
from analysis.report.trial import console as trial_console
from tests.analysis import stored_shop
from tests.analysis.observe.looks import seen
from tests.analysis.report.comparison import judged_samples, samples
from tests.analysis.report.trial import trial_samples
from tests.analysis.test_cli import Terminal
from tests.analysis.traced_shop import Shop

WIDE = 2000
LEAST_SAID = 6
"""Words of a sentence; a shorter one may be a label."""


def printed(shown: RenderableType, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, highlight=False).print(shown)
    return out.getvalue()


def words(shown: str) -> set[str]:
    """What stands between ordinary spaces: a number and its unit are one."""
    return {word for line in shown.splitlines() for word in line.split(" ") if word.strip("\u2500")}


def compared(sample: Callable) -> RenderableType:
    found = sample()
    return Group(
        console.zone_matrix(found.baseline, found.focus),
        console.zone_matrix(found.candidate, found.focus),
        console.comparison(found),
    )


def observed() -> RenderableType:
    found = seen(Shop(by_pod=True))
    return Group(observation_console.observation(found), observation_console.contrast(contrast(found, found)))


SHOWN = {
    **{
        name: lambda name=name: compared(getattr(samples, name))
        for name in ("tar", "no_effect", "unknown", "leaning", "crowd", "empty", "idle")
    },
    **{
        name: lambda name=name: compared(getattr(judged_samples, name))
        for name in ("passed", "failed", "inconclusive", "invalid", "uncertified")
    },
    **{
        f"trial {name}": lambda name=name: trial_console.trial(getattr(trial_samples, name)())
        for name in ("two", "five", "failing", "open_", "broken", "early")
    },
    "observation": observed,
}


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("name", SHOWN)
def test_it_fits_and_breaks_no_word(name: str, width: int, monkeypatch: pytest.MonkeyPatch):
    """Every word is one that a terminal without an edge shows, as a table or as a list."""
    shown = SHOWN[name]()
    narrow = printed(shown, width)
    known = words(printed(shown, WIDE))
    monkeypatch.setattr(FittedTable, "fits", lambda *_: False)
    known |= words(printed(shown, WIDE))

    assert [line for line in narrow.splitlines() if cell_len(line) > width] == []
    assert words(narrow) - known == set()


def sentences(shown: str) -> Counter[str]:
    """Those of some length, however their lines are broken."""
    whole = re.sub(r"\s+", " ", shown)
    parts = (part.strip(" -!?") for part in re.split(r"(?<=[.:;]) ", whole))
    return Counter(part for part in parts if len(part.split()) >= LEAST_SAID)


SAID = {
    **{
        name: lambda name=name: console.comparison(getattr(samples, name)())
        for name in ("tar", "unknown", "leaning", "empty")
    },
    **{
        name: lambda name=name: console.comparison(getattr(judged_samples, name)())
        for name in ("passed", "failed", "inconclusive", "invalid", "uncertified")
    },
    **{name: one for name, one in SHOWN.items() if name.startswith("trial ")},
    "observation": lambda: observation_console.observation(seen(Shop(by_pod=True))),
}
"""What each verb prints at its end."""


@pytest.mark.parametrize("name", SAID)
def test_nothing_is_said_twice(name: str):
    """No sentence, nor a clause of one."""
    said = sentences(printed(SAID[name](), WIDE))

    assert {text: count for text, count in said.items() if count > 1} == {}


@pytest.mark.parametrize("columns", [80, 60])
def test_stored_runs_fit_when_they_are_compared(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The real command on a terminal of that width; what it says of files stands in lines of its own."""
    stored_shop.store(tmp_path)
    folders = [str(tmp_path / one) for one in (stored_shop.BASELINE, stored_shop.CANDIDATE)]
    monkeypatch.setenv("COLUMNS", str(columns))

    code, out, _ = Terminal(folder=tmp_path).run(
        "compare", *folders, "--null", str(tmp_path / stored_shop.NULL)
    )
    monkeypatch.setenv("COLUMNS", str(WIDE))
    _, wide, _ = Terminal(folder=tmp_path).run("report", folders[1])

    assert code in {0, 1, 3, 4}
    assert len(out.splitlines()) > 30
    assert [line for line in out.splitlines() if cell_len(line) > columns] == []
    assert words(out) - words(wide) == set()
    assert not re.search(r"\bcode: ", out)


def test_a_broken_word_is_noticed():
    """Rich alone breaks a name in a narrow column, and a number from its unit; here neither is."""
    rows = grid("name", "share")
    rows.add_row(text("Database::SQL of catalog"), text("33.4\u00a0% [31.9,\u00a034.9]"))

    assert words(printed(rows, 28)) == {"name", "share", "Database::SQL", "of", "catalog", "33.4\u00a0%",
                                        "[31.9,\u00a034.9]"}  # fmt: skip
    assert printed(rows, 20).startswith("name\nDatabase::SQL of\ncatalog\n")


def test_a_word_wider_than_the_terminal_is_cut():
    """A name may be as long as anybody made it."""
    assert printed(WholeWords("a " + "x" * 25), 10).split() == ["a", "x" * 10, "x" * 10, "x" * 5]
