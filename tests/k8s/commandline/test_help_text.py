"""What a help page shows."""

from pathlib import Path

import pytest

from k8s.commandline import quantities
from k8s.console import Parser, verbs_of


def page(parser: Parser, monkeypatch: pytest.MonkeyPatch, *, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    return parser.format_help()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"type": quantities.seconds, "default": 40.0}, "(default: 40s)"),
        ({"type": float, "default": 0.0}, "(default: 0)"),
        ({"default": Path("runs")}, "(default: runs)"),
        ({"default": "a%b"}, "(default: a%b)"),
    ],
)
def test_a_default_is_shown_as_it_would_be_typed(
    options: dict[str, object], shown: str, monkeypatch: pytest.MonkeyPatch
):
    """After what the option is for."""
    parser = Parser(prog="x")
    parser.add_argument("--one", help="this", **options)  # type: ignore[arg-type]
    assert f"this {shown}" in page(parser, monkeypatch)


@pytest.mark.parametrize("options", [{"default": None}, {"default": []}, {"action": "store_true"}])
def test_none_is_shown_where_there_is_none(options: dict[str, object], monkeypatch: pytest.MonkeyPatch):
    """Nor where the help says it in words."""
    parser = Parser(prog="x")
    parser.add_argument("--one", help="this", **options)  # type: ignore[arg-type]
    parser.add_argument("--two", help="that; default: the newest", default=3)
    assert "(default" not in page(parser, monkeypatch)


def test_names_stay_whole_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch):
    """They are to be copied; and no line is wider than the terminal."""
    parser = Parser(prog="x")
    parser.add_argument("--one", metavar="MODE", help="off, tar, prefer-close, prefer-same-zone, or another")
    said = page(parser, monkeypatch, columns=60)
    assert "prefer-same-zone" in said
    assert max(map(len, said.splitlines())) <= 60


def test_many_options_are_not_all_in_the_usage(monkeypatch: pytest.MonkeyPatch):
    """It says what has to be given, and that there are options."""
    parser = Parser(prog="x")
    for number in range(9):
        parser.add_argument(f"--option-{number}")
    parser.add_argument("--must", required=True, metavar="IT")
    parser.add_argument("what", metavar="WHAT")
    parser.add_argument("more", metavar="MORE", nargs="+")
    assert page(parser, monkeypatch).splitlines()[0] == "usage: x --must IT WHAT MORE [MORE ...] [options]"


def test_verbs_come_first_and_stand_in_one_line_each(monkeypatch: pytest.MonkeyPatch):
    """The longest name, too."""
    parser = Parser(prog="x")
    verbs = verbs_of(parser, dest="verb", kind=Parser)
    verbs.add_parser("short", help="does this")
    verbs.add_parser("a-longer-name", help="does that")
    said = page(parser, monkeypatch).splitlines()
    assert said[2:5] == ["verbs:", "  short          does this", "  a-longer-name  does that"]


def test_an_option_that_is_hidden_is_taken_all_the_same(monkeypatch: pytest.MonkeyPatch):
    """It does not apply, but make gives it to every verb."""
    parser = Parser(prog="x")
    parser.add_argument("--platform", default="lab", help="where")
    parser.hide("platform")
    assert "--platform" not in page(parser, monkeypatch)
    assert parser.parse_args(["--platform", "cluster"]).platform == "cluster"
