"""What every command line shares."""

import io
from collections.abc import Callable
from typing import NoReturn

import pytest

from k8s.console import Io, guarded
from k8s.errors import UnreachableError


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
        (raising(BrokenPipeError()), 0, ""),
    ],
)
def test_how_a_command_ends(run: Callable[[], int], code: int, said: str) -> None:
    """The exit code, and one line where there is something to say."""
    err = io.StringIO()

    assert (guarded("samezone", Io(err=err), run), err.getvalue()) == (code, said)


def test_a_bug_is_not_hidden() -> None:
    """What no user causes keeps its traceback."""
    with pytest.raises(ZeroDivisionError):
        guarded("samezone", Io(), raising(ZeroDivisionError()))
