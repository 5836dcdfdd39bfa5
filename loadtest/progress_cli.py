"""How far a command is with all its windows: a line that moves on a terminal, elsewhere a line a step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from k8s.console import Io, Loudness
from k8s.effects import Say
from loadtest.swarm import interface as swarms
from loadtest.window.driving import OnProgress

BESIDE_S = 12.0
"""What a window takes beside its load, until one has shown it: hints, load generators, reading its calls."""
WIDE = 72
"""Columns from which on there is room for a bar."""
_BAR = 12


class JobProgress:
    """Implements JobView."""

    def __init__(self, io: Io) -> None:
        """*io* is where it is shown, and the clock that paces it."""
        self._io = io
        self._console = Console(file=io.err, highlight=False)
        is_quiet = io.loudness is Loudness.QUIET
        self._moves = self._console.is_terminal and not self._console.is_dumb_terminal and not is_quiet
        self._windows = 0
        self._begun: list[float] = []
        """When each window began."""
        self._name = ""
        self._least_s = 0.0

    def expect(self, windows: int) -> None:
        """So many windows in all, or more where more were announced before."""
        self._windows = max(self._windows, windows)

    def more(self) -> None:
        """One window further than announced."""
        self._windows += 1

    @contextmanager
    def window(self, name: str, *, seconds: float) -> Iterator[OnProgress]:
        """The next window, called *name*; at least so many seconds long."""
        self._begun.append(self._io.monotonic())
        self.expect(len(self._begun))
        self._name, self._least_s = name, seconds
        if self._windows > 1 and not self._moves:
            self._io.say(f"{self._title()}; {self._left()}")
        with self._line() as show:
            yield self._steps(show)

    @contextmanager
    def waiting(self, source: str) -> Iterator[Say]:
        """The window's calls are being read from *source*."""
        with self._line() as show:
            show(f"waiting for {source}", 0.0, "")

            def hear(text: str) -> None:
                show(f"waiting for {source}", 0.0, text)
                if not self._moves:
                    self._io.detail(f"{source} shows {text}")

            yield hear

    def _steps(self, show: Callable[[str, float, str], None]) -> OnProgress:
        began: set[str] = set()

        def update(step: str, done_s: float, total_s: float, swarm: swarms.Progress | None) -> None:
            note = ""
            if swarm is not None and done_s > 0:
                note = f"{swarm.requests / done_s:.1f}/s, {swarm.failures} failed"
            show(step, done_s / total_s if total_s else 0.0, note)
            if self._moves:
                return
            if not total_s:
                self._io.say(step)
            elif step not in began:
                began.add(step)
                self._io.say(f"{step} for {total_s:g} s")
            if total_s and done_s >= total_s:
                counted = "" if swarm is None else f"{swarm.requests} requests, "
                self._io.say(f"{step}: done{', ' if note else ''}{counted if note else ''}{note}")

        return update

    @contextmanager
    def _line(self) -> Iterator[Callable[[str, float, str], None]]:
        """Shows (step, share of it that is done, note) in one line that is gone afterwards."""
        if not self._moves:
            yield lambda *_: None
            return
        plain = Column(no_wrap=True, overflow="ellipsis")
        columns = [TextColumn("{task.description}", table_column=plain)]
        is_wide = self._console.width >= WIDE
        bars = [BarColumn(bar_width=_BAR)] if is_wide else []
        room = self._console.width - len(bars) * (_BAR + 1)
        with Progress(*columns, *bars, console=self._console, refresh_per_second=4, transient=True) as line:
            task = line.add_task(self._title(), total=1.0)

            def show(step: str, share: float, note: str) -> None:
                clauses = [step, self._left(), *(note.split(", ") if is_wide and note else ())]
                # A clause of the note that has no room is left out as a whole, the last one first.
                while len(text := f"{self._title()}: {', '.join(clauses)}") > room and len(clauses) > 2:  # noqa: PLR2004
                    clauses.pop()
                line.update(task, description=text, completed=share)

            yield show

    def _title(self) -> str:
        if self._windows <= 1:
            return self._name
        return f"window {len(self._begun)} of {self._windows}, {self._name}"

    def _left(self) -> str:
        """How long the whole job takes from now on, about."""
        now_s = self._io.monotonic()
        before = [later - one for one, later in zip(self._begun, self._begun[1:], strict=False)]
        each_s = sum(before) / len(before) if before else self._least_s + BESIDE_S
        left_s = (self._windows - len(self._begun)) * each_s + max(0.0, each_s - (now_s - self._begun[-1]))
        return f"{_clock(left_s)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
