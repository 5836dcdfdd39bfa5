"""How loud a command is, and how a report is shown."""

import io
from pathlib import Path

import pytest

from k8s.console import Io, Loudness


def test_quiet_says_nothing_but_what_somebody_has_to_agree_to():
    """Nobody agrees to what was not shown; details are for those who ask."""
    err = io.StringIO()
    quiet = Io(err=err, loudness=Loudness.QUIET)
    quiet.say("on the way")
    quiet.detail("a detail")
    quiet.agree(["this changes a cluster"], yes=True)
    assert err.getvalue() == "this changes a cluster\n"


def test_verbose_says_when():
    """Seconds since the command began, and details."""
    err = io.StringIO()
    Io(err=err, loudness=Loudness.VERBOSE, began_s=10.0, monotonic=lambda: 12.5).detail("asked")
    assert err.getvalue() == "+2.5 s  asked\n"


@pytest.mark.parametrize(("is_wanted", "has_browser"), [(False, True), (True, True), (True, False)])
def test_a_report_is_opened_where_that_is_wanted(tmp_path: Path, *, is_wanted: bool, has_browser: bool):
    """Its place is said in any case, and so is that there is no browser."""
    opened: list[str] = []
    err = io.StringIO()

    def browse(address: str) -> bool:
        opened.append(address)
        return has_browser

    page = tmp_path / "report.html"
    Io(err=err, browse=browse).show(page, is_wanted=is_wanted)

    assert opened == ([page.as_uri()] if is_wanted else [])
    assert f"report: {page}" in err.getvalue()
    assert ("no browser" in err.getvalue()) == (is_wanted and not has_browser)


def test_a_line_on_a_terminal_breaks_between_words(monkeypatch: pytest.MonkeyPatch):
    """None is wider than the terminal unless a word is; elsewhere a line stays one."""
    monkeypatch.setenv("COLUMNS", "40")
    terminal, file = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    text = "a window is no evidence, since a worker was late; measuring it once more"
    for one in (terminal, file):
        Io(err=one).say(text)
    assert max(map(len, terminal.getvalue().splitlines())) < 40
    assert terminal.getvalue().split() == text.split()
    assert file.getvalue() == text + "\n"


def test_a_labelled_line_hangs_under_its_text_and_a_table_stays(monkeypatch: pytest.MonkeyPatch):
    """What is broken begins under where the text began; what is not on a terminal is never broken."""
    monkeypatch.setenv("COLUMNS", "40")
    terminal, file = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    finding = "D03  problem  The value of the annotation is no mode that a controller knows."
    row = "catalog/catalog  tar  6 of 6  100 %  33.3 %  100 %  98.4 %"
    for one in (terminal, file):
        for line in (finding, row):
            Io(out=one).lay(line)
    *broken, last = terminal.getvalue().splitlines()
    assert max(map(len, broken)) < 40
    assert all(line.startswith(" " * 14) and line[14] != " " for line in broken[1:])
    assert " ".join(line.strip() for line in broken) == finding
    assert last == row
    assert file.getvalue() == f"{finding}\n{row}\n"
