"""Bringing the lab up and down, and asking how it is: what the command line calls.

Light on purpose: what is heavy is imported by the process that ``up`` leaves behind
(``k8s/lab/run/zygote.py``).
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from k8s.errors import ExitCode, SamezoneError, UnreachableError, UsageError
from k8s.lab import state
from k8s.lab.design.settings import LabSettings, check
from k8s.lab.processes import ProcessId, end, identify, in_group, is_running
from k8s.lab.run import scraper
from k8s.lab.state import LabState, Phase
from k8s.process import interrupts

READY_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 10.0
_KILL_AFTER_S = 1.0


class AlreadyUpError(UsageError):
    """There is a lab in this folder already; *state* is its."""

    def __init__(self, found: LabState) -> None:
        super().__init__(
            f"the lab is already up: API server {found.api_url}, X-Ray {found.xray_url}; stop it with: "
            "samezone lab down"
        )
        self.state = found


class Health(StrEnum):
    """How the lab in a folder is."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    CRASHED = "crashed"
    """A process ended that it cannot do without; ``down`` cleans up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabStatus:
    """What ``samezone lab status`` tells."""

    health: Health
    state: LabState | None = None
    """None where the lab is down."""
    detail: str = ""
    """Why it crashed."""

    @property
    def ready_pods(self) -> int:
        """Pods that are ready."""
        return sum(pod.ready for pod in self.state.pods) if self.state else 0


def up(settings: LabSettings) -> LabState:
    """Start a lab and return once all of it works; what is left of a crashed one is cleaned up first.

    Raises AlreadyUpError, UsageError (settings, a taken port, Prometheus asked for and not installed),
    UnreachableError (it did not start; the message says why) and KeyboardInterrupt; after each of the last
    three nothing of it runs any more.
    """
    check(settings)
    if settings.prometheus_scrape_s is not None:
        scraper.program()
    state_dir = Path(settings.state_dir).absolute()
    settings = replace(settings, state_dir=str(state_dir))  # what is written there has to hold in any folder
    found = status(state_dir)
    if found.state is not None and found.health in {Health.UP, Health.STARTING}:
        raise AlreadyUpError(found.state)
    down(state_dir)
    _prepare(state_dir)
    with interrupts.held(), _zygote(settings) as messages:
        heard = _Heard()
        try:
            # What it says first, its process id, is awaited whatever comes: without it nobody could end it.
            heard.all_of(messages, until="pid")
            with interrupts.allowed():
                heard.all_of(messages, until="ready")
            if "ready" in heard.last:
                return state.load(state_dir)
        except BaseException:
            _finish(heard.supervisor, state_dir)
            raise
        _finish(heard.supervisor, state_dir)
    raise _failure(heard.last, state_dir)


@dataclass(slots=True)
class _Heard:
    """What the supervisor has told."""

    supervisor: ProcessId | None = None
    last: dict[str, object] = field(default_factory=dict)

    def all_of(self, messages: Iterator[dict[str, object]], *, until: str) -> None:
        """Listen until something of that name, an error, or the end."""
        if "error" in self.last:
            return
        for self.last in messages:
            if "pid" in self.last:
                self.supervisor = identify(int(str(self.last["pid"])))
            if until in self.last or "error" in self.last:
                return


def down(state_dir: Path) -> bool:
    """Stop the lab, also one that crashed; whether there was anything to stop or to clean up."""
    found = state.read(state_dir)
    if found is None:
        return False
    with interrupts.held():  # half a lab is no use to anybody
        _finish(found.supervisor, state_dir)
    return True


def status(state_dir: Path) -> LabStatus:
    """How the lab in this folder is."""
    found = state.read(state_dir)
    if found is None:
        return LabStatus(health=Health.DOWN)
    if found.crash is not None:
        return LabStatus(health=Health.CRASHED, state=found, detail=str(found.crash))
    if not is_running(found.supervisor):
        detail = f"the supervisor (process {found.supervisor.pid}) is gone"
        return LabStatus(health=Health.CRASHED, state=found, detail=detail)
    health = Health.STARTING if found.phase is Phase.STARTING else Health.UP
    return LabStatus(health=health, state=found)


def _prepare(state_dir: Path) -> None:
    """Make the folders."""
    try:
        (state_dir / state.LOG_DIR).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"starting the lab: cannot write to {state_dir}: {error.strerror}") from error


@contextlib.contextmanager
def _zygote(settings: LabSettings) -> Iterator[Iterator[dict[str, object]]]:
    """Start the process that leaves the supervisor behind; yields what the supervisor tells."""
    read, write = os.pipe()
    # What the user's shell says of tracing and proxies is meant for other programs.
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("OTEL_") and not name.lower().endswith("_proxy")
    }
    with (Path(settings.state_dir) / state.LOG_DIR / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "k8s.lab.run.zygote", state.encode_settings(settings), str(write)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            pass_fds=(write,),
            start_new_session=True,
            umask=0o077,  # logs, sockets and state are their owner's
        )
    os.close(write)
    try:
        yield _messages(read, READY_DEADLINE_S + (settings.prometheus_scrape_s or 0.0))
    finally:
        os.close(read)
        if process.poll() is None:
            process.kill()
        process.wait()


def _messages(descriptor: int, deadline_s: float) -> Iterator[dict[str, object]]:
    """JSON objects, one a line, until the other end is closed; UnreachableError when it takes too long."""
    until_s = time.monotonic() + deadline_s
    rest = b""
    while True:
        left_s = until_s - time.monotonic()
        if left_s <= 0 or not select.select((descriptor,), (), (), left_s)[0]:
            raise UnreachableError(
                f"starting the lab: it is not ready after {deadline_s:.0f} s; see its logs"
            )
        chunk = os.read(descriptor, 4096)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines)


def _failure(last: dict[str, object], state_dir: Path) -> SamezoneError:
    """Why there is no lab: the supervisor's own words, or the last of its log if it found none."""
    if "error" in last:
        kind = UsageError if last["exit_code"] == ExitCode.USAGE else UnreachableError
        return kind(str(last["error"]))
    log = state_dir / state.LOG_DIR / "supervisor.log"
    lines = " | ".join(state.last_lines(log, 1))
    return UnreachableError(f"starting the lab: its supervisor ended ({lines}); see {log}")


def _finish(supervisor: ProcessId | None, state_dir: Path) -> None:
    """End the supervisor, then whatever of its processes is still there, and forget the lab."""
    if supervisor is None:
        return
    found = state.read(state_dir)
    is_its = found is not None and found.supervisor == supervisor
    known = tuple(child.process for child in found.children) if found is not None and is_its else ()
    # While one of them runs, the number of their group cannot be used again: the group is the lab's.
    group_is_ours = any(is_running(process) for process in (supervisor, *known))
    end((supervisor,), deadline_s=_STOP_DEADLINE_S)
    left = {process.pid: process for process in known}
    if group_is_ours:
        left |= {process.pid: process for process in in_group(supervisor.pid)}
    end(tuple(left.values()), deadline_s=_KILL_AFTER_S)
    if is_its:
        state.remove(state_dir)
