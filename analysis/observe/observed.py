"""An observation as values: every pair that called in a window, and what a Service setting would change."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analysis.model import Cost, Dependency, PairResult
from k8s.topology import ServiceKey
from loadtest.record import Caveat, Window

SCHEMA: Final = 1
KIND: Final = "observed, not controlled"


class Lever(StrEnum):
    """Whether a setting of a Service can raise the same-zone share of a pair."""

    CAN = "can"
    REFUSED = "refused"
    """There are modes for it, and each is refused or would not be in force for these clients."""
    NO_GAIN = "no-gain"
    """Modes would be in force, and none keeps more of its calls in their zone than the present one does."""
    OUT_OF_REACH = "out-of-reach"
    """No setting of any Service has a part in where these calls go."""
    NOT_KNOWN = "not-known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why a mode would not do what it is for."""

    code: str
    """The doctor's, e.g. ``D21``; ``refused`` where the controller's own event says no."""
    text: str
    """One sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeOutlook:
    """What one routing mode would do to a pair."""

    mode: str
    share_low: float | None
    """Least predicted same-zone share of new connections, 0 to 1; None where none is established."""
    share_high: float | None
    """The greatest; differs only where the controller leaves it to chance."""
    hindrances: tuple[Hindrance, ...] = ()
    """None where it would be in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a Service setting would change for a pair."""

    lever: Lever
    why: str
    """One sentence."""
    service: str = ""
    """The Service before the callee's pods, ``namespace/name``; empty without one."""
    mode_now: str = ""
    best: str = ""
    """The mode that is predicted to keep most calls in their zone; empty where none helps."""
    modes: tuple[ModeOutlook, ...] = ()
    clients: str = ""
    """Whose connections the prediction is about."""
    notes: tuple[str, ...] = ()
    """What the prediction does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPair:
    """The calls of one workload to another."""

    result: PairResult
    client_namespaces: tuple[str, ...]
    """Where the caller's pods are; empty where nobody knows."""
    server_namespaces: tuple[str, ...]
    calls: int
    """All counted calls, unknown ones included."""
    calls_per_s: float
    """Counted calls over the length of the window."""
    cost: Cost
    request_gb_month: float | None
    """GB of requests that would cross zones in 30 days; None where no zone is known."""
    response_gb_month: float | None
    """GB of responses, the other way."""
    outlook: Outlook

    @property
    def usd_month(self) -> float | None:
        """Dollars in 30 days, both directions."""
        return None if self.cost.usd_per_month is None else self.cost.usd_per_month.estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredAt:
    """Requests that begin at a workload: nobody that is traced made them."""

    workload: str
    namespaces: tuple[str, ...]
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What was looked at; empty tuples are everything."""

    namespaces: tuple[str, ...] = ()
    """A pair is in scope whose client or server is in one of them."""
    services: tuple[ServiceKey, ...] = ()
    """A pair is in scope whose callee is behind one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything that was seen in a window; of pairs what costs most comes first."""

    schema: int = SCHEMA
    kind: str = KIND
    created_s: float
    window: Window
    platform: str
    """``lab``, ``cluster``, or ``files`` where nothing but files was read."""
    place: str
    """The kubeconfig context, or the files' names."""
    region: str
    zones: tuple[str, ...]
    source: str
    """Who counted the calls."""
    unit: str
    grain: str = "pod"
    """What the source names: ``pod``, ``workload`` or ``service``."""
    loss_meter: str = ""
    """By what the source tells its losses, in a clause."""
    queries: tuple[str, ...] = ()
    """What the source was asked, as it was sent."""
    scope: Scope
    reach: tuple[str, ...] = ()
    """Options that reach the place and the source again, as they are typed; empty in older files."""
    pairs: tuple[ObservedPair, ...]
    out_of_scope: int
    """Calls between pairs that were not asked for."""
    dependencies: tuple[Dependency, ...]
    entries: tuple[EnteredAt, ...]
    traces: int
    """Single traces that were read."""
    snapshots: int
    """How often the cluster was looked at."""
    caveats: tuple[Caveat, ...]
    versions: tuple[tuple[str, str], ...] = ()

    @property
    def calls(self) -> int:
        """All calls of the pairs in scope."""
        return sum(one.result.calls for one in self.pairs)

    def counted(self) -> tuple[int, int, int]:
        """Same-zone, cross-zone and unknown calls, unsampled ones with the unknown."""
        return (
            sum(one.result.same_zone for one in self.pairs),
            sum(one.result.cross_zone for one in self.pairs),
            sum(one.result.unknown + one.result.unsampled for one in self.pairs),
        )

    def usd_month(self, *levers: Lever) -> float:
        """Dollars in 30 days of the pairs with these answers, of all without one."""
        return sum(one.usd_month or 0.0 for one in self.pairs if not levers or one.outlook.lever in levers)
