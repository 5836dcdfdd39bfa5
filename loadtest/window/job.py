"""The whole job that a window is one of, as far as somebody wants to see how far it is."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from k8s.effects import Say
from loadtest.window.driving import OnProgress


class JobView(Protocol):
    """Is told what a command is going to measure, and shows how far it has come."""

    def expect(self, windows: int) -> None:
        """So many windows in all, or more where more were announced before."""

    def more(self) -> None:
        """One window further than announced: another one was no evidence."""

    def window(self, name: str, *, seconds: float) -> AbstractContextManager[OnProgress]:
        """The next window, called *name*, is being measured, which takes at least so long."""

    def waiting(self, source: str) -> AbstractContextManager[Say]:
        """Its calls are being read from *source*; hears how many are there."""


class UnseenJob:
    """Implements JobView where nobody looks."""

    def expect(self, windows: int) -> None:
        """Not shown."""

    def more(self) -> None:
        """Not shown."""

    @contextmanager
    def window(self, name: str, *, seconds: float) -> Iterator[OnProgress]:
        """Not shown."""
        del name, seconds
        yield lambda *_: None

    @contextmanager
    def waiting(self, source: str) -> Iterator[Say]:
        """Not shown."""
        del source
        yield lambda _: None
