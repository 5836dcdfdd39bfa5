"""Standard streams whose readers go away, in processes of their own: what is left of a command then."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from k8s.process.streams import Stream

SCRIPT = """
import sys
from k8s.process import streams
streams.fill_missing()
streams.make_tolerant()
from k8s.console import Io
io = Io()
for line in range(20_000):
    io.write("a line of data")
    print("a line of argparse's or rich's")
    io.say("a word")
open(sys.argv[1], "w").write("done")
"""


def ends(folder: Path, redirection: str, script: str = SCRIPT) -> tuple[int, str, bool]:
    """How a shell's command ends that writes much: its code, what it says, whether it was done."""
    done = folder / "done"
    command = f'set -o pipefail; "$0" -c "$1" "$2" {redirection}'
    ended = subprocess.run(
        ["bash", "-c", command, sys.executable, script, str(done)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr, done.exists()


@pytest.mark.parametrize(
    "redirection",
    ["2>&1 | head -2 >/dev/null", "2>/dev/null | true", ">&- 2>&-", ">&- 2>/dev/null", "<&- >&- 2>&-"],
)
def test_nobody_listens(tmp_path: Path, redirection: str):
    """The process works to its end with its own code, and has nothing to say of it."""
    assert ends(tmp_path, redirection) == (0, "", True)


@pytest.mark.parametrize("redirection", [">/dev/full 2>/dev/null", ">/dev/full 2>&1"])
def test_a_full_disk_ends_nothing(tmp_path: Path, redirection: str):
    """What it loses is for the command to judge."""
    assert ends(tmp_path, redirection) == (0, "", True)


def test_a_file_opened_later_does_not_become_standard_output(tmp_path: Path):
    """Closed descriptors are taken at once: what is said does not end up in a log."""
    script = SCRIPT.replace("io = Io()", 'log = open(sys.argv[1] + ".log", "w"); io = Io()')

    ends(tmp_path, ">&- 2>&-", script)

    assert (tmp_path / "done.log").read_text() == ""


class _Failing(io.StringIO):
    def __init__(self, number: int, *, tty: bool = False) -> None:
        super().__init__()
        self._number = number
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def write(self, _text: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(
    ("inner", "is_trouble"),
    [
        (_Failing(errno.EPIPE), False),
        (_Failing(errno.EBADF), False),
        (_Failing(errno.EIO, tty=True), False),
        (_Failing(errno.EIO), True),
        (_Failing(errno.ENOSPC), True),
        (None, False),
    ],
)
def test_a_reader_who_went_is_no_trouble(inner: io.StringIO | None, is_trouble: bool):
    """A terminal that hung up reads no more; a file that fails is worth a word."""
    stream = Stream(inner)

    assert stream.write("words") == 5
    stream.flush()

    assert (stream.trouble is not None) == is_trouble


def test_letters_that_the_terminal_lacks_are_written_as_numbers():
    """No reason to end, either."""
    raw = io.BytesIO()
    stream = Stream(io.TextIOWrapper(raw, encoding="ascii"))

    stream.write("zone \u00e4 \udcff")
    stream.flush()

    assert raw.getvalue() == rb"zone \xe4 \udcff"
