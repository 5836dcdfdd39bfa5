"""Tab completion: what a shell is told, by the real program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = "import sys; from analysis.entry import entry; sys.argv[0] = 'samezone'; sys.exit(entry())"


def offered(line: str, folder: Path) -> list[str]:
    """What the program offers for the end of a line, as argcomplete's shell functions ask it."""
    answer = folder / "answer"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    return [one.strip() for one in answer.read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("samezone exp", {"experiment"}),
        ("samezone lab ", {"up", "down", "status", "zone"}),
        ("samezone run --arrivals ", {"even", "poisson"}),
        ("samezone enable pre", {"prefer-close", "prefer-same-zone", "prefer-same-node"}),
    ],
)
def test_verbs_options_and_modes_are_completed(line: str, words: set[str], tmp_path: Path):
    """Those of the verb that stands there, whose module is loaded for it."""
    found = set(offered(line, tmp_path))
    assert words <= found
    assert line.endswith(" ") or words == found


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete "), ("zsh", "compdef"), ("fish", "complete ")]
)
def test_each_shell_gets_its_script(shell: str, words: str):
    """Which names the program."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "completion", shell], capture_output=True, text=True, check=True
    )
    assert words in done.stdout
    assert "samezone" in done.stdout
