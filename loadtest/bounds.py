"""What numbers an artifact may hold: finite, not below zero where they count, not beyond anything real.

JSON has no bounds of its own, and a stored file may have been damaged or edited. What these functions let
through can be added up, multiplied and printed as a date without another check.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final

from k8s.topology import Snapshot
from loadtest.record import LoadSeen, RunRecord
from loadtest.worker.tally import WorkerTally

MOST: Final = 1e15
"""Of any number; a petabyte in a window is more than a machine sends, and floats still count in ones here."""
MOST_S: Final = 253_402_300_799.0
"""Of any number of seconds: the last one of the year 9999, the last that a date can be made of."""
MOST_BUCKET: Final = 4_000
"""Of a latency histogram; the middle of this one is a hundred million years."""
SIGNED: Final = frozenset({"seed", "seat", "step_s"})
"""Names of numbers that may be below zero: a seed, a step of the wall clock."""


def wrong_number(value: object, *, signed: bool = False) -> str | None:
    """The first number inside a value that nothing real could have, with its key and why; None without one.

    *signed*: numbers below zero are no fault, as of differences.
    """
    return next(_wrong(value, "", "", signed=signed), None)


def wrong_record(record: RunRecord) -> str | None:
    """What in a record cannot be, with its key; None where it could all have happened."""
    found = wrong_number(record)
    if found is not None:
        return found
    for key in ("warmup", "measured"):
        load: LoadSeen | None = getattr(record.seen, key)
        for at, worker in enumerate(load.workers if load else ()):
            if (why := _wrong_tally(worker)) is not None:
                return f"seen.{key}.workers[{at}].{why}"
    return None


def wrong_snapshot(snapshot: Snapshot) -> str | None:
    """What in a snapshot cannot be, with its key; None without it."""
    if (why := _why("taken_at_s", snapshot.taken_at_s, signed=False)) is not None:
        return f"taken_at_s {why}"
    numbers = [
        *(
            (f"nodes[{at}].cpu_allocatable_milli", one.cpu_allocatable_milli)
            for at, one in enumerate(snapshot.nodes)
        ),
        *((f"pods[{at}].restarts", one.restarts) for at, one in enumerate(snapshot.pods)),
    ]
    for at, one in enumerate(snapshot.slices):
        for number, endpoint in enumerate(one.endpoints):
            if not endpoint.addresses:
                return f"slices[{at}].endpoints[{number}].addresses is empty"
    return next((f"{key} {why}" for key, one in numbers if (why := _why(key, one, signed=False))), None)


def _wrong_tally(worker: WorkerTally) -> str | None:
    if worker.failures > worker.requests:
        return f"failures is {worker.failures}, of {worker.requests} requests"
    for name in ("latency", "latency_intended", "lateness"):
        if (most := max((index for index, _ in getattr(worker, name).counts), default=0)) > MOST_BUCKET:
            return f"{name}.counts has a bucket {_short(most)}, beyond anything real (at most {MOST_BUCKET})"
    for at, page in enumerate(worker.pages):
        if page.failures > page.requests:
            return f"pages[{at}].failures is {page.failures}, of {page.requests} requests"
    return None


def _wrong(value: Any, key: str, name: str, *, signed: bool) -> Iterator[str]:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        if (why := _why(name, value, signed=signed)) is not None:
            yield f"{key} {why}"
    elif isinstance(value, tuple):
        for at, one in enumerate(value):
            yield from _wrong(one, f"{key}[{at}]", name, signed=signed)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in _names(type(value)):
            yield from _wrong(getattr(value, one), f"{key}.{one}" if key else one, one, signed=signed)


@cache
def _names(kind: type) -> Sequence[str]:
    return tuple(one.name for one in fields(kind))


def _why(name: str, value: float, *, signed: bool) -> str | None:
    """Why a number cannot be; *name* tells seconds from counts."""
    most = MOST_S if name.endswith("_s") and not name.endswith("per_s") else MOST
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, no number"
    if value < 0 and not signed and name not in SIGNED:
        return f"is {value:g}, below zero" if isinstance(value, float) else f"is {_short(value)}, below zero"
    if abs(value) > most:
        return f"is {_short(value)}, beyond anything real (at most {most:g})"
    return None


def _short(value: float) -> str:
    """An integer may have thousands of digits, more than Python prints or a float holds."""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if abs(value) < 10**20 else f"a number of {value.bit_length()} bits"
