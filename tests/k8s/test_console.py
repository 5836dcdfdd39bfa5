"""What every command line shares."""

import errno
import io
import os
from collections.abc import Callable
from typing import NoReturn

import pytest

from k8s.console import Io, guarded
from k8s.errors import UnreachableError, UsageError


def raising(error: BaseException) -> Callable[[], int]:
    def run() -> NoReturn:
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "code", "said"),
    [
        (lambda: 3, 3, ""),
        (raising(UnreachableError("listing nodes: refused")), 5, "samezone: listing nodes: refused\n"),
        (raising(KeyboardInterrupt()), 130, "samezone: interrupted; nothing is left changed\n"),
    ],
)
def test_how_a_command_ends(run: Callable[[], int], code: int, said: str) -> None:
    """The exit code, and one line where there is something to say."""
    err = io.StringIO()

    assert (guarded("samezone", Io(err=err), run), err.getvalue()) == (code, said)


class _Full(io.StringIO):
    """A disk without space behind the stream."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("code", "ends"), [(0, 2), (4, 4)])
def test_what_could_not_be_said_is_not_done(code: int, ends: int) -> None:
    """A full disk behind standard output: one line, and no success."""
    err = io.StringIO()
    surroundings = Io(out=_Full(), err=err)

    def run() -> int:
        surroundings.write("the answer")
        return code

    assert guarded("samezone", surroundings, run) == ends
    assert err.getvalue() == (
        "samezone: writing to standard output: No space left on device; what was measured is kept\n"
    )


def test_a_terminal_that_is_gone_cannot_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading from it fails: nobody is there."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)

    def gone() -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(terminal, "readline", gone)
    monkeypatch.setattr("sys.stdin", terminal)

    with pytest.raises(UsageError, match="nobody is there to agree"):
        Io(err=io.StringIO()).agree(["a change"], yes=False)


def test_a_bug_is_not_hidden() -> None:
    """What no user causes keeps its traceback."""
    with pytest.raises(ZeroDivisionError):
        guarded("samezone", Io(), raising(ZeroDivisionError()))
