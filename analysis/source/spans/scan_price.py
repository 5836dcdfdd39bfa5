"""What looking through a log group costs: by the bytes that a query scans (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from analysis.source.interface import Answers, Raw
from k8s.model import figures

USD_PER_GB: Final = 0.005
"""CloudWatch's price list, Logs Insights queries, in most regions; 0.006 or more in some."""
_GB: Final = 1e9
_UNITS: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What queries looked through."""

    queries: int = 0
    records: int = 0
    bytes: int = 0

    @property
    def usd(self) -> float:
        """At the list price."""
        return self.bytes / _GB * USD_PER_GB

    def plus(self, other: "Scanned") -> "Scanned":
        """Both."""
        return Scanned(
            queries=self.queries + other.queries,
            records=self.records + other.records,
            bytes=self.bytes + other.bytes,
        )

    def __str__(self) -> str:
        return f"{size_text(self.bytes)}, {usd_text(self.usd)} at ${USD_PER_GB:g} a GB"


def of_pages(pages: Iterable[Raw]) -> Scanned:
    """Of one query, by the statistics on its pages: each page repeats those of the whole query."""
    found = {page.get("queryId"): page.get("statistics") or {} for page in pages}
    return Scanned(
        queries=len(found),
        records=sum(_count(one.get("recordsScanned")) for one in found.values()),
        bytes=sum(_count(one.get("bytesScanned")) for one in found.values()),
    )


def of_answers(answers: Answers) -> Scanned:
    """Of the last look of a run, by what ``graph.json`` keeps of it."""
    return of_pages(page for query in answers for page in query)


def size_text(length: float) -> str:
    """Bytes, rounded."""
    for unit, size in _UNITS:
        if length >= size:
            return f"{length / size:.3g} {unit}"
    return f"{length:.0f} bytes"


def usd_text(usd: float) -> str:
    """A price; one that rounds to nothing is said to be below a hundredth of a cent."""
    return figures.dollars(usd, 4)


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
