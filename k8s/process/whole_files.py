"""Files that are whole or not there, whatever ends the process or the machine."""

import os
from pathlib import Path

from k8s.process import interrupts


def write_whole(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put *data* in the place of *path*: all of it or nothing, on the disk when this returns, its name too.

    OSError where that cannot be; nothing is left of it then. *mode* is the file's, whatever the umask; None
    leaves it to the umask.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with interrupts.held():
        try:
            with temporary.open("wb") as file:
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
