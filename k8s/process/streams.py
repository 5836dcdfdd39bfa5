"""Standard output and error whose readers may go away: that ends no run, and costs only the words.

``samezone ... | head``, a terminal that was closed, ``>&-``, a full disk behind ``>file``: what cannot be
written is dropped, and so is all that follows. The descriptor then leads to ``/dev/null``, so that nothing
fails when Python writes out its buffers at the end, and children write nowhere, too.
"""

import errno
import io
import os
import sys
from typing import Final, TextIO, cast

_GONE: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EBADF, errno.ENXIO})
"""The reader is gone, or was never there: no fault of anybody's."""


def fill_missing() -> None:
    """Open ``/dev/null`` for standard streams that are closed: the next file would take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


class Stream(io.TextIOBase):
    """Writes to another stream as long as that one takes it; never raises."""

    def __init__(self, inner: TextIO | None) -> None:
        """*inner* None: there is none, as Python says of one that was closed at the start."""
        super().__init__()
        self._inner = inner
        self._was_terminal = self.isatty()
        self.trouble: OSError | None = None
        """Why words were lost, where nobody wanted that: a full disk; None for a reader who went away."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there
        """The inner stream's."""
        return getattr(self._inner, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # an attribute there
        """The inner stream's."""
        return getattr(self._inner, "errors", None)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The inner stream's; OSError (io.UnsupportedOperation) where there is none."""
        if self._inner is None:
            raise io.UnsupportedOperation("fileno")
        return self._inner.fileno()

    def isatty(self) -> bool:
        """Whether a terminal was there and still is."""
        try:
            return self._inner is not None and self._inner.isatty()
        except (OSError, ValueError):
            return False

    def write(self, text: str) -> int:
        """All of *text*, or nothing of it and of what follows."""
        if self._inner is not None:
            try:
                self._inner.write(text)
            except UnicodeEncodeError:
                self._inner.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Likewise."""
        if self._inner is not None:
            try:
                self._inner.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def close(self) -> None:
        """The process's own streams stay open to its end."""
        self.flush()

    def _lose(self, error: OSError | ValueError) -> None:
        """Write nowhere from here on; ValueError is Python's word for a stream that was closed."""
        if isinstance(error, BlockingIOError):
            return  # a reader who is slow may be there again
        inner, self._inner = self._inner, None
        if isinstance(error, OSError) and error.errno not in _GONE:
            is_hung_up = self._was_terminal and error.errno == errno.EIO
            self.trouble = None if is_hung_up else error
        try:
            number = inner.fileno() if inner is not None else -1
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)
        except (OSError, ValueError):
            pass  # a stream in memory, or one without a descriptor


def tolerant(stream: TextIO | None) -> TextIO:
    """*stream*, as one that never raises."""
    return stream if isinstance(stream, Stream) else cast("TextIO", Stream(stream))


def make_tolerant() -> None:
    """Do so with the process's own: what argparse, rich and the interpreter write goes there."""
    sys.stdout, sys.stderr = tolerant(sys.stdout), tolerant(sys.stderr)
