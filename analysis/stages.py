"""How far a run folder has come, and the command that takes it on from there: one answer for all verbs.

Every command is complete, so that it works as it is printed.
"""

import shlex
from enum import StrEnum
from typing import Final

from loadtest.asking import rate_text
from loadtest.record import RunRecord, RunStatus
from loadtest.worker.plan import LoadPlan


class Stage(StrEnum):
    """What a run folder holds."""

    UNMEASURED = "it measured nothing"
    MEASURED = "it is not collected yet"
    COLLECTED = "it is not compared yet"
    JUDGED = "it is compared"


COLLECT: Final = "samezone collect RUN"
"""As it is said where nobody knows the folder yet; ``of_run`` puts the real one in."""
AGAIN: Final = f"collect again: {COLLECT}"
_OPTIONS: Final = {
    "users": "users",
    "warmup": "warmup_s",
    "duration": "duration_s",
    "seed": "seed",
    "arrivals": "arrivals",
}
"""Options of a load, and what they are in its plan."""


def of_run(text: str, folder: str) -> str:
    """What is advised, of this run folder."""
    return text.replace(COLLECT, _typed("samezone", "collect", folder))


def of_observation(text: str) -> str:
    """The same where there is no run to collect: what was looked at is looked at again."""
    return text.replace(AGAIN, "observe again")


def stage_of(record: RunRecord, *, is_collected: bool, is_judged: bool) -> Stage:
    """By its record, and by whether there are a graph and a comparison beside it."""
    if record.measured is None or record.seen.measured is None:
        return Stage.UNMEASURED
    if not is_collected:
        return Stage.MEASURED
    return Stage.JUDGED if is_judged else Stage.COLLECTED


def next_step(folder: str, record: RunRecord, stage: Stage, *, baseline: str | None) -> str:
    """The command; *baseline* is a run that this one can be compared with, None where there is none."""
    match stage:
        case Stage.UNMEASURED:
            return measuring(record)
        case Stage.MEASURED:
            return _typed("samezone", "collect", folder)
        case Stage.JUDGED:
            return _typed("samezone", "report", folder)
        case Stage.COLLECTED if record.asked.mode == "off":
            # It is a baseline: what is missing is something to compare with it.
            return measuring(record, mode="tar")
        case Stage.COLLECTED if baseline is None:
            return measuring(record, mode="off")
        case Stage.COLLECTED:
            return _typed("samezone", "compare", str(baseline), folder)


def measuring(record: RunRecord, *, mode: str | None = None) -> str:
    """Measure a run's load once more, or the same load under another *mode*."""
    asked, place = record.asked, record.place
    where = () if place.platform == "lab" else ("--platform", place.platform, "--context", place.context)
    plain = LoadPlan()
    load: list[str] = []
    for option, name in _OPTIONS.items():
        value = getattr(asked.plan, name)
        if value != getattr(plain, name):
            load += (f"--{option}", f"{value:g}" if isinstance(value, float) else str(value))
    rate = rate_text.rate_of(asked.plan)
    if rate != rate_text.rate_of(plain):
        load[:0] = ("--rate", str(rate))
    if asked.plan.pages != plain.pages:
        load += ("--pages", "PAGES.yaml")
    if asked.plan.is_closed_loop:
        load += ("--locustfile", asked.plan.locustfile.partition(" ")[0])
    if asked.is_live:
        load = ["--traffic", "live", "--arms", f"off,{mode or asked.mode}"]
    who = [word for key in asked.services for word in ("--service", str(key))]
    who += [word for key in (asked.client, *asked.callers) for word in ("--client", str(key))]
    verb = ("experiment",) if asked.is_live else ("run", mode or asked.mode)
    return _typed("samezone", *verb, *who, *where, *load)


def why_unmeasured(record: RunRecord) -> str:
    """In a clause."""
    ended = "cut off" if record.status is RunStatus.RUNNING else record.status.value
    return f"it was {ended} before it measured anything"


def _typed(*words: str) -> str:
    return shlex.join(words)
