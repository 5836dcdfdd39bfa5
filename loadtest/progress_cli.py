"""How far a run is, on a person's terminal or as lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from k8s.effects import Say
from loadtest.swarm import interface as swarms
from loadtest.window.driving import OnProgress


@contextmanager
def progress_bars(stream: TextIO, say: Say) -> Iterator[OnProgress]:
    """Bars with time left, achieved rate and failures; where *stream* is no terminal, *say* tells it."""
    console = Console(file=stream)
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=4, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def update(step: str, done_s: float, total_s: float, swarm: swarms.Progress | None) -> None:
            if not total_s:
                bars.console.print(step, highlight=False, markup=False)
                return
            note = ""
            if swarm is not None and done_s > 0:
                note = f"{swarm.requests / done_s:6.1f}/s  {swarm.requests} requests  {swarm.failures} failed"
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total_s, note=note)
                if bars.disable:
                    say(f"{step} for {total_s:g} s")
            bars.update(tasks[step], completed=done_s, note=note)
            if bars.disable and done_s >= total_s:
                say(f"{step}: done, {note.strip()}")

        yield update
