"""Every command of every page is one that there is; the lab's tests run those that need a lab."""

import re
import shlex
import subprocess

import pytest

from analysis import cli
from tests.analysis.test_answers_as_json import VERBS
from tests.readme.pages import PAGES, Command, all_commands, blocks, commands, lines, section, text
from tests.sources import REPO

ALL = all_commands()


def test_the_two_commands_are_there():
    """One runs the main job, one passes the tests, and the first screen has them."""
    first = text("README.md").split("\n## ")[0]
    assert [lines(block) for block in blocks(first)] == [["make demo", "make test"]]


def test_the_three_doors_are_there():
    """To try it, to one's own services, to EKS, on the first screen, in this order."""
    first = text("README.md").split("\n## ")[0]
    doors = re.findall(r"^- \*\*\[.*?\]\((.*?)\)", first, flags=re.MULTILINE)
    assert doors == ["#try-it", "#your-own-services", "k8s/README.md#on-eks"]


def test_every_make_verb_of_the_pages_exists():
    """A verb that a page names is in the Makefile."""
    named = {verb for page in PAGES for verb in re.findall(r"`make ([a-z-]+)\b", text(page))}
    makefile = (REPO / "Makefile").read_text()
    rules = re.findall(r"^([a-z- ]+):", makefile, flags=re.MULTILINE)

    assert named >= {
        "demo",
        "baseline",
        "enable-tar",
        "disable-tar",
        "web",
        "experiment",
        "observe",
        "cluster",
    }
    assert named <= {verb for rule in rules for verb in rule.split()}


def test_the_walk_through_on_eks_is_whole():
    """From nothing to a report and back to nothing, in this order."""
    verbs = [line.split()[1] for line in commands("k8s/README.md", "On EKS")]
    assert verbs == ["cluster", "deploy", "status", "baseline", "enable-tar", "disable-tar", "web", "destroy"]


@pytest.mark.parametrize("command", [one for one in ALL if one.line.startswith("make ")], ids=str)
def test_a_make_command(command: Command):
    """Make knows the verb and its variables, and samezone takes the arguments that come of them."""
    done = subprocess.run(
        [*shlex.split(command.line), "--dry-run"], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ours = [shlex.split(line.removeprefix("@")) for line in done.stdout.splitlines() if "/samezone " in line]
    assert ours or "/pytest " in done.stdout
    for words in ours:
        arguments = cli.parser().parse_args(words[1:])
        assert callable(arguments.command)
        context = re.search(r"CONTEXT=(\S+)", command.line)
        assert context is None or arguments.context in (context[1], None)


@pytest.mark.parametrize("command", [one for one in ALL if one.line.startswith("samezone ")], ids=str)
def test_a_samezone_command(command: Command):
    """Samezone takes its arguments."""
    assert callable(cli.parser().parse_args(shlex.split(command.line)[1:]).command)


def test_no_other_command_is_left_untried():
    """The rest is what the lab's tests run in a shell, and pytest with files that there are."""
    rest = [one for one in ALL if not one.line.startswith(("make ", "samezone "))]
    by_hand = blocks(section("k8s/README.md", "The lab"))
    tried = [line for block in by_hand for line in lines(block)]
    left = [one.line for one in rest if one.line not in tried]
    assert tried
    assert all(line.startswith(".venv/bin/pytest ") for line in left)
    files = [word for line in left for word in line.split() if word.endswith(".py")]
    assert [file for file in files if not (REPO / file).is_file()] == []


def inline(page: str) -> list[str]:
    """Commands of ours that stand in a page's sentences."""
    prose = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`(samezone [a-z][^`]*)`", prose)


def test_every_verb_and_option_in_a_sentence_exists():
    """Where a page only mentions a command, it is one that there is."""
    found = {one for page in PAGES for one in inline(page)}
    assert {"samezone status", "samezone completion bash"} <= found
    for command in found:
        words = command.split()[1:]
        verbs = [name for name in VERBS if words[: len(name.split())] == name.split()]
        groups = {name.rpartition(" ")[0] for name in VERBS}
        assert verbs or " ".join(words) in groups, command
        options = {option for name in verbs for one in VERBS[name]._actions for option in one.option_strings}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, command


def test_the_options_of_every_verb_are_told_on_the_first_page():
    """And all verbs that the sentence is about have them."""
    first = " ".join(text("README.md").split())
    assert "every verb that answers takes `--json`" in first
    assert "every one that leaves a report `--open`" in first
    opening = {"demo", "enable", "experiment", "observe", "report", "compare"}
    having = {
        name for name, one in VERBS.items() for action in one._actions if "--open" in action.option_strings
    }
    assert having == opening
