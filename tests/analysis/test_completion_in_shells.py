"""Tab completion in the shells themselves, where they are installed: what stands on the line after Tab."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.programs

PATIENCE_S = 120
"""Tab takes a second; a busy machine takes what it takes."""
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(samezone completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -Uz compinit; compinit -u -D; eval "$(samezone completion zsh)"',
    ),
}
"""How each is started, and what its user has in its start-up file."""
SCRIPT = "import sys; from analysis.entry import entry; sys.argv[0] = 'samezone'; sys.exit(entry())"


class Typing:
    """A shell on a terminal of its own, with somebody who types."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._shown = b""

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def wait_for(self, *words: str) -> None:
        """Until all of *words* were shown; AssertionError where they do not come."""
        end = time.monotonic() + PATIENCE_S
        while not all(one.encode() in self._shown for one in words):
            assert time.monotonic() < end, f"{words} did not come: {self._shown!r}"
            if select.select([self._terminal], [], [], 0.2)[0]:
                self._shown += os.read(self._terminal, 4096)


@contextmanager
def at_a(shell: str, folder: Path) -> Iterator[Typing]:
    """Somebody sits at *shell*, with completion set up and our program on PATH."""
    command, setup = SHELLS[shell]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment(folder) | {"TERM": "dumb", "PS1": "> "})  # noqa: S606 - a shell is what is tried
    try:
        typing = Typing(terminal)
        # What is typed is shown, too: the quotes tell it from what is printed.
        typing.type(f"{setup}; echo RE''ADY\n")
        typing.wait_for("READY\r\n")
        yield typing
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def environment(folder: Path) -> dict[str, str]:
    """With a ``samezone`` on PATH that is this one."""
    program = folder / "bin" / "samezone"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{SCRIPT}" "$@"\n')
    program.chmod(0o755)
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": root}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "rest"), [("samezone exp", "eriment "), ("samezone experiment --null-p", "airs ")]
)
def test_tab_writes_out_the_only_one_that_fits(shell: str, line: str, rest: str, tmp_path: Path):
    """A verb, and an option of one."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on PATH")
    with at_a(shell, tmp_path) as typing:
        typing.type(f"{line}\t")
        typing.wait_for(f"{line}{rest}")


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_shows_all_that_fit(shell: str, tmp_path: Path):
    """Of several modes; bash rings first and shows them when it is asked again."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on PATH")
    with at_a(shell, tmp_path) as typing:
        typing.type("samezone enable prefer-\t")
        typing.wait_for("\x07")
        typing.type("\t")
        typing.wait_for("prefer-close", "prefer-same-node", "prefer-same-zone")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("samezone exp", {"experiment"}),
        ("samezone experiment --null-p", {"--null-pairs"}),
        ("samezone enable prefer-", {"prefer-close", "prefer-same-node", "prefer-same-zone"}),
    ],
)
def test_fish_completes_them_too(line: str, words: set[str], tmp_path: Path):
    """Asked by the very command that Tab calls."""
    if shutil.which("fish") is None:
        pytest.skip("no fish on PATH")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f'samezone completion fish | source; complete -C "{line}"'],
        env=environment(tmp_path) | {"HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    # Each with its help behind a tab.
    assert {one.split("\t")[0] for one in done.stdout.splitlines()} == words
