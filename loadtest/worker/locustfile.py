"""What every Locust process of the swarm loads: options, the user class, and who listens to what."""

import os
import time
from typing import Any, Protocol

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner

from k8s.errors import SamezoneError, UsageError
from loadtest.worker.board import Board
from loadtest.worker.locust_worker import Worker, end_with
from loadtest.worker.messages import ORDER_OPTION, REPORT, SwarmView, read_report
from loadtest.worker.placement import from_environment
from loadtest.worker.plan import DEFAULT_PAGES, LoadPlan, Page
from loadtest.worker.shopper import Shopper
from loadtest.worker.tracing import VERSION
from loadtest.worker.typed_json import decode, encode
from loadtest.worker.zones_tab import install

__all__ = ("Shopper",)  # Locust finds its user classes in the locustfile's names

_PARENT = "SAMEZONE_PARENT"


class Options(Protocol):
    """What Locust parsed: ours and its own number of users."""

    rate: float
    num_users: int
    run_id: str
    phase: str
    requests_per_connection: int
    seed: int
    pages: str
    request_timeout: float


def add_options(parser: LocustArgumentParser, **_event: Any) -> None:
    """The load plan as options; Locust shows them in its start form and copies them to the workers."""
    plan = LoadPlan()
    pages = encode(DEFAULT_PAGES).decode()
    parser.add_argument("--rate", type=float, default=plan.rate_per_s, help="arrivals a second, all zones")
    parser.add_argument("--run-id", default="web", help="annotation of every span")
    parser.add_argument("--phase", default="measure", help="annotation of every span")
    parser.add_argument(
        "--requests-per-connection",
        type=int,
        default=plan.requests_per_connection,
        help="a user opens a new connection after so many requests; kube-proxy chooses per connection",
    )
    parser.add_argument("--seed", type=int, default=plan.seed, help="chooses the sequence of pages")
    parser.add_argument("--pages", default=pages, help="JSON list of pages: name, path, weight")
    parser.add_argument("--request-timeout", type=float, default=plan.timeout_s, help="seconds")


def begin(environment: Environment, **_event: Any) -> None:
    """Wire this process: a master keeps the board, a worker sends."""
    parent = os.environ.get(_PARENT)
    if parent:
        end_with(int(parent))
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        _begin_master(environment, runner)
    elif isinstance(runner, WorkerRunner):
        Worker(environment, from_environment(os.environ), VERSION)
    else:
        raise UsageError("the swarm needs a master and its workers: give --master or --worker")


def _begin_master(environment: Environment, runner: MasterRunner) -> None:
    board = Board()

    def on_report(msg: Any, **_event: Any) -> None:
        board.receive(msg.node_id, read_report(msg.data["report"]), clock_s=time.monotonic())

    def on_test_start(**_event: Any) -> None:
        # Locust fires this before it builds the spawn messages, which carry the options to the workers.
        setattr(environment.parsed_options, ORDER_OPTION, _order(board, runner, environment.parsed_options))

    def view() -> SwarmView:
        missing = frozenset(node.id for node in runner.clients.missing)
        active = frozenset(_active(runner))
        return board.view(runner.state, active=active, missing=missing, clock_s=time.monotonic())

    hooks: Any = environment.events  # their methods are not annotated
    runner.register_message(REPORT, on_report)
    hooks.test_start.add_listener(on_test_start)
    if environment.web_ui is not None:
        install(environment.web_ui, view)


def _active(runner: MasterRunner) -> list[str]:
    """Ids of the clients that Locust would send work to."""
    nodes = runner.clients
    return [node.id for node in nodes.ready + nodes.spawning + nodes.running]


def _order(board: Board, runner: MasterRunner, options: Options | None) -> str:
    """The order of this start as JSON; StopTest where it is refused, and the Zones tab tells why."""
    try:
        if options is None:
            raise UsageError("Locust parsed no options")
        order = board.begin(
            _active(runner),
            _plan(options),
            run_id=str(options.run_id),
            phase=str(options.phase),
            now_s=time.time(),
            clock_s=time.monotonic(),
        )
    except SamezoneError as error:
        board.refuse(error)
        # This exception leaves Locust's event hook and ends its start before any message goes out.
        raise StopTest(f"start refused: {error}") from error
    return encode(order).decode()


def _plan(options: Options) -> LoadPlan:
    """The plan that the options describe; windows and quiet times are the caller's. Raises UsageError."""
    try:
        pages = decode(options.pages, tuple[Page, ...])
    except ValueError as error:
        raise UsageError(f"pages: {error}; give a JSON list of name, path, weight") from error
    return LoadPlan(
        rate_per_s=options.rate,
        users=options.num_users,
        requests_per_connection=options.requests_per_connection,
        timeout_s=options.request_timeout,
        seed=options.seed,
        pages=pages,
    )


_hooks: Any = events
_hooks.init_command_line_parser.add_listener(add_options)
_hooks.init.add_listener(begin)
