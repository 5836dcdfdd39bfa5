"""Signals that ask a command to stop, SIGHUP, SIGINT and SIGTERM: heard once, where it can be borne.

Python raises KeyboardInterrupt wherever the main thread happens to be. That is right while something is
awaited, and wrong while something is put back or written down, so there are three states:

- *starting*, while modules are imported: nothing has been changed; the process ends at once, with a line;
- *working*: KeyboardInterrupt, once. Inside ``held`` it waits until the block is done, unless ``allowed``
  lets it in. Whatever changes something holds signals, and lets them in where it waits;
- *done*: the exit code stands, and the process ends with it at once.

Later signals never cut the putting back short; the second one is answered with how to give it up. Signals
are the process's, so the state is, too: one module. It is imported before all others and, to be early, it
imports nothing that takes time: ``typing`` alone would double what it costs.
"""

import _thread
import atexit
import os
import signal
import sys
from contextlib import suppress
from types import FrameType, TracebackType

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""In the order in which they begin to be heard: the first has a handler of Python's, with a traceback."""
INTERRUPTED = 130
"""``k8s.errors.ExitCode.INTERRUPTED``; a number here, so that the entry loads nothing."""
_AGAIN_S = 0.01


class _State:
    """Of this process."""

    __slots__ = ("allowed", "code", "hits", "is_working", "main", "pending", "program")

    def __init__(self) -> None:
        self.program = ""
        self.main = 0
        """The thread that hears signals; 0 before ``listen``."""
        self.hits = 0
        self.allowed = True
        """Whether a signal may be raised here and now."""
        self.pending = False
        """Whether one was heard while that was not allowed."""
        self.is_working = False
        self.code: int | None = None
        """The exit code once it stands."""


_state = _State()


def listen(program: str) -> None:
    """Hear signals from here on; *program* begins what is said of them. A second call changes nothing.

    What is ignored already stays so: nohup asks for that, and a shell for its background jobs. SIGTERM is
    always heard.
    """
    if _state.main:
        return
    _state.program = program
    _state.main = _thread.get_ident()
    for number in heard():
        signal.signal(number, _hear)
    sys.unraisablehook = _not_raised
    # Registered first, so called last: then the interpreter takes handlers away, and a signal would kill it.
    atexit.register(_hear_no_more)


def _hear_no_more() -> None:
    """All is done, and the exit code stands: what Python still tidies up is not cut short."""
    for number in HEARD:
        if signal.getsignal(number) is _hear:
            signal.signal(number, signal.SIG_IGN)


def heard() -> tuple[signal.Signals, ...]:
    """The signals that end a process of ours: those that it was not told to ignore."""
    return tuple(
        number
        for number in HEARD
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN
    )


class _Scope:
    """Sets whether signals may be raised, until it is left."""

    __slots__ = ("_allowed", "_before")

    def __init__(self, *, allowed: bool) -> None:
        self._allowed = allowed
        self._before = True

    def __enter__(self) -> None:
        if _thread.get_ident() != _state.main:
            return  # other threads never hear signals, and decide nothing for the one that does
        self._before = _state.allowed
        _state.allowed = self._allowed
        if self._allowed:
            _deliver()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if _thread.get_ident() != _state.main:
            return
        _state.allowed = self._before
        if kind is None and _state.allowed:
            # Not over another exception: what could not be put back must be heard of.
            _deliver()


def held() -> _Scope:
    """A block that no signal cuts short: it is raised at its end, unless ``allowed`` lets it in before."""
    return _Scope(allowed=False)


def allowed() -> _Scope:
    """A part of a ``held`` block that a signal may end, because it waits and what it began can be ended."""
    return _Scope(allowed=True)


class Working:
    """The time in which a command runs: signals are raised; after it, the exit code stands."""

    __slots__ = ()

    def __enter__(self) -> None:
        _state.is_working = bool(_state.main)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A signal that comes before this line is the first one and is raised; later ones find it closed.
        _state.allowed = not _state.main


def finished(code: int) -> None:
    """Nothing is left to do: a signal ends the process with *code* at once, say where threads are awaited."""
    if _state.main:
        _state.code = code


def say(text: str) -> None:
    """One line on standard error, by a system call: a stream may be in the middle of writing."""
    with suppress(OSError):  # nobody may be there to read it
        os.write(2, f"{_state.program}: {text}\n".encode(errors="backslashreplace"))


def _hear(_number: int, _frame: FrameType | None) -> None:
    _state.hits += 1
    if _state.code is not None:
        os._exit(_state.code)
    if not _state.is_working:
        say("interrupted; nothing was begun")
        os._exit(INTERRUPTED)
    if _state.hits == 1 or _state.pending:
        _state.pending = True
        if _state.allowed:
            _deliver()
    if _state.hits == 2:  # noqa: PLR2004 - the first that finds us at it
        say(
            "already stopping; putting everything back first (Ctrl-\\, which is SIGQUIT, gives that up; then "
            "run: samezone routing restore)"
        )


def _deliver() -> None:
    if _state.pending:
        _state.pending = False
        raise KeyboardInterrupt


def _not_raised(unraisable: "sys.UnraisableHookArgs") -> None:
    """What Python cannot raise where it happened, as in ``__del__``: an interruption is raised later."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt) and _state.is_working:
        _state.pending = True
        signal.signal(signal.SIGALRM, _again)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        return
    sys.__unraisablehook__(unraisable)


def _again(_number: int, _frame: FrameType | None) -> None:
    if _state.allowed:
        _deliver()
