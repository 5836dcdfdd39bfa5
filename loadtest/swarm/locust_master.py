"""Drives a running Locust master over its web API; whoever started it and wherever it is."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit

import msgspec

from k8s.errors import InvalidRunError, SamezoneError, UnreachableError, UsageError
from loadtest.swarm.interface import BUSY, Phase, Progress
from loadtest.worker.live_view import LIVE_PATH, Handover, LiveView
from loadtest.worker.messages import OURS_HEADER, OURS_VARIABLE, TALLIES_PATH, SwarmView
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerLoss, WorkerTally
from loadtest.worker.typed_json import encode

_FORM = "application/x-www-form-urlencoded"
_OK = 200
_LOGIN = frozenset({302, 401})
"""How a web UI answers whom it does not know."""
_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what."""

    answer_s: float = 10.0
    """For one answer of the web API."""
    start_s: float = 5.0
    """From a start to the master's new count."""
    stop_s: float = 75.0
    """For Locust to stop its users: it gives its workers a minute."""
    settle_s: float = 30.0
    """From a stop to the last span delivered or dropped; the workers drop what is left after 20 s."""
    poll_s: float = 0.05
    again_s: float = 0.0
    """How long to ask again where there is no answer: over a port-forward that was cut, a new one comes."""
    probe_s: float = 2.0
    """For one answer of a master that has just been silent: longer waits are for one that works."""
    back_s: float = 30.0
    """From a worker's loss to its replacement; later, a window is not worth going on with."""


class LocustMaster:
    """Start, watch and stop the load of one master with the given workers; a Swarm but for opening it."""

    def __init__(
        self,
        url: str,
        *,
        expect: Sequence[str],
        patience: Patience | None = None,
        token: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """*expect* are the pod names of the workers that must be there for load to start.

        *token* is let in where the web UI asks people to log in.
        """
        self.web_url = url.rstrip("/")
        parts = urlsplit(self.web_url)
        self._host, self._port, self._base = str(parts.hostname), parts.port, parts.path
        self._expect = frozenset(expect)
        self._patience = patience or Patience()
        self._headers = {OURS_HEADER: token} if token else {}
        self._clock = clock
        self._sleep = sleep
        self._generation = 0
        self._last: SwarmView | None = None
        self._told_s = 0.0
        self._silent = False
        self._vacant_since_s: dict[str, float] = {}

    @property
    def last(self) -> SwarmView | None:
        """What the master said last."""
        return self._last

    @property
    def silent_s(self) -> float:
        """How old what the master said last is, where it does not answer any more; 0 while it does."""
        return self.age_s if self._silent else 0.0

    @property
    def age_s(self) -> float:
        """How long ago the master said what it said last."""
        return self._clock() - self._told_s

    def expect(self, pods: Iterable[str]) -> None:
        """From now on these workers must be there for load to start."""
        self._expect = frozenset(pods)

    def view(self, *, patient: bool = True) -> SwarmView:
        """The master's board; UnreachableError where it does not answer or answers something else.

        InvalidRunError when this is another master than the one that we started load with: a restarted one
        has lost what it counted.
        """
        try:
            view = self._read(patient=patient)
        except UnreachableError:
            self._silent = True
            raise
        known = self._last
        is_other = known is not None and known.master != view.master
        if view.generation < self._generation or (self._generation and is_other):
            self._silent = True
            raise InvalidRunError(
                f"the Locust master at {self.web_url} was restarted during the load and lost its counts, so "
                "the window is cut; measure again once its workers are back"
            )
        self._last, self._told_s, self._silent = view, self._clock(), False
        return view

    def _read(self, *, patient: bool) -> SwarmView:
        raw = self._ask("GET", TALLIES_PATH, again_s=self._patience.again_s if patient else 0.0)
        try:
            return msgspec.json.decode(raw, type=SwarmView)
        except msgspec.DecodeError as error:
            raise UnreachableError(
                f"{self.web_url}{TALLIES_PATH} is not our Locust master: {error}"
            ) from error

    def absent(self) -> tuple[str, ...]:
        """Pod names of expected workers that are not connected."""
        view = self.view()
        # A pod that came back under its name is in both: once lost, once here.
        here = (Counter(tally.worker for tally in view.tallies) - Counter(view.lost)).keys()
        return tuple(sorted(self._expect - here))

    def start(self, plan: LoadPlan, *, run_id: str, phase: Phase) -> None:
        """Begin to send; returns when the first arrival is due.

        UsageError for a plan the master refuses, UnreachableError when a worker is missing.
        """
        absent = self.absent()
        if absent:
            raise UnreachableError(
                f"starting load: worker {', '.join(absent)} is not connected to {self.web_url}"
            )
        if plan.users < len(self._expect):
            raise UsageError(
                f"{plan.users} users cannot cover {len(self._expect)} workers; "
                f"ask for {len(self._expect)} or more"
            )
        ready = self._await(
            lambda now: now.idle == now.workers, self._patience.start_s, "has workers that are not ready"
        )
        answer = json.loads(self._ask("POST", "/swarm", _form(plan, run_id, phase)))
        if not answer.get("success"):
            raise UsageError(f"the Locust master refuses the load: {answer.get('message')}")
        view = self._await(
            lambda now: now.generation > ready.generation, self._patience.start_s, "did not begin the load"
        )
        if view.problem:
            raise UsageError(f"the Locust master refuses the load: {view.problem}")
        self._generation = view.generation
        self._sleep(view.lead_s)
        if problem := self._await_word().problem:
            self.stop()
            raise UsageError(f"nothing is sent: {problem}")

    def _await_word(self) -> SwarmView:
        """Every worker has told whether it can send, or one that it cannot; or there was time enough.

        On a busy machine a worker may take longer for that than the load waits for its first arrival.
        """
        deadline_s = self._clock() + self._patience.start_s
        while not (view := self.view()).problem and view.untold and self._clock() < deadline_s:
            self._sleep(self._patience.poll_s)
        return view

    def stop(self) -> None:
        """Send no more, let requests in flight end, wait until every span is delivered or dropped."""
        if self._silent:
            self.view()  # one that hangs would hold us for as long as a stop may take
        self._ask("POST", "/stop", {}, timeout_s=self._patience.stop_s, again_s=self._patience.again_s)
        # Locust's own state is no help: with a missing worker it stays "stopping" for a minute.
        self._await(
            lambda now: now.state not in BUSY and now.idle == now.workers,
            self._patience.settle_s,
            "has workers that did not finish",
        )

    def progress(self) -> Progress:
        """Sums over the workers; does not wait for a master that is out of reach."""
        view = self.view(patient=False)
        tallies, now_s = view.tallies, self._clock()
        self._vacant_since_s = {one: self._vacant_since_s.get(one, now_s) for one in view.lost}
        return Progress(
            requests=sum(tally.requests for tally in tallies),
            failures=sum(tally.failures for tally in tallies),
            workers=view.workers,
            lost=view.lost,
            given_up=tuple(
                one
                for one, since_s in self._vacant_since_s.items()
                if now_s - since_s > self._patience.back_s
            ),
            losses=view.losses,
            spans_pending=sum(
                tally.spans_made - tally.spans_delivered - tally.spans_dropped for tally in tallies
            ),
            in_flight=sum(tally.in_flight for tally in tallies),
            tallies=tallies,
            state=view.state,
            idle=view.idle,
            order=view.order,
        )

    def show(self, view: LiveView) -> Handover:
        """Hand the Zones tab a view; the wishes made there since. Does not wait for a master out of reach."""
        raw = self._ask("POST", LIVE_PATH, {"view": encode(view).decode()})
        try:
            return msgspec.json.decode(raw, type=Handover)
        except msgspec.DecodeError as error:
            raise UnreachableError(f"{self.web_url}{LIVE_PATH} is not our Locust master: {error}") from error

    def tallies(self) -> tuple[WorkerTally, ...]:
        """What each worker did since the last start, by zone and pod; a lost worker's last word included.

        Of a master that was restarted or is gone: what it said last, ``silent_s`` ago.
        """
        try:
            return self.view().tallies
        except SamezoneError:
            return self.told()

    def told(self) -> tuple[WorkerTally, ...]:
        """The same as the master said last, without asking; UnreachableError if it never said a thing."""
        if self._last is None or self._last.generation != self._generation:
            raise UnreachableError(f"the Locust master at {self.web_url} never told what its workers did")
        return self._last.tallies

    def losses(self) -> tuple[WorkerLoss, ...]:
        """Who was lost since the last start while load was wanted; as the master said last."""
        last = self._last
        return last.losses if last is not None and last.generation == self._generation else ()

    def _await(self, done: Callable[[SwarmView], bool], limit_s: float, failing: str) -> SwarmView:
        deadline_s = self._clock() + limit_s
        while not done(view := self.view()):
            if self._clock() > deadline_s:
                raise InvalidRunError(
                    f"the Locust master at {self.web_url} {failing} within {limit_s:g} s; see its Zones tab"
                )
            self._sleep(self._patience.poll_s)
        return view

    def _ask(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        *,
        timeout_s: float | None = None,
        again_s: float = 0.0,
    ) -> bytes:
        deadline_s = self._clock() + again_s
        while True:
            try:
                return self._ask_once(method, path, form, timeout_s=timeout_s)
            except UnreachableError:
                if self._clock() >= deadline_s:
                    raise
            self._sleep(_AGAIN_S)

    def _ask_once(
        self, method: str, path: str, form: dict[str, str] | None, *, timeout_s: float | None
    ) -> bytes:
        limit_s = timeout_s or (self._patience.probe_s if self._silent else self._patience.answer_s)
        connection = HTTPConnection(self._host, self._port, timeout=limit_s)
        try:
            body = None if form is None else urlencode(form)
            headers = self._headers | ({} if form is None else {"Content-Type": _FORM})
            connection.request(method, self._base + path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            raise UnreachableError(f"the Locust master at {self.web_url} does not answer: {error}") from error
        finally:
            connection.close()
        if response.status in _LOGIN:
            raise UsageError(
                f"the Locust master at {self.web_url} asks for a login, and so it answers only commands that "
                f"have its key: set {OURS_VARIABLE} to what the master has it set to"
            )
        if response.status != _OK:
            text = answer.decode(errors="replace")[:200]
            raise UnreachableError(f"{method} {self.web_url}{path}: HTTP {response.status}: {text}")
        return answer


def _form(plan: LoadPlan, run_id: str, phase: Phase) -> dict[str, str]:
    """The start form of Locust's web UI, filled in; keys are the options of our locustfile."""
    return {
        "user_count": str(plan.users),
        "spawn_rate": str(plan.users),
        "rate": repr(plan.rate_per_s),
        "rate_steps": msgspec.json.encode(plan.steps).decode(),
        "arrivals": plan.arrivals,
        "run_id": run_id,
        "phase": phase.value,
        "requests_per_connection": str(plan.requests_per_connection),
        "seed": str(plan.seed),
        "pages": msgspec.json.encode(plan.pages).decode(),
        "target": msgspec.json.encode(plan.target).decode(),
        "request_timeout": repr(plan.timeout_s),
        "own_locustfile": plan.locustfile,
    }
