"""A swarm of processes on this machine: one Locust master and one worker a placement.

This file and what it imports load neither Locust nor gevent, which would patch the caller's sockets.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from k8s.errors import SamezoneError, UnreachableError, UsageError
from loadtest.swarm.interface import Phase, Progress
from loadtest.swarm.locust_master import LocustMaster
from loadtest.worker.placement import WorkerPlacement, to_environment
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally

LOOPBACK = "127.0.0.1"
_OPEN_S = 30.0
_POLL_S = 0.05
_END_S = 8.0
_LOCUSTFILE = Path(__file__).parents[1] / "worker" / "locustfile.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A process of the swarm."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]


class LocalSwarm:
    """Implements Swarm; nothing runs before ``open`` and nothing is left after ``close``."""

    def __init__(self, workers: tuple[WorkerPlacement, ...], log_dir: Path, web_port: int = 0) -> None:
        """*web_port* 0 takes a free one. Log files are ``locust-master.log`` and ``<pod>.log``."""
        if not workers:
            raise UsageError("a swarm needs at least one worker")
        self._workers = workers
        self._log_dir = log_dir
        self._web_port = web_port
        self._members: list[_Member] = []
        self._master: LocustMaster | None = None

    @property
    def web_url(self) -> str:
        """Where the Locust web UI is."""
        return self._running().web_url

    def open(self) -> tuple[WorkerTally, ...]:
        """Start everything and wait for the workers; one zeroed tally a worker.

        UsageError when the web port is taken, UnreachableError when a process ends or does not get ready;
        nothing is left running then.
        """
        if self._members:
            raise UsageError("the swarm is open already")
        web_port = _usable_port(self._web_port)
        rpc_port = _usable_port(0)
        try:
            self._log_dir.mkdir(parents=True, exist_ok=True)
            self._start_master(web_port, rpc_port)
            for worker in self._workers:
                self._start_worker(worker, rpc_port)
            master = LocustMaster(
                f"http://{LOOPBACK}:{web_port}", expect=[worker.pod for worker in self._workers]
            )
            self._await_workers(master)
        except OSError as error:
            self.close()
            raise UnreachableError(f"starting Locust with its logs in {self._log_dir}: {error}") from error
        except BaseException:
            self.close()
            raise
        self._master = master
        return master.tallies()

    def start(self, plan: LoadPlan, *, run_id: str, phase: Phase) -> None:
        """Begin to send requests; counters start from zero; returns when the first one is due."""
        self._running().start(plan, run_id=run_id, phase=phase)

    def progress(self) -> Progress:
        """Where it stands; a worker whose process ended counts as lost at once."""
        seen = self._running().progress()
        ended = {member.name for member in self._members if member.process.poll() is not None}
        return replace(seen, lost=tuple(sorted(ended.union(seen.lost))))

    def stop(self) -> None:
        """Stop sending, let requests in flight end, wait until every span is delivered or dropped."""
        self._running().stop()

    def tallies(self) -> tuple[WorkerTally, ...]:
        """What each worker did since ``start``; complete after ``stop``."""
        return self._running().tallies()

    def close(self) -> None:
        """End all processes: workers first, so that none of them waits for a master; safe to call twice."""
        for member in reversed(self._members):
            _signal(member, signal.SIGTERM)
        deadline_s = time.monotonic() + _END_S
        for member in self._members:
            with suppress(subprocess.TimeoutExpired):
                member.process.wait(max(0.0, deadline_s - time.monotonic()))
        for member in self._members:
            _signal(member, signal.SIGKILL)
            member.process.wait()
        self._members.clear()
        self._master = None

    def _running(self) -> LocustMaster:
        """The master's web API; UnreachableError names the log of a master that ended."""
        if self._master is None:
            raise UnreachableError("the swarm is not open")
        master = self._members[0]
        if master.process.poll() is not None:
            raise UnreachableError(_obituary(master))
        return self._master

    def _start_master(self, web_port: int, rpc_port: int) -> None:
        plan = LoadPlan()
        arguments = (
            *("--master", "--master-bind-host", LOOPBACK, "--master-bind-port", str(rpc_port)),
            *("--web-host", LOOPBACK, "--web-port", str(web_port)),
            *("--users", str(plan.users), "--spawn-rate", str(plan.users)),
            # Shown in the web UI only: each worker calls the ui Service as seen from its own node.
            *("--host", self._workers[0].ui_url),
        )
        self._spawn("locust-master", arguments, {})

    def _start_worker(self, worker: WorkerPlacement, rpc_port: int) -> None:
        arguments = ("--worker", "--master-host", LOOPBACK, "--master-port", str(rpc_port))
        self._spawn(worker.pod, arguments, to_environment(worker))

    def _spawn(self, name: str, arguments: tuple[str, ...], extra: dict[str, str]) -> None:
        # A user's own LOCUST_* settings are for other locustfiles.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")}
        search = [str(_LOCUSTFILE.parents[2]), inherited.get("PYTHONPATH", "")]
        environment = inherited | {
            "PYTHONPATH": os.pathsep.join(filter(None, search)),
            "SAMEZONE_PARENT": str(os.getpid()),
            **extra,
        }
        log = self._log_dir / f"{name}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._log_dir,  # Locust reads locust.conf and pyproject.toml where it starts
                start_new_session=True,  # Ctrl-C in the terminal reaches us only; we end them in order
            )
        self._members.append(_Member(name=name, log=log, process=process))

    def _await_workers(self, master: LocustMaster) -> None:
        deadline_s = time.monotonic() + _OPEN_S
        while True:
            for member in self._members:
                if member.process.poll() is not None:
                    raise UnreachableError(_obituary(member))
            try:
                absent: tuple[str, ...] = master.absent()
                trouble = f"worker {', '.join(absent)} did not connect"
            except SamezoneError as error:
                absent, trouble = ("master",), str(error)
            if not absent:
                return
            if time.monotonic() > deadline_s:
                raise UnreachableError(
                    f"starting Locust: {trouble} within {_OPEN_S:g} s; see the logs in {self._log_dir}"
                )
            time.sleep(_POLL_S)


def _usable_port(wanted: int) -> int:
    """A port free on the loopback address: *wanted*, or any for 0. UsageError when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError as error:
            raise UsageError(
                f"port {wanted} for the Locust web UI cannot be used ({error.strerror}); choose another"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _signal(member: _Member, number: signal.Signals) -> None:
    """Signal a process that has not ended; its id cannot have gone to another one before we wait for it."""
    if member.process.poll() is None:
        member.process.send_signal(number)


def _obituary(member: _Member) -> str:
    """One line about a process that ended, with the last line it wrote."""
    lines = member.log.read_text(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "nothing in its log")
    code = member.process.returncode
    return f"Locust's {member.name} ended with code {code}: {said[:300]}; see {member.log}"
