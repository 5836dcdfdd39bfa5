"""X-Ray as a source: which queries answer which question."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from analysis.source.interface import Answers, Drawn, Patience, Question, Reader, Source
from analysis.source.xray import reader
from analysis.source.xray.client import XRay
from loadtest.record import Window

MOST_TRACE_IDS: Final = 20_000
"""Ids to draw the sample from; X-Ray charges for the traces that it looks through."""
SLICES: Final = 50
"""Parts of a window that holds more ids than that; of each as many are taken."""
PRICE: Final = "five a call, about 60 a second; $1 a million"
"""GetTraceSummaries scans and BatchGetTraces retrieves, each at $0.50 a million (X-Ray's price list)."""
LAB_PATIENCE: Final = Patience(
    poll_s=0.5, least_s=0.0, most_s=60.0, traces=1_000, still_s=10.0, most_traces=MOST_TRACE_IDS
)
CLOUD_PATIENCE: Final = Patience(
    poll_s=30.0,
    least_s=60.0,
    most_s=600.0,
    traces=500,
    still_s=180.0,
    most_traces=MOST_TRACE_IDS,
    price=PRICE,
)
"""X-Ray on AWS takes tens of seconds, and promises nothing; the stand-in takes none."""


class XRaySource(Source):
    """Counts from the service graph, a sample from the traces; five of them a call."""

    name = reader.NAME
    title = reader.TITLE

    def __init__(self, xray: XRay) -> None:
        """*xray* reads AWS or the lab's stand-in."""
        self._xray = xray

    @property
    def patience(self) -> Patience:
        """A stand-in shows what it was told at once."""
        return LAB_PATIENCE if self._xray.is_stand_in else CLOUD_PATIENCE

    @property
    def reader(self) -> Reader:
        """Reads graphs and trace documents."""
        return reader.XRayReader()

    def preflight(self) -> None:
        """Refuse where the graph would not be complete."""
        self._xray.preflight()

    def ask(self, question: Question) -> Answers:
        """GetServiceGraph: one tuple of pages a query."""
        return self._xray.graph(question.window)

    def sample(self, question: Question, most: int) -> Drawn:
        """Traces of the run and phase, or all others, or all there are, drawn from the whole window."""
        expression, whose = _wanted(question)
        ids, left_out = self._ids(question.window, expression, whose)
        return Drawn(rows=self._xray.traces(draw(ids, most, seed=_seed(question))), left_out=left_out)

    def _ids(
        self, window: Window, expression: str | None, whose: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All ids; of more than can be looked through, as many from each part of the window."""
        ids = self._xray.trace_ids(window, expression, limit=MOST_TRACE_IDS + 1)
        if len(ids) <= MOST_TRACE_IDS:
            return ids, ()
        parts = slices(window, SLICES)
        most = MOST_TRACE_IDS // len(parts)
        # A trace that begins on the border of two parts may be found in both.
        found = tuple(
            dict.fromkeys(one for part in parts for one in self._xray.trace_ids(part, expression, limit=most))
        )
        text = (
            f"X-Ray holds more than {MOST_TRACE_IDS} traces of {whose} in the window: those read were drawn "
            f"from {len(found)} of them, at most {most} of each of {len(parts)} equal parts of the window; "
            "the others were left out."
        )
        return found, (text,)


def _wanted(question: Question) -> tuple[str | None, str]:
    """The filter expression of a question, None for everything; and whose traces those are, in words."""
    if question.run_id is None:
        return None, "everybody"
    run_id, phase = quoted(question.run_id), quoted(question.phase)
    if question.others:
        return f"!annotation.run_id OR annotation.run_id != {run_id}", "others"
    return f"annotation.run_id = {run_id} AND annotation.phase = {phase}", "the run"


def _seed(question: Question) -> str:
    """The same question draws the same traces."""
    if question.run_id is not None:
        return question.run_id
    return f"{question.window.start_s}/{question.window.end_s}"


def quoted(text: str) -> str:
    """A text in a filter expression; ids of runs of today hold nothing to be escaped, older ones may."""
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def slices(window: Window, count: int) -> tuple[Window, ...]:
    """Cut a window into up to *count* parts, equal to the second: X-Ray is asked in whole seconds."""
    count = max(1, min(count, int(window.length_s)))
    step_s = window.length_s / count
    borders = [
        window.start_s,
        *(float(round(window.start_s + step_s * at)) for at in range(1, count)),
        window.end_s,
    ]
    return tuple(Window(start_s=start_s, end_s=end_s) for start_s, end_s in pairwise(borders))


def draw(ids: Sequence[str], count: int, *, seed: str) -> tuple[str, ...]:
    """*count* of the ids at random, the same ones each time; in the order given.

    X-Ray answers the newest first; a sample of those alone would see few calls of each connection's life.
    """
    if len(ids) <= count:
        return tuple(ids)
    chosen = random.Random(seed).sample(range(len(ids)), count)  # noqa: S311 - a sample, no secret
    return tuple(ids[index] for index in sorted(chosen))
