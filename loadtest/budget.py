"""What a run asks of X-Ray: segments a second against the region's quota, and money for the traces.

Figures of AWS, 2026: quota "Segments per second" 2,600 a region, not adjustable (AWS General Reference,
X-Ray endpoints and quotas); $5.00 per million traces recorded, the first 100,000 a month free (X-Ray pricing,
us-east-1).
"""

from dataclasses import dataclass, replace
from typing import Final

from k8s.errors import UsageError
from k8s.model import figures
from loadtest.worker.plan import DEFAULT_PAGES, LoadPlan, Page

SEGMENTS_A_SECOND: Final = 2600
SHARE: Final = 0.6
"""Of the quota that a run may take: what comes above is dropped without a word, and others trace, too."""
DOLLARS_A_TRACE: Final = 5.0 / 1_000_000
_STORE_CALLS: Final = {"home": 2, "catalog": 3, "product": 1}
CALLS: Final = {page.path: _STORE_CALLS[page.name] for page in DEFAULT_PAGES}
"""Calls from ui to catalog for one page of the retail store, by path."""
UNKNOWN_CALLS: Final = 3
"""For a page of another app: as many as the store makes at most."""
_OWN: Final = 3
"""Documents of a page besides its calls: the worker's segment and its call, and the ui's segment."""
_PER_CALL: Final = 2
"""The caller's subsegment and the callee's segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one run costs."""

    segments_per_s: float
    traces: int
    """Traces recorded: one a request, warm-up included."""
    dollars: float
    """At the list price, without the free ones."""
    assumed: bool = False
    """The calls that a request makes are not known for some of the pages."""

    def __str__(self) -> str:
        return (
            f"about {self.segments_per_s:.0f} segments/s of {SEGMENTS_A_SECOND:,}{self.assumption}, "
            f"{self.traces:,} traces ({figures.dollars(self.dollars)})"
        )

    @property
    def assumption(self) -> str:
        """What the figures stand on where fan-out is not known, in brackets; else empty."""
        return f" (if a request makes {UNKNOWN_CALLS} calls: its fan-out is not known)" * self.assumed


def budget(plan: LoadPlan) -> Budget:
    """The budget of a plan."""
    traces = round(plan.rate_per_s * (plan.warmup_s + plan.duration_s))
    return Budget(
        segments_per_s=plan.profile.peak_per_s * documents_per_request(plan),
        traces=traces,
        dollars=traces * DOLLARS_A_TRACE,
        assumed=any(_calls(page) is None for page in plan.pages),
    )


def documents_per_request(plan: LoadPlan) -> float:
    """Segments and subsegments that one request of the page mix leaves, on average."""
    weight = sum(page.weight for page in plan.pages)
    calls = (
        sum(
            page.weight * (UNKNOWN_CALLS if (known := _calls(page)) is None else known) for page in plan.pages
        )
        / weight
    )
    return _OWN + _PER_CALL * calls


def _calls(page: Page) -> int | None:
    """Calls that a page of the store makes; None for any other page."""
    is_store = any(page == replace(one, weight=page.weight) for one in DEFAULT_PAGES)
    return CALLS[page.path] if is_store else None


def check(plan: LoadPlan) -> Budget:
    """The budget; UsageError for more segments than X-Ray would keep."""
    found, peak_per_s = budget(plan), plan.profile.peak_per_s
    most = SHARE * SEGMENTS_A_SECOND
    if found.segments_per_s > most:
        fits = int(most / documents_per_request(plan))
        raise UsageError(
            f"planning {peak_per_s:g} requests/s: they leave about {found.segments_per_s:.0f} X-Ray "
            f"segments/s{found.assumption}, and X-Ray drops what exceeds {SEGMENTS_A_SECOND:,} a region "
            f"(others trace, too, so a run may take {figures.round_percent(SHARE)}); "
            f"give --rate {fits} or less"
        )
    return found
