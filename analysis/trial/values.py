"""An experiment as values: arms measured in interleaved blocks, what each showed, and the verdict.

``trial.json`` is a ``Trial``; the reports render it and compute nothing.
"""

from dataclasses import dataclass

from analysis.model import Cost, Workload
from analysis.statistics.interval import Interval
from analysis.statistics.sequential import Action
from analysis.statistics.tournament import Standing
from analysis.verdict.judged import Decision, Effects, Null, Verdict
from loadtest.record import Breach, Caveat, Traffic
from loadtest.worker.plan import LoadPlan

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockWindow:
    """One arm, measured once."""

    block: int
    """1, 2, ... in the order of the experiment; 0 for the windows of the null pairs."""
    arm: str
    """The routing mode."""
    folder: str
    """Of its run, relative to the experiment's folder."""
    start_s: float
    share: Interval
    design_effect: float
    calls: int
    unknown: int
    requests: int
    failures: int
    rate_per_s: float
    p99_s: float | None
    """Of single calls, both kinds; None with too few of them sampled."""
    cost: Cost | None
    failed_gates: tuple[str, ...]
    source: str = "X-Ray"
    """Who counted the calls."""
    unit: str = "requests"
    """What was counted."""
    grain: str = "pod"
    """Between what."""
    loss_meter: str = ""
    """By what the source tells its losses, in a clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTaken:
    """One look at the running experiment."""

    after_blocks: int
    interval: Interval
    """Of the share gained; holds at this look and all others at once."""
    boundary_z: float
    action: Action
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One candidate against the reference arm."""

    arm: str
    effects: Effects
    gain: Interval
    """Of the same-zone share, adjusted for every look taken."""
    looks: tuple[LookTaken, ...]
    verdict: Verdict
    p99_s: float | None
    """The candidate's p99 over all its windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherPair:
    """Another pair under test: the mode was set on its Service, too, in the same windows."""

    service: str
    """``namespace/name``."""
    client: Workload
    server: Workload
    null: Null | None
    contests: tuple[Contest, ...]
    """Looked at when the first pair was."""

    @property
    def title(self) -> str:
        """Who calls whom."""
        return f"{self.client} to {self.server}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What was planned, from the null pairs' own figures."""

    blocks: int
    block_s: float
    """Measured seconds of one arm in one block."""
    looks_after: tuple[int, ...]
    """Blocks after which the experiment may stop."""
    wanted_half_width: float
    """Of the share's difference."""
    expected_half_width: float
    design_effect: float
    fixed_run_s: float | None
    """Seconds of an uninterrupted run of each arm with that half-width; None: more than a day."""
    hour_half_width: float
    """What a fixed run of sixty minutes an arm would have given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What measuring itself took."""

    seconds: float
    """From the first change to the last restore."""
    traces: int
    usd: float
    """For the traces, at X-Ray's list price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An experiment from its first window to its verdict."""

    schema: int = SCHEMA
    created_s: float
    platform: str
    context: str
    region: str
    zones: tuple[str, ...]
    service: str
    """``namespace/name``."""
    client: str
    plan: LoadPlan
    """Of one window."""
    arms: tuple[str, ...]
    """Routing modes, the reference first."""
    order: tuple[tuple[str, ...], ...]
    """The arms of each block, in the order they were measured; what was not measured any more is left out."""
    planned: Planned | None
    """None where it ended before there was anything to plan from."""
    null: Null | None
    windows: tuple[BlockWindow, ...]
    contests: tuple[Contest, ...]
    """One for each arm but the first; none where it ended before any block was whole."""
    standing: Standing | None
    """With three or more arms."""
    decision: Decision
    """Of two arms their contest's; of more: pass if the chosen mode passes. Of several pairs under test the
    worst one's."""
    reasons: tuple[str, ...]
    advice: str = ""
    """What to do, in one line, where it is invalid or inconclusive; empty in older files."""
    stopped: str
    """Why it ended when it did, in a clause."""
    measuring: Measuring
    versions: tuple[tuple[str, str], ...]
    caveats: tuple[Caveat, ...]
    further: tuple[FurtherPair, ...] = ()
    """Where several Services had the mode; *service*, *contests* and *windows* are of the first one."""
    traffic: Traffic = Traffic.DRIVEN
    """With live traffic nothing of *plan* counts but its lengths."""
    breach: Breach | None = None
    """The guard that ended it, under live traffic."""
    is_interrupted: bool = False
    """Whether it ended before its plan or its stopping rule said so; it can be gone on with."""

    @property
    def source(self) -> str:
        """Who counted in every window, by title; X-Ray where there is none."""
        return next((one.source for one in self.windows), "X-Ray")

    @property
    def unit(self) -> str:
        """What was counted in every window; requests where there is none."""
        return next((one.unit for one in self.windows), "requests")
