"""A swarm of processes on this machine: one Locust master and one worker a placement.

A worker that ends or hangs is replaced by a new process with the same placement, which goes on with its
share of the load.

This file and what it imports load neither Locust nor gevent, which would patch the caller's sockets.
"""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from k8s.errors import InvalidRunError, SamezoneError, UnreachableError, UsageError
from k8s.process import interrupts
from loadtest.swarm.interface import Phase, Progress
from loadtest.swarm.locust_command import LOCUST, locust_environment
from loadtest.swarm.locust_master import LocustMaster
from loadtest.worker.live_view import Handover, LiveView
from loadtest.worker.messages import OURS_VARIABLE, SwarmView
from loadtest.worker.placement import WorkerPlacement, to_environment
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import NO_SEAT, WorkerLoss, WorkerTally

LOOPBACK = "127.0.0.1"
_OPEN_S = 30.0
_POLL_S = 0.05
_END_S = 8.0
_MOST_DEATHS = 3
"""A worker is replaced so often within ``_DEATHS_S``; one that ends once more has a fault of its own."""
_DEATHS_S = 60.0
_ORPHANS_END_S = 5.0
"""For workers to deliver their last spans once their master is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A process of the swarm."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]


class LocalSwarm:
    """Implements Swarm; nothing runs before ``open`` and nothing is left after ``close``."""

    def __init__(
        self,
        workers: tuple[WorkerPlacement, ...],
        log_dir: Path,
        web_port: int = 0,
        locustfile: Path | None = None,
        *,
        web_login: bool = False,
    ) -> None:
        """*web_port* 0 takes a free one. Log files are ``locust-master.log`` and ``<pod>.log``.

        *locustfile* has users of the user's own, which a plan may ask for; with *web_login* it says who may
        use the web UI.
        """
        if not workers:
            raise UsageError("a swarm needs at least one worker")
        self._workers = workers
        self._log_dir = log_dir
        self._web_port = web_port
        self._locustfile = locustfile
        self._web_login = web_login
        self._rpc_port = 0
        self._members: list[_Member] = []
        self._deaths: dict[str, list[float]] = {}
        """When each worker ended too early, by the monotonic clock."""
        self._evicted: set[int] = set()
        """Process ids of workers that were asked to end, as their place is gone."""
        self._master: LocustMaster | None = None
        self._token = secrets.token_hex(16)

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
        web_port = usable_port(self._web_port)
        self._rpc_port = usable_port(0)
        self._deaths.clear()
        try:
            self._log_dir.mkdir(parents=True, exist_ok=True)
            with interrupts.held():  # what is started is known, so that it can be ended
                self._start_master(web_port)
                for worker in self._workers:
                    self._members.append(self._start_worker(worker))
            master = LocustMaster(
                f"http://{LOOPBACK}:{web_port}",
                expect=[worker.pod for worker in self._workers],
                token=self._token,
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
        """Begin to send requests; counters start from zero; returns when the first one is due.

        A worker that was lost since the last load is replaced first.
        """
        master = self._running()
        self._mend(master.view())
        self._await_workers(master)
        master.start(plan, run_id=run_id, phase=phase)

    def progress(self) -> Progress:
        """Where it stands; a worker whose process ended counts as lost at once, and is replaced.

        InvalidRunError for one that ends again and again.
        """
        master = self._running()
        seen = master.progress()
        view = master.last
        if view is None:
            return seen
        self._mend(view)
        here = {tally.process for tally in view.tallies}
        absent = {member.name for member in self._members[1:] if member.process.pid not in here}
        waiting = {loss.worker for loss in seen.losses if not loss.back_s}
        return replace(seen, lost=tuple(sorted(absent.union(seen.lost, waiting))))

    def show(self, view: LiveView) -> Handover:
        """Hand the Zones tab what it is to show; what was asked for there."""
        return self._running().show(view)

    def stop(self) -> None:
        """Stop sending, let requests in flight end, wait until every span is delivered or dropped.

        UnreachableError where the master is gone or hangs; the workers have ended then.
        """
        try:
            self._running().stop()
        except UnreachableError:
            # Orphans would go on for seconds, into whatever comes next.
            _end(self._members[1:], _ORPHANS_END_S)
            raise

    def tallies(self) -> tuple[WorkerTally, ...]:
        """What each worker did since ``start``; complete after ``stop``.

        Of a master that is gone: what it said last, ``silent_s`` ago.
        """
        return self._opened().tallies() if self._is_master_alive() else self._opened().told()

    def losses(self) -> tuple[WorkerLoss, ...]:
        """Who was lost since ``start`` while load was wanted."""
        return self._opened().losses()

    @property
    def silent_s(self) -> float:
        """How old the master's last word is, where it does not answer any more; 0 while it does."""
        if self._master is None:
            return 0.0
        return self._master.silent_s if self._is_master_alive() else self._master.age_s

    def close(self) -> None:
        """End all processes: workers first, so that none of them waits for a master; safe to call twice."""
        _end(self._members, _END_S)
        self._members.clear()
        self._master = None

    def _running(self) -> LocustMaster:
        """The master's web API; UnreachableError names the log of a master that ended."""
        opened = self._opened()
        if not self._is_master_alive():
            raise UnreachableError(_obituary(self._members[0]))
        return opened

    def _opened(self) -> LocustMaster:
        if self._master is None:
            raise UnreachableError("the swarm is not open")
        return self._master

    def _is_master_alive(self) -> bool:
        return self._members[0].process.poll() is None

    def _mend(self, view: SwarmView) -> None:
        """Replace every worker whose process ended or hangs; end those whose place is gone."""
        hung, evicted = _hung(view), self._without_place()
        for index, worker in enumerate(self._workers, 1):
            member = self._members[index]
            if member.process.pid in hung:
                _signal(member, signal.SIGKILL)
                member.process.wait()
            if worker.pod in evicted and member.process.pid not in self._evicted:
                self._evicted.add(member.process.pid)
                _signal(member, signal.SIGTERM)
            if member.process.poll() is not None:
                self._note_death(member)
                self._make_place(worker)
                with interrupts.held():
                    self._members[index] = self._start_worker(worker)

    def _without_place(self) -> frozenset[str]:
        """Pod names of the workers that shall end: here none, a process needs no pod."""
        return frozenset()

    def _make_place(self, worker: WorkerPlacement) -> None:
        """Called before a worker is replaced."""

    def _note_death(self, member: _Member) -> None:
        now_s = time.monotonic()
        deaths = self._deaths.setdefault(member.name, [])
        deaths.append(now_s)
        recent = sum(now_s - one < _DEATHS_S for one in deaths)
        if recent > _MOST_DEATHS:
            raise InvalidRunError(
                f"{_obituary(member)}; it ended {recent} times within {_DEATHS_S:g} s: not replaced again"
            )

    def _start_master(self, web_port: int) -> None:
        plan = LoadPlan()
        arguments = (
            *("--master", "--master-bind-host", LOOPBACK, "--master-bind-port", str(self._rpc_port)),
            *("--web-host", LOOPBACK, "--web-port", str(web_port)),
            *("--users", str(plan.users), "--spawn-rate", str(plan.users)),
            # Shown in the web UI only: each worker calls the ui Service as seen from its own node.
            *("--host", self._workers[0].target_url),
            *(("--web-login",) if self._web_login else ()),
        )
        self._members.append(self._spawn("locust-master", arguments, {OURS_VARIABLE: self._token}))

    def _start_worker(self, worker: WorkerPlacement) -> _Member:
        arguments = ("--worker", "--master-host", LOOPBACK, "--master-port", str(self._rpc_port))
        return self._spawn(worker.pod, arguments, to_environment(worker))

    def _spawn(self, name: str, arguments: tuple[str, ...], extra: dict[str, str]) -> _Member:
        environment = locust_environment(self._locustfile) | {"SAMEZONE_PARENT": str(os.getpid()), **extra}
        life = len(self._deaths.get(name, []))
        log = self._log_dir / (f"{name}.{life + 1}.log" if life else f"{name}.log")
        with log.open("wb") as sink:
            os.fchmod(sink.fileno(), 0o600)
            process = subprocess.Popen(
                [*LOCUST, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._log_dir,  # Locust reads locust.conf and pyproject.toml where it starts
                start_new_session=True,  # Ctrl-C in the terminal reaches us only; we end them in order
            )
        return _Member(name=name, log=log, process=process)

    def _await_workers(self, master: LocustMaster) -> None:
        """Wait until the master knows every process; UnreachableError for one that ends or takes too long."""
        deadline_s = time.monotonic() + _OPEN_S
        while True:
            for member in self._members:
                if member.process.poll() is not None:
                    raise UnreachableError(_obituary(member))
            try:
                here = {tally.process for tally in master.view().tallies}
                absent = [member.name for member in self._members[1:] if member.process.pid not in here]
                trouble = f"worker {', '.join(absent)} did not connect"
            except SamezoneError as error:
                absent, trouble = ["master"], str(error)
            if not absent:
                return
            if time.monotonic() > deadline_s:
                raise UnreachableError(
                    f"starting Locust: {trouble} within {_OPEN_S:g} s; see the logs in {self._log_dir}"
                )
            time.sleep(_POLL_S)


def _hung(view: SwarmView) -> set[int]:
    """Process ids of the workers whose seat is vacant; a process that is new has none."""
    latest = {tally.seat: tally for tally in view.tallies}  # in turn
    return {one.process for seat, one in latest.items() if seat != NO_SEAT and one.worker in view.lost}


def _end(members: Sequence[_Member], limit_s: float) -> None:
    """End processes, the last ones first, so that no worker waits for its master."""
    for member in reversed(members):
        _signal(member, signal.SIGTERM)
    deadline_s = time.monotonic() + limit_s
    for member in members:
        with suppress(subprocess.TimeoutExpired):
            member.process.wait(max(0.0, deadline_s - time.monotonic()))
    for member in members:
        _signal(member, signal.SIGKILL)
        member.process.wait()


def usable_port(wanted: int) -> int:
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
