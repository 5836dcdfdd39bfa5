"""Room on the disk for a run folder: asked for before the load, and some of it kept for the last record."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from k8s.errors import UsageError

LEAST_BYTES: Final = 16 * 1024 * 1024
"""A run folder, with the graph and traces that collecting adds, and the load generators' logs."""
BYTES_PER_S: Final = 2_000
"""What a second of load may add: a snapshot of a small cluster's topology every few seconds."""
RESERVE_BYTES: Final = 2 * 1024 * 1024
"""A record of 60 workers, and topology."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def require_room(folder: Path, *, seconds: float) -> None:
    """UsageError where a run of *seconds* in this folder may not fit on its disk."""
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise UsageError(f"looking at the disk of {folder}: {error.strerror or error}") from error
    wanted = LEAST_BYTES + BYTES_PER_S * seconds
    free = found.f_bavail * found.f_frsize
    if free < wanted:
        raise UsageError(
            f"run folder {folder}: {free / 1e6:.0f} MB are free on its disk, and a run of {seconds:.0f} s "
            f"may need {wanted / 1e6:.0f}; make room, or give --runs on another disk"
        )
    # File systems without a fixed number of inodes say 0 of 0.
    if found.f_files and not found.f_favail:
        raise UsageError(
            f"run folder {folder}: no more files fit on its disk (it has no free inodes); make room, or give "
            "--runs on another disk"
        )


def is_full(error: BaseException | None) -> bool:
    """Whether a disk without room, a quota or a limit of the process is behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False


class Reserve:
    """Room for the last record, taken while there is some: a file without a name, gone with the process."""

    def __init__(self, folder: Path) -> None:
        """UsageError where nothing can be written there."""
        try:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".reserve-")  # noqa: SIM115 - "release" closes it
            try:
                # Bytes that no file system can leave out or squeeze.
                self._file.write(os.urandom(RESERVE_BYTES))
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                self._file.close()
                raise
        except OSError as error:
            raise UsageError(
                f"run folder {folder}: nothing can be written there ({error.strerror or error}); make room, "
                "or give --runs elsewhere"
            ) from error

    def release(self) -> bool:
        """Give the room back; False where that was done before."""
        was_held = not self._file.closed
        self._file.close()
        return was_held
