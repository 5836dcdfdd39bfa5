"""What the Zones tab shows of live traffic, and what a person asks for there, as values.

Whoever runs ``samezone web`` reads the source of calls and the cluster, hands the master a ``LiveView`` every
second, and gets the ``Wish`` in return that was made in the tab since. The master itself reads neither: in a
cluster its pod has no right to.
"""

from dataclasses import dataclass

LIVE_PATH = "/samezone/live"
"""Where the master takes a LiveView; its answer is a ``Handover``."""
PUT_BACK = ""
"""The mode of a wish to give the Service back what it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSlice:
    """The calls of a few seconds."""

    start_s: float
    """Seconds since the epoch, as all times here."""
    end_s: float
    same: int
    cross: int
    unknown: int
    """Calls of which a zone is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeMark:
    """The mode of the Service changed, whoever changed it."""

    at_s: float
    """When it was seen."""
    before: str
    mode: str
    is_elsewhere: bool = False
    """No button of the tab did it, but somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneFlow:
    """Calls from one zone to another; empty is a zone that is not known."""

    client_zone: str
    server_zone: str
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointShare:
    """Calls that one endpoint took."""

    pod: str
    zone: str
    """Empty where it is not known."""
    calls: int
    times_mean: float
    """Its calls over the mean of all endpoints; 1 is an even load."""
    is_hot: bool
    """Above the guard rail, and by more than chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedShare:
    """The same-zone share that a mode is predicted to give, 0 to 1; it is no observation."""

    mode: str
    low: float
    high: float
    """Differs from *low* where the controller leaves it to chance."""
    against: str
    """Why the mode would not be in force, a sentence; empty where it would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsNow:
    """The calls of the newest seconds under the mode in force, as the source counted them."""

    start_s: float = 0.0
    end_s: float = 0.0
    same: int = 0
    cross: int = 0
    unknown: int = 0
    reasons: tuple[str, ...] = ()
    """Why zones are not known, most calls first."""
    flows: tuple[ZoneFlow, ...] = ()
    endpoints: tuple[EndpointShare, ...] = ()
    """Empty where the source names no pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveView:
    """Everything the tab shows besides what the load generators say."""

    service: str
    """``namespace/name``, as *client*."""
    client: str
    source: str = ""
    """Who counts the calls, for people; empty before it was reached."""
    usual_s: float = 0.0
    """How old its newest calls are at most, as long as nothing is wrong; 0 before it was reached."""
    unit: str = "requests"
    """What is counted."""
    sent_s: float = 0.0
    """When this was handed over."""
    slices: tuple[ShareSlice, ...] = ()
    """Oldest first."""
    now: CallsNow = CallsNow()
    """Without a call where none was seen lately."""
    predicted: tuple[PredictedShare, ...] = ()
    mode: str = ""
    """The one in force; empty before it was read."""
    marks: tuple[ModeMark, ...] = ()
    problems: tuple[str, ...] = ()
    """What cannot be shown now, and why: a sentence each."""
    modes: tuple[str, ...] = ()
    """Those that can be asked for."""
    may_change: bool = False
    """Whether wishes are granted."""
    why_not: str = ""
    """Why they are not."""
    busy: str = ""
    """What is being done for a wish; empty for nothing."""
    said: str = ""
    """How the last wish ended."""
    run: str = ""
    """The run folder of the load that runs, or of the last one; a clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asked for in the tab."""

    mode: str
    """PUT_BACK, or the mode's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The master's answer to a LiveView."""

    wishes: tuple[Wish, ...] = ()
    """Made since the last one; each is told once."""
