"""Processes of the lab: who they are beyond their number, how they start, and how they surely end."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8s.process import interrupts

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_POLL_S = 0.02
_STATE_FIELD = 0
_PARENT_FIELD = 1
_GROUP_FIELD = 2
_STARTED_FIELD = 19
"""Fields of /proc/<pid>/stat after the command's closing parenthesis (proc_pid_stat(5), 3 to 22)."""
_FAILED = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process: its number, and when it started, because numbers are used again."""

    pid: int
    started: str
    """Opaque: clock ticks since boot on Linux, the time as ps prints it elsewhere."""


def identify(pid: int) -> ProcessId | None:
    """The process that has this number now; None if there is none, or one that only waits to be reaped."""
    if sys.platform == "linux":
        fields = _stat(pid)
        if fields is None or fields[_STATE_FIELD] in {"Z", "X"}:
            return None
        return ProcessId(pid=pid, started=fields[_STARTED_FIELD])
    asked = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = asked.stdout.strip().partition(" ")
    return ProcessId(pid=pid, started=started.strip()) if state and not state.startswith("Z") else None


def is_running(process: ProcessId) -> bool:
    """Whether that very process still runs."""
    return identify(process.pid) == process


def in_group(group: int) -> tuple[ProcessId, ...]:
    """The running processes of a process group (Linux; nothing elsewhere)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        fields = _stat(pid)
        if fields is not None and fields[_GROUP_FIELD] == str(group) and (process := identify(pid)):
            found.append(process)
    return tuple(found)


def end(processes: Sequence[ProcessId], *, deadline_s: float) -> tuple[ProcessId, ...]:
    """SIGTERM, and SIGKILL to those that still run after *deadline_s*; returns the killed ones."""
    left = _signal(processes, signal.SIGTERM)
    until = time.monotonic() + deadline_s
    while left and time.monotonic() < until:
        time.sleep(_POLL_S)
        left = tuple(process for process in left if is_running(process))
    killed = _signal(left, signal.SIGKILL)
    while any(is_running(process) for process in killed):
        time.sleep(_POLL_S)
    return killed


def fork(name: str, log: Path, serve: Callable[[], None], *, close: Sequence[int] = ()) -> ProcessId:
    """Run *serve* in a child that dies with this process; what it prints goes to *log*.

    *name* is what ps and top call it (its first 15 letters, on Linux); *close* are descriptors that are none
    of the child's business. Fork only from a single-threaded process.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = _FAILED
        try:
            _settle(name, parent, log, close)
            serve()
            status = 0
        except BaseException:  # noqa: BLE001 - the child's last frame: nothing may return into the parent's code
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    process = identify(pid)
    return process or ProcessId(pid=pid, started="")  # it ended already; its parent will reap it


def _settle(name: str, parent: int, log: Path, close: Sequence[int]) -> None:
    """Make a fork a process of its own: name, signals, descriptors, log."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(_FAILED)
    for descriptor in close:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    write_to(log)


def write_to(log: Path) -> None:
    """Let everything this process prints go to the end of *log*, and let it read nothing."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def send(process: ProcessId, number: signal.Signals) -> bool:
    """Send a signal to that very process; False if it does not run any more."""
    return bool(_signal((process,), number))


def _signal(processes: Sequence[ProcessId], number: signal.Signals) -> tuple[ProcessId, ...]:
    """Send to those that run; returns them."""
    sent = []
    for process in processes:
        if is_running(process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
                sent.append(process)
    return tuple(sent)


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


class Signals:
    """SIGCHLD, SIGHUP, SIGTERM and SIGINT as something to wait for."""

    def __init__(self) -> None:
        self.stop = False
        self._read, self._write = os.pipe()
        for descriptor in self.descriptors:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in interrupts.heard():
            signal.signal(number, self._told)

    @property
    def descriptors(self) -> tuple[int, int]:
        """For children to close."""
        return self._read, self._write

    def wait(self, timeout_s: float, also: Sequence[int] = ()) -> None:
        """Until a signal arrives, one of the descriptors *also* is readable, or the time is over."""
        if self._read in select.select((self._read, *also), (), (), timeout_s)[0]:
            os.read(self._read, 4096)

    def _told(self, *_: object) -> None:
        self.stop = True
