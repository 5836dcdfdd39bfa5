"""The lab brought up and taken down, as a person asks for it.

``k8s/lab/run/supervisor.py`` does it; a lab that is new or gone also makes old records of its Services void.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from k8s.effects import Say
from k8s.lab import state
from k8s.lab.design.settings import LabSettings
from k8s.lab.run import supervisor
from k8s.lab.state import LabState


class VoidableRecords(Protocol):
    """What Services had before they were changed; ``k8s/live/originals.py`` keeps it."""

    def forget_all(self, context: str) -> None:
        """Drop every record of a context: the place itself is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSession:
    """What bringing a lab up or down may use."""

    records: VoidableRecords
    say: Say
    monotonic: Callable[[], float]
    """Seconds that only go forward, for how long it took."""
    as_typed: Callable[[Path], Path] = lambda path: path
    """A path as a person would write it, e.g. relative to the folder they are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtUp:
    """A lab that is up."""

    state: LabState
    is_ours: bool
    """Whether it was started by this call; False where it was up already, perhaps with other settings."""


def bring_up(session: LabSession, settings: LabSettings) -> BroughtUp:
    """Start the lab that *settings* describe, unless there is one in its folder already.

    Raises what ``supervisor.up`` raises: UsageError, UnreachableError and KeyboardInterrupt; nothing of it
    runs any more then.
    """
    began_s = session.monotonic()
    try:
        made = supervisor.up(settings)
    except supervisor.AlreadyUpError as error:
        session.say(str(error))
        if settings.prometheus_scrape_s is not None and error.state.prometheus_url is None:
            session.say("it runs no Prometheus, and gets none while it is up")
        return BroughtUp(state=error.state, is_ours=False)
    session.records.forget_all(state.CONTEXT)
    session.say(f"the lab is up after {session.monotonic() - began_s:.1f} s: zones {', '.join(made.zones)}")
    if made.prometheus_url is not None:
        often_s = made.settings.prometheus_scrape_s
        session.say(f"Prometheus scrapes the relays every {often_s:g} s: {made.prometheus_url}")
    session.say(
        f"kubectl and the AWS CLI see it after: . {session.as_typed(made.state_dir / state.ENV_FILE)}"
    )
    return BroughtUp(state=made, is_ours=True)


def take_down(session: LabSession, state_dir: Path) -> bool:
    """Stop the lab of this folder; whether there was anything to stop or to clean up."""
    was_there = supervisor.down(state_dir)
    session.say("the lab is down" if was_there else "the lab is not up")
    session.records.forget_all(state.CONTEXT)
    return was_there
