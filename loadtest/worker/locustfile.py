"""What every Locust process of the swarm loads: options, the user class, and who listens to what."""

import logging
import os
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from k8s.errors import UsageError
from loadtest.worker.conductor import UNNAMED, Conductor
from loadtest.worker.locust_worker import Worker, end_with
from loadtest.worker.messages import OURS_VARIABLE
from loadtest.worker.own_users import load
from loadtest.worker.placement import from_environment
from loadtest.worker.plan import DEFAULT_PAGES, LoadPlan
from loadtest.worker.shopper import Shopper
from loadtest.worker.tracing import VERSION
from loadtest.worker.typed_json import encode
from loadtest.worker.web_door import close_to_strangers
from loadtest.worker.zones_tab import install

__all__ = ("Shopper",)  # Locust finds its user classes in the locustfile's names

_OWN = load(os.environ)
globals().update({one.__name__: one for one in _OWN.classes})
_PARENT = "SAMEZONE_PARENT"


def add_options(parser: LocustArgumentParser, **_event: Any) -> None:
    """The load plan as options; Locust shows them in its start form and copies them to the workers."""
    plan = LoadPlan()
    pages = encode(DEFAULT_PAGES).decode()
    parser.add_argument("--rate", type=float, default=plan.rate_per_s, help="arrivals a second, all zones")
    parser.add_argument(
        "--rate-steps",
        default="[]",
        help="JSON list of begin_per_s, end_per_s, seconds, in place of the rate",
    )
    parser.add_argument("--arrivals", default=plan.arrivals, help="even or poisson")
    parser.add_argument("--run-id", default=UNNAMED, help="annotation of every span")
    parser.add_argument("--phase", default="measure", help="annotation of every span")
    parser.add_argument(
        "--requests-per-connection",
        type=int,
        default=plan.requests_per_connection,
        help="a user opens a new connection after so many requests; kube-proxy chooses per connection",
    )
    parser.add_argument("--seed", type=int, default=plan.seed, help="chooses the sequence of pages")
    parser.add_argument("--pages", default=pages, help="JSON list of pages: name, path, weight")
    parser.add_argument("--target", default="{}", help="JSON object: url, ca, propagate, service")
    # The web UI starts what the swarm has: the user's own users, where there are some.
    parser.add_argument("--own-locustfile", default=_OWN.label, help="whose users send; empty: ours")
    parser.add_argument("--request-timeout", type=float, default=plan.timeout_s, help="seconds")


def begin(environment: Environment, **_event: Any) -> None:
    """Wire this process: a master keeps the board, a worker sends."""
    if _OWN.folder is not None:
        os.chdir(_OWN.folder)
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        _begin_master(environment, runner)
    elif isinstance(runner, WorkerRunner):
        Worker(environment, from_environment(os.environ), VERSION, _OWN)
    else:
        raise UsageError("the swarm needs a master and its workers: give --master or --worker")


def _begin_master(environment: Environment, runner: MasterRunner) -> None:
    if _OWN.classes:
        # Locust prints its statistics at the end: names and errors there hold what the file puts in them.
        logging.getLogger("locust.stats_logger").disabled = True
    conductor = Conductor(environment, runner, _OWN)
    if environment.web_ui is not None:
        close_to_strangers(environment.web_ui, os.environ, is_local=_PARENT in os.environ)
        install(environment.web_ui, conductor, token=os.environ.get(OURS_VARIABLE, ""))


# Once this file is loaded: a worker waits for its master for minutes before Locust fires its init event.
if _PARENT in os.environ:
    end_with(int(os.environ[_PARENT]))
_hooks: Any = events
_hooks.init_command_line_parser.add_listener(add_options)
_hooks.init.add_listener(begin)
