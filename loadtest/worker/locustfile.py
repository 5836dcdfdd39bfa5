"""What every Locust process of the swarm loads: options, the user class, and who listens to what."""

import os
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from k8s.errors import UsageError
from loadtest.worker.conductor import Conductor
from loadtest.worker.locust_worker import Worker, end_with
from loadtest.worker.placement import from_environment
from loadtest.worker.plan import DEFAULT_PAGES, LoadPlan
from loadtest.worker.shopper import Shopper
from loadtest.worker.tracing import VERSION
from loadtest.worker.typed_json import encode
from loadtest.worker.web_door import close_to_strangers
from loadtest.worker.zones_tab import install

__all__ = ("Shopper",)  # Locust finds its user classes in the locustfile's names

_PARENT = "SAMEZONE_PARENT"


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
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        _begin_master(environment, runner)
    elif isinstance(runner, WorkerRunner):
        Worker(environment, from_environment(os.environ), VERSION)
    else:
        raise UsageError("the swarm needs a master and its workers: give --master or --worker")


def _begin_master(environment: Environment, runner: MasterRunner) -> None:
    conductor = Conductor(environment, runner)
    if environment.web_ui is not None:
        close_to_strangers(environment.web_ui, os.environ, is_local=_PARENT in os.environ)
        install(environment.web_ui, conductor.view, on_stopped=conductor.note_stop)


# Once this file is loaded: a worker waits for its master for minutes before Locust fires its init event.
if _PARENT in os.environ:
    end_with(int(os.environ[_PARENT]))
_hooks: Any = events
_hooks.init_command_line_parser.add_listener(add_options)
_hooks.init.add_listener(begin)
