"""What a command writes to a terminal 80 columns wide, with the time at which it came."""

import fcntl
import os
import pty
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COLUMNS = 80
ROWS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """All that came, in order."""

    chunks: tuple[tuple[float, bytes], ...]
    """Seconds since the start, and what came then."""
    code: int
    """How the command ended."""


def record(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Recording:
    """Run *command* in *folder* on a terminal of its own until it ends."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606 - the terminal is what it is for
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    start, chunks = time.monotonic(), []
    while came := _read(terminal):
        chunks.append((time.monotonic() - start, came))
    os.close(terminal)
    return Recording(chunks=tuple(chunks), code=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _read(terminal: int) -> bytes:
    """What comes next; nothing once the command is gone, which Linux says by an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
