"""What the ``samezone`` command loads before it knows what is asked for, and that it still has every verb."""

import argparse
import importlib
import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from analysis import cli
from k8s.console import Parser, Verbs

SCRIPT = """
import json, sys
from analysis.entry import entry
sys.argv = ["samezone", *sys.argv[1:]]
try:
    code = entry()
except SystemExit as end:
    code = end.code or 0
print(json.dumps([code, sorted(sys.modules)]))
"""
ROOMS = ("k8s", "loadtest", "analysis")


def loaded_by(*arguments: str) -> tuple[int, list[str], list[str]]:
    """How a command ends, what it prints, and which modules it has loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True
    )
    *said, last = done.stdout.splitlines()
    code, modules = json.loads(last)
    return code, said, modules


@pytest.mark.parametrize(("arguments", "code"), [(("--help",), 0), (("--version",), 0), ((), 0), (("x",), 2)])
def test_help_and_mistakes_load_no_verb(arguments: tuple[str, ...], code: int):
    """A few modules of ours and the standard library: no client, no engine, no numbers, no tables."""
    ended, _, modules = loaded_by(*arguments)
    assert ended == code
    ours = {name for name in modules if name.split(".")[0] in ROOMS}
    process = {f"k8s.process.{name}" for name in ("interrupts", "private", "streams")}
    shown = {"k8s.commandline", "k8s.commandline.help_text", "k8s.commandline.quantities"}
    light = {*process, *shown, "k8s.process", "k8s.model", "k8s.model.names", "k8s.model.nearest"}
    assert ours - light == {
        "analysis",
        "analysis.cli",
        "analysis.entry",
        "k8s",
        "k8s.console",
        "k8s.errors",
    }
    before = {name.split(".")[0] for name in loaded_by_python_alone()}
    foreign = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names) - set(ROOMS) - before
    assert foreign == set()


def loaded_by_python_alone() -> list[str]:
    """What stands in sys.modules without us: the environment's own start-up files may load something."""
    script = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_version():
    """The installed package's, on standard output."""
    code, said, _ = loaded_by("--version")
    assert (code, said) == (0, [f"samezone {version('samezone')}"])


def added_by(module: str) -> "Verbs[Parser]":
    """The verbs that a module adds."""
    verbs: Verbs[Parser] = Parser(prog="samezone").add_subparsers(parser_class=Parser)
    importlib.import_module(module).add(verbs)
    return verbs


def test_the_list_of_verbs_is_what_the_modules_add():
    """Each verb of a module is listed with the module and the summary that it has there."""
    added = {
        (shown.dest, module, shown.help)
        for module in {module for _, module, _ in cli.VERBS}
        for shown in added_by(module)._choices_actions
    }
    assert set(cli.VERBS) == added


def test_a_verbs_own_help_is_whole(capsys: pytest.CaptureFixture[str]):
    """As if its module had been there from the start."""
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["lab", "up", "--help"])
    said = capsys.readouterr().out
    assert said.startswith("usage: samezone lab up ")
    assert "--scenario NAME" in said


def test_a_verbs_arguments_reach_its_command():
    """Values, and the function that runs."""
    args: argparse.Namespace = cli.parser().parse_args(["lab", "up", "--catalog", "5,2,2"])
    assert (args.verb, args.catalog) == ("lab", "5,2,2")
    assert callable(args.command)
