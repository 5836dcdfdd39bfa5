"""Names that a user, or a script, may give by mistake or on purpose: refused in one line, nothing written."""

import io
from pathlib import Path

import pytest

from analysis.cli import main
from k8s.console import Io
from tests.k8s.model.test_names import HOSTILE

OPTIONS = (
    ("run", "off", "--arm={}"),
    ("baseline", "--arm={}"),
    ("enable", "tar", "--arm={}"),
    ("demo", "--arm={}"),
    ("drill", "eu-west-1a", "--arm={}"),
    ("experiment", "--arm={}"),
    ("run", "off", "--service={}/catalog"),
    ("run", "off", "--client=ui/{}"),
    ("web", "--client=x/{}"),
    ("routing", "set", "tar", "--service=x/{}"),
    ("routing", "doctor", "--service={}/x"),
    ("routing", "predict", "--service=x/{}"),
    ("collect", "one", "--xray-service=x/{}"),
    ("lab", "scale", "--", "x/{}", "3"),
    ("lab", "node", "unlabel", "--", "{}"),
    ("lab", "node", "add", "--zone=eu-west-1a", "--name={}"),
    ("cluster", "create", "--cidr=none", "--name={}"),
)
PATHS = (
    ("run", "off", "--runs={}"),
    ("history", "--runs={}"),
    ("report", "--", "{}"),
    ("collect", "--", "{}"),
    ("compare", "--", "{}", "{}"),
    ("routing", "show", "--kubeconfig={}"),
)
HOSTILE_PATHS = ("", "a\x00b", "a\nb", "x" * 300, "y/" * 3000, "a\udcff", "\x1b[2J", "nowhere")


def refused(folder: Path, *argv: str) -> int:
    """The exit code of a command that says one printable line, prints nothing and leaves no file."""
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Io(out=out, err=err, environment={}, folder=folder))
    said = err.getvalue()
    assert out.getvalue() == ""
    assert said.startswith("samezone: ")
    assert said.endswith("\n")
    assert said[:-1].isprintable(), said
    assert len(said) < 1000
    assert [one for one in folder.rglob("*") if not one.is_dir()] == []
    return code


@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_hostile_names(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Exit 2, before a lab or a cluster is asked for."""
    monkeypatch.chdir(tmp_path)

    assert {refused(tmp_path, *(word.format(text) for word in words)) for text in HOSTILE} == {2}


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_hostile_paths(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Exit 2; 5 where the path could be and there is no lab."""
    monkeypatch.chdir(tmp_path)

    codes = {text: refused(tmp_path, *(word.format(text) for word in words)) for text in HOSTILE_PATHS}

    impossible = [codes[text] for text in ("", "a\x00b", "x" * 300, "y/" * 3000)]
    assert impossible == [2, 2, 2, 2]
    assert set(codes.values()) <= {2, 5}
