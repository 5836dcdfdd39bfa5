"""Two arms and what is made of them, as values.

``comparison.json`` is a ``Comparison``; the report renders it and computes nothing. History of its schema:

1. first version; later with ``expectation``, then ``effects`` and ``verdict``, then ``dependencies``,
   ``source`` and ``unit`` of an arm, then ``unsampled``, ``outside``, ``tracing_rate`` and ``other``;
   then ``further``; absent in older files.
"""

from dataclasses import dataclass

from analysis.model import ArmResult, Workload
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Decision, Effects, Verdict, worst
from loadtest.record import Caveat
from loadtest.worker.plan import LoadPlan

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PairChange:
    """Candidate minus baseline for one workload pair."""

    client: Workload
    server: Workload
    share: Interval | None
    """Difference of the same-zone shares (a fraction; times 100 for percentage points)."""
    changed: bool
    """The interval excludes zero."""
    usd_per_month: Interval | None
    mean_s: Interval | None
    """Difference of the mean response time over all calls of the pair, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two arms of one place under one load."""

    schema: int = SCHEMA
    created_s: float
    platform: str
    context: str
    zones: tuple[str, ...]
    service: str
    """``namespace/name`` of the Service whose routing was changed."""
    plan: LoadPlan
    focus: tuple[Workload, Workload]
    """The pair the question is about, e.g. (ui, catalog)."""
    baseline: ArmResult
    candidate: ArmResult
    changes: tuple[PairChange, ...]
    versions: tuple[tuple[str, str], ...]
    caveats: tuple[Caveat, ...]
    effects: Effects | None = None
    """What changed for the focus pair, by the unit of chance: the connection, or the client pod."""
    verdict: Verdict | None = None
    """Of the focus pair."""
    further: tuple["Comparison", ...] = ()
    """The same for each further Service that had the mode, and who calls it; only of that pair."""

    @property
    def each(self) -> tuple["Comparison", ...]:
        """One for each pair under test, the one that the load's client makes first."""
        return (self, *self.further)

    @property
    def decision(self) -> Decision | None:
        """Over all pairs under test: the worst one; None where nothing was judged."""
        made = [one.verdict.decision for one in self.each if one.verdict is not None]
        return worst(made) if made else None
