"""A Locust master's side of the swarm: keeps the board, gives orders, fills the seats of lost workers."""

import logging
import os
import time
from typing import Any, Protocol
from uuid import uuid4

import gevent
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner

from k8s.errors import SamezoneError, UsageError
from loadtest.worker.arrivals import RateStep
from loadtest.worker.board import Board
from loadtest.worker.dealing import SeatDispatcher
from loadtest.worker.messages import DISMISSAL, ORDER_OPTION, REPORT, UI_RUN, SwarmView, read_report
from loadtest.worker.own_users import NOBODY, OwnUsers
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.target import Target
from loadtest.worker.typed_json import decode, encode

logger = logging.getLogger(__name__)

UNNAMED = "web"
"""The start form's run id, unless somebody changed it: then each start gets one of its own."""
_LOOK_S = 0.25


class Options(Protocol):
    """What Locust parsed: ours and its own number of users."""

    rate: float
    rate_steps: str
    arrivals: str
    num_users: int
    run_id: str
    phase: str
    requests_per_connection: int
    seed: int
    pages: str
    target: str
    request_timeout: float
    own_locustfile: str
    run_time: int | None


class Conductor:
    """Listens to Locust's events on the master."""

    def __init__(self, environment: Environment, runner: MasterRunner, own: OwnUsers = NOBODY) -> None:
        """*own* are the user's own users, which a plan may ask for."""
        self._environment = environment
        self._runner = runner
        self._board = Board(name=uuid4().hex, locustfile=own.label)
        self._resuming = False
        dispatcher: Any = lambda **_nodes: SeatDispatcher(self._board, own.described)  # noqa: E731 - Locust asks for a class
        environment.dispatcher_class = dispatcher
        hooks: Any = environment.events  # their methods are not annotated
        runner.register_message(REPORT, self._on_report)
        hooks.test_start.add_listener(self._on_test_start)
        hooks.test_stopping.add_listener(self._on_test_stopping)
        # Locust waits a second for its workers' counts of users, which end nothing here.
        os.environ.setdefault("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "0.2")
        gevent.spawn(self._fill_for_ever)

    def view(self) -> SwarmView:
        """The board now."""
        return self._board.view(
            self._runner.state, active=self._active(), missing=self._missing(), clock_s=time.monotonic()
        )

    def names(self) -> dict[str, str]:
        """The pod of each of Locust's clients."""
        return self._board.names()

    def note_stop(self) -> None:
        """Somebody asked for a stop, which Locust passes over where no worker is left to be stopped."""
        self._board.end(time.monotonic())

    def _active(self) -> list[str]:
        """Ids of the clients that Locust would send work to."""
        nodes = self._runner.clients
        return [node.id for node in nodes.ready + nodes.spawning + nodes.running]

    def _missing(self) -> list[str]:
        return [node.id for node in self._runner.clients.missing]

    def _on_report(self, msg: Any, **_event: Any) -> None:
        known = self._board.problem
        self._board.receive(msg.node_id, read_report(msg.data["report"]), clock_s=time.monotonic())
        if self._board.problem and not known:
            logger.error("%s; nobody sends anything", self._board.problem)
            for client in self._active():
                self._runner.send_message(DISMISSAL, client_id=client)

    def _on_test_start(self, **_event: Any) -> None:
        # Locust fires this before it builds the spawn messages, which carry the options to the workers.
        if not self._resuming:
            setattr(self._environment.parsed_options, ORDER_OPTION, self._first_order())

    def _on_test_stopping(self, **_event: Any) -> None:
        # Without any worker left Locust stops by itself: then load is still wanted from the next ones.
        if self._runner.worker_count > 0:
            self._board.end(time.monotonic())

    def _fill_for_ever(self) -> None:
        while True:
            taken = self._board.fill(self._active(), self._missing(), clock_s=time.monotonic())
            if taken:
                self._resume(taken)
            gevent.sleep(_LOOK_S)

    def _resume(self, taken: dict[str, str]) -> None:
        """Send the order again, for those who have just taken a seat; the others have their users already."""
        logger.info("the seats of %d lost workers are taken", len(taken))
        runner = self._runner
        for before in taken.values():
            # It may only have been silent: two in one seat would be double load.
            runner.send_message(DISMISSAL, client_id=before)
        order = self._board.order(time.monotonic())
        setattr(self._environment.parsed_options, ORDER_OPTION, encode(order).decode())
        self._resuming = True
        try:
            runner.start(runner.target_user_count, runner.spawn_rate)
        finally:
            self._resuming = False

    def _first_order(self) -> str:
        """The order of this start as JSON; StopTest where it is refused, and the Zones tab tells why."""
        options: Options | None = self._environment.parsed_options
        try:
            if options is None:
                raise UsageError("Locust parsed no options")
            now_s = time.time()
            order = self._board.begin(
                self._active(),
                _plan(options),
                run_id=f"{int(now_s)}{UI_RUN}" if options.run_id == UNNAMED else str(options.run_id),
                phase=str(options.phase),
                now_s=now_s,
                clock_s=time.monotonic(),
            )
        except SamezoneError as error:
            self._board.refuse(error)
            # This exception leaves Locust's event hook and ends its start before any message goes out.
            raise StopTest(f"start refused: {error}") from error
        return encode(order).decode()


def _plan(options: Options) -> LoadPlan:
    """The plan that the options describe; windows and quiet times are the caller's. Raises UsageError."""
    try:
        pages = decode(options.pages, tuple[Page, ...])
    except ValueError as error:
        raise UsageError(f"pages: {error}; give a JSON list of name, path, weight") from error
    try:
        steps = decode(options.rate_steps, tuple[RateStep, ...])
    except ValueError as error:
        raise UsageError(f"rate steps: {error}; give a JSON list") from error
    try:
        target = decode(options.target, Target)
    except ValueError as error:
        raise UsageError(f"target: {error}; give a JSON object of url, ca, propagate, service") from error
    return LoadPlan(
        duration_s=float(options.run_time or LoadPlan().duration_s),
        rate_per_s=options.rate,
        users=options.num_users,
        requests_per_connection=options.requests_per_connection,
        timeout_s=options.request_timeout,
        seed=options.seed,
        pages=pages,
        steps=steps,
        arrivals=options.arrivals,
        target=target,
        locustfile=options.own_locustfile,
    )
