"""What load is asked for: rate, users, pages and windows, and who sends which request when.

Pure arithmetic; the Locust workers and the tests call the same functions.
"""

import math
from dataclasses import dataclass
from typing import Any

from k8s.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the store that shoppers open, with its weight in the mix."""

    name: str
    path: str
    """``{id}`` in it is replaced by a product id of the catalog."""
    weight: int


DEFAULT_PAGES = (
    Page(name="home", path="/home", weight=2),
    Page(name="catalog", path="/catalog", weight=1),
    Page(name="product", path="/catalog/{id}", weight=2),
)


_BOUNDS: dict[str, tuple[float, float]] = {
    "rate_per_s": (0.01, 100_000),
    "users": (1, 100_000),
    "warmup_s": (0, 3600),
    "duration_s": (0.5, 24 * 3600),
    "quiet_s": (0, 3600),
    "requests_per_connection": (1, 1_000_000),
    "timeout_s": (0.001, 3600),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """The load of one arm. Two arms are comparable only if their plans are equal."""

    rate_per_s: float = 50.0
    """Arrivals a second over all zones, shared evenly by the workers; the default is ``hey -c 10 -q 5``."""
    users: int = 12
    """Locust users over all workers: the most requests that can be in flight."""
    warmup_s: float = 5.0
    duration_s: float = 40.0
    """Length of the measured window."""
    quiet_s: float = 1.5
    """Silence before and after the measured window, so that no call straddles its borders."""
    requests_per_connection: int = 1
    """A user opens a new connection to the UI after so many requests: kube-proxy chooses per connection."""
    timeout_s: float = 10.0
    seed: int = 1
    pages: tuple[Page, ...] = DEFAULT_PAGES

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise UsageError(f"load plan: {name} is {value:g}; give a number from {least:g} to {most:g}")
        if not self.pages or any(page.weight <= 0 for page in self.pages):
            raise UsageError(
                "load plan: pages must be a list of at least one page, each with a weight above 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerShare:
    """One worker's part of the plan: an absolute schedule of arrivals."""

    rate_per_s: float
    phase_s: float
    """Offset of the first arrival, so that the workers' arrivals interleave instead of firing in step."""

    def intended_s(self, slot: int) -> float:
        """Seconds after the start at which arrival number *slot* (0, 1, ...) is due."""
        return self.phase_s + slot / self.rate_per_s

    def due(self, elapsed_s: float) -> int:
        """How many arrivals are due within *elapsed_s* seconds after the start; the next slot's number."""
        return max(0, math.floor((elapsed_s - self.phase_s) * self.rate_per_s) + 1)


def shares(plan_rate_per_s: float, workers: int) -> tuple[WorkerShare, ...]:
    """Split a rate over *workers*: equal rates, phases spread so that the sum is evenly spaced."""
    each = plan_rate_per_s / workers
    return tuple(WorkerShare(rate_per_s=each, phase_s=index / plan_rate_per_s) for index in range(workers))


def users_of_seats(users: int, seats: int) -> tuple[int, ...]:
    """Split a number of users over seats as evenly as can be, the first ones get what is left over."""
    each, more = divmod(users, seats)
    return tuple(each + (seat < more) for seat in range(seats))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where two plans differ; the comparison refuses to go on."""

    name: str
    left: Any
    right: Any


def differences(left: LoadPlan, right: LoadPlan) -> tuple[Difference, ...]:
    """Name every field in which two plans differ; empty when the arms saw the same load."""
    return tuple(
        Difference(name=name, left=getattr(left, name), right=getattr(right, name))
        for name in LoadPlan.__dataclass_fields__
        if getattr(left, name) != getattr(right, name)
    )
