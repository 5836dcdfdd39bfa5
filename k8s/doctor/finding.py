"""A finding: what is wrong, how one sees it, what it means, and the smallest thing to do about it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")

MOST_SHOWN = 10
"""Objects listed one by one in evidence or in a command; the rest is counted."""


class Severity(StrEnum):
    """How bad it is; only a problem makes a Service unhealthy."""

    PROBLEM = "problem"
    """What was asked for is not in force, at least for some clients."""
    RISK = "risk"
    """In force, but not as one may think, or not for long."""
    NOTE = "note"
    """Good to know, or not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that was seen."""

    object: str
    """Kind and name, e.g. ``Node ip-10-0-1-7``."""
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One diagnosis."""

    code: str
    """``D00`` (as asked) to ``D51``."""
    severity: Severity
    evidence: tuple[Evidence, ...]
    meaning: str
    """One sentence."""
    fix: str
    """A command for a shell, words in capitals to be replaced; empty where nothing is to be done."""
    blocks_hints: bool
    """Whether the controller writes no hints, or takes them at its next look, while this lasts."""


def seen(subject: str, field: str, value: object) -> Evidence:
    """One piece of evidence."""
    return Evidence(object=subject, field=field, value=str(value))


def few(items: Sequence[T], show: Callable[[T], Evidence]) -> tuple[Evidence, ...]:
    """The first of a long list as evidence, and how many more there are."""
    shown = tuple(show(item) for item in items[:MOST_SHOWN])
    if len(items) <= MOST_SHOWN:
        return shown
    return (*shown, seen("and", "not shown", f"{len(items) - MOST_SHOWN} more"))


def names(of: Iterable[str]) -> str:
    """Names in one line, the first few of them."""
    every = list(of)
    more = f" and {len(every) - MOST_SHOWN} more" if len(every) > MOST_SHOWN else ""
    return ", ".join(every[:MOST_SHOWN]) + more
