"""What load is asked for: rate, users, pages and windows, and who sends which request when.

Pure arithmetic; the Locust workers and the tests call the same functions.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from k8s.errors import UsageError
from loadtest.worker.arrivals import ARRIVALS, EVEN, Profile, RateStep, WorkerShare, constant, shares
from loadtest.worker.target import Target

_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class IdSource:
    """Where values of ``{id}`` are found: in the answer of a page, by a regular expression or in its JSON."""

    page: str = ""
    """The name of that page; empty for no source."""
    regex: str = ""
    """Its group, or all that it matches where it has none."""
    json: str = ""
    """Keys from the root, e.g. ``items[].id``; ``[]`` stands for each item of a list."""

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.regex).groups
        except re.error as error:
            raise UsageError(f"load plan: regex {self.regex!r}: {error}") from error
        if groups > 1:
            raise UsageError(f"load plan: regex {self.regex!r} has {groups} groups; give it one, for the id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that shoppers open, with its weight in the mix.

    In headers and body ``${env:NAME}`` stands for a variable of the worker's environment: a page holds names
    of secrets, and never a secret.
    """

    name: str
    path: str
    """``{id}`` in it is replaced by one of the page's ids."""
    weight: int
    """0 for a page that is asked only for the ids of others."""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    """As it is sent, but for ``{id}`` and ``${env:NAME}``; empty for none."""
    is_json: bool = False
    """Whether the body is JSON, into whose strings values are put."""
    expected: tuple[int, ...] = ()
    """The statuses that are no failure; none given stands for every one below 400."""
    ids: tuple[str, ...] = ()
    source: IdSource = IdSource()
    """Where ids come from, where they are not given."""

    def is_fine(self, status: int) -> bool:
        """Whether an answer with that status is no failure."""
        return status in self.expected if self.expected else status < _BAD_REQUEST

    @property
    def wants_id(self) -> bool:
        """Whether an id has a place in it."""
        return "{id}" in self.path or "{id}" in self.body

    @property
    def id_source(self) -> IdSource | None:
        """Where its ids have to be learned; None where nothing is to be learned.

        A page that wants an id and tells neither ids nor a source is the store's product page.
        """
        if self.ids or not self.wants_id:
            return None
        return self.source if self.source.page else STORE_LINKS


STORE_LINKS = IdSource(
    page="catalog",
    regex=r"""href=["'](?:https?://[^/"']+)?/catalog/(?!search["'?#])([A-Za-z0-9][\w.-]*)["'?#]""",
)
"""The store's catalog page links to its products."""
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
    """Arrivals a second over all zones, shared evenly by the workers; the default is ``hey -c 10 -q 5``.

    Where there are ``steps``, their mean over the measured window, whatever is given.
    """
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
    steps: tuple[RateStep, ...] = ()
    """The rate over time, from the start of the warm-up and again of the measured window; none: constant."""
    arrivals: str = EVEN
    """One of ARRIVALS."""
    target: Target = field(default_factory=Target)
    """What is loaded; by default the client Service as seen from each worker's node."""
    locustfile: str = ""
    """Name and SHA-256 of the user's own locustfile, whose users send instead of ours; empty for ours."""

    def __post_init__(self) -> None:
        if self.arrivals not in ARRIVALS:
            raise UsageError(f"load plan: arrivals is {self.arrivals!r}; give {' or '.join(ARRIVALS)}")
        if self.steps and 0 < self.duration_s < math.inf:
            mean_per_s = Profile(self.steps).arrivals_until(self.duration_s) / self.duration_s
            object.__setattr__(self, "rate_per_s", mean_per_s)
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise UsageError(f"load plan: {name} is {value:g}; give a number from {least:g} to {most:g}")
        asked = {page.source.page for page in self.pages}
        if not any(page.weight for page in self.pages) or any(
            page.weight < (page.name not in asked) for page in self.pages
        ):
            raise UsageError(
                "load plan: pages must be a list of at least one page, each with a weight above 0 "
                "(or 0, where another page takes its ids from it)"
            )

    @property
    def profile(self) -> Profile:
        """The rate over time, of all zones together."""
        return Profile(self.steps) if self.steps else constant(self.rate_per_s)

    @property
    def is_closed_loop(self) -> bool:
        """Whether each user waits for its answer before it goes on: then nobody asks for a rate."""
        return bool(self.locustfile)

    @property
    def rate_asked_per_s(self) -> float | None:
        """Requests a second that were asked for; None where the users set the rate."""
        return None if self.is_closed_loop else self.rate_per_s

    def seats(self, count: int) -> tuple[WorkerShare, ...]:
        """The load split over so many seats."""
        return shares(self.profile, count, arrivals=self.arrivals, seed=self.seed)

    def due_per_s(self, seconds: float, seats: int) -> float:
        """The rate that the schedule asks for in a window's first *seconds*; by chance it is not the mean."""
        if seconds <= 0 or not seats or (self.arrivals == EVEN and not self.steps):
            return self.rate_per_s
        if self.arrivals == EVEN:
            return self.profile.arrivals_until(seconds) / seconds
        return sum(share.due(seconds) for share in self.seats(seats)) / seconds


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
