"""The Locust web UI with the workers of all zones, as long as a person wants it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from k8s.effects import Say
from k8s.errors import SamezoneError
from k8s.process import interrupts
from k8s.topology import ServiceKey
from loadtest.swarm.interface import BUSY, Progress, Swarm
from loadtest.swarm.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A web UI to be shown."""

    client: ServiceKey
    """The Service whose pods the workers call."""
    port: int
    """0: any free one."""
    logs: Path
    """Folder for the load generators' logs, where they run on this machine."""


class Beside(Protocol):
    """What goes on beside the web UI; ``ZonesTab`` does."""

    def begin(self) -> None:
        """The web UI is there."""

    def look(self, swarm: Swarm, progress: Progress) -> None:
        """A second has passed."""

    def end(self) -> None:
        """Put back what was changed, write down what was begun; raises what could not be done."""


def serve(
    platform: Platform,
    request: WebRequest,
    *,
    beside: Beside,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    say: Say,
) -> None:
    """Returns after Ctrl-C, once the UI is there; a load, the load generators and *beside* have ended then.

    A worker that is lost is told, and so is its replacement. SamezoneError where it cannot be replaced, or
    where the master is gone.
    """
    swarm = platform.swarm(
        request.client, name=f"{int(clock()):x}", log_dir=request.logs, web_port=request.port
    )
    with interrupts.held():
        try:
            with interrupts.allowed():
                zones = ", ".join(sorted({tally.zone for tally in swarm.open()}))
            beside.begin()
            # Before a person knows the address: a load that is there already is somebody else's.
            missed = _look(swarm, beside, frozenset(), say)
            say(f"Locust web UI: {swarm.web_url} (workers in {zones}); Ctrl-C ends it")
            _watch(swarm, beside, missed, sleep, say)
        finally:
            try:
                _still(swarm, say)
            finally:
                try:
                    beside.end()
                finally:
                    swarm.close()


def _watch(
    swarm: Swarm, beside: Beside, missed: frozenset[str], sleep: Callable[[float], None], say: Say
) -> None:
    """Look once a second, until Ctrl-C; what *beside* begins it also ends."""
    try:
        while True:
            with interrupts.allowed():
                sleep(1.0)
            missed = _look(swarm, beside, missed, say)
    except KeyboardInterrupt:
        say("ending")


def _look(swarm: Swarm, beside: Beside, missed: frozenset[str], say: Say) -> frozenset[str]:
    """See how the swarm is, tell what changed, let *beside* look; who is missed now."""
    with interrupts.allowed():
        progress = swarm.progress()
    missed = _tell(missed, progress, say)
    beside.look(swarm, progress)
    return missed


def _still(swarm: Swarm, say: Say) -> None:
    """Stop a load that a person left running: nobody watches it any more, and its mode is about to change.

    Where nobody can be asked, the workers stop by themselves once they miss their master.
    """
    with suppress(SamezoneError):
        progress = swarm.progress()
        if progress.state in BUSY and progress.order is not None and progress.order.is_from_ui:
            say("stopping the load")
            swarm.stop()


def _tell(missed: frozenset[str], progress: Progress, say: Say) -> frozenset[str]:
    """Say who is lost and who is back since those in *missed* were; who is missed now."""
    lost = frozenset(progress.lost)
    for name in sorted(lost - missed):
        say(f"worker {name} is lost; its zone's load is missing until it is replaced")
    back = {loss.worker: loss for loss in progress.losses if loss.back_s}
    for name in sorted(missed - lost):
        loss = back.get(name)
        if loss is None:
            say(f"worker {name} is there again")
        else:
            by = "" if loss.replaced_by in {"", name} else f", now {loss.replaced_by}"
            say(
                f"worker {name} of {loss.zone} is back after {loss.back_s - loss.lost_s:.1f} s{by}; "
                f"{loss.missing} requests are missing"
            )
    return lost
