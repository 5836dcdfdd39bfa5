"""The Locust web UI with the workers of all zones, for a person to drive."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s.effects import Say
from k8s.topology import ServiceKey
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


def serve(
    platform: Platform,
    request: WebRequest,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    say: Say,
) -> None:
    """Returns after Ctrl-C, or when a worker is gone; the load generators have ended then."""
    swarm = platform.swarm(
        request.client, name=f"{int(clock()):x}", log_dir=request.logs, web_port=request.port
    )
    try:
        zones = ", ".join(sorted({tally.zone for tally in swarm.open()}))
        say(f"Locust web UI: {swarm.web_url} (workers in {zones}); Ctrl-C ends it")
        while not swarm.progress().lost:
            sleep(1.0)
        is_here = platform.place().platform == "lab"
        say(f"a worker is gone; see its log{f' in {request.logs}' if is_here else ''}")
    except KeyboardInterrupt:
        say("ending")
    finally:
        swarm.close()
