"""The verbs of the traffic: ``run`` and ``web``."""

import argparse
import math
import platform as python_platform
from functools import partial
from importlib.metadata import version
from pathlib import Path

from k8s.cli import add_place, holds_of, label, open_cluster, service_key
from k8s.console import Io, Parser, Verbs, path, verb
from k8s.effects import Talk
from k8s.errors import ExitCode, UsageError
from k8s.lab import state as lab_state
from k8s.routing.modes import choices, parse_mode
from loadtest.measure import Consent, Load, MeasureRequest, MeasureSession, measure
from loadtest.progress_cli import progress_bars
from loadtest.swarm.cluster_platform import RECYCLE, ClusterPlatform
from loadtest.swarm.lab_platform import LabPlatform
from loadtest.swarm.platforms import Platform
from loadtest.web import WebRequest, serve
from loadtest.worker.plan import LoadPlan

DEFAULTS = LoadPlan()
WEB_PORT = 8089


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs of this room."""
    run = verb(verbs, "run", run_command, summary="Measure one arm and leave a run folder.")
    run.add_argument("mode", help=choices())
    run.add_argument("--keep", action="store_true", help="leave the mode in force afterwards")
    add_load(run)
    web = verb(verbs, "web", web_command, summary="The Locust web UI with the workers of all zones.")
    web.add_argument("--web-port", type=int, default=WEB_PORT, help="0: any free one")
    add_place(web)
    web.add_argument("--client", type=service_key, default="ui/ui", metavar="NS/NAME")
    _add_recycle(web)


def add_load(parser: argparse.ArgumentParser) -> None:
    """Options that say where, how much and how long."""
    add_place(parser)
    parser.add_argument("--client", type=service_key, default="ui/ui", metavar="NS/NAME", help="who calls it")
    parser.add_argument("--rate", type=float, default=DEFAULTS.rate_per_s, help="requests/s over all zones")
    parser.add_argument("--users", type=int, default=DEFAULTS.users, help="most requests in flight")
    parser.add_argument("--duration", type=float, default=DEFAULTS.duration_s, help="measured seconds")
    parser.add_argument("--warmup", type=float, default=DEFAULTS.warmup_s, help="seconds before it")
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of the page mix")
    parser.add_argument("--arm", type=label, help="label of the arm; default: the mode")
    parser.add_argument("--runs", type=path, default=Path("runs"), help="folder of the run folders")
    _add_recycle(parser)


def _add_recycle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recycle", choices=RECYCLE, default="auto", help="restart clients that pool connections (cluster)"
    )


def plan_of(args: argparse.Namespace) -> LoadPlan:
    """The load the options ask for; UsageError names the option that is off."""
    for name in ("rate", "duration", "warmup"):
        value = getattr(args, name)
        if not math.isfinite(value) or value < 0 or (value == 0 and name != "warmup"):
            raise UsageError(f"--{name} {value:g}: give a number above 0")
    return LoadPlan(
        rate_per_s=args.rate,
        users=args.users,
        duration_s=args.duration,
        warmup_s=args.warmup,
        seed=args.seed,
        timeout_s=getattr(args, "request_timeout", DEFAULTS.timeout_s),
    )


def versions() -> tuple[tuple[str, str], ...]:
    """What measured: recorded with every run."""
    return (
        ("samezone", version("samezone")),
        ("locust", version("locust")),
        ("python", python_platform.python_version()),
    )


def load_of(args: argparse.Namespace) -> Load:
    """Who calls whom and how much, as the options of ``add_load`` say."""
    return Load(service=args.service, client=args.client, plan=plan_of(args))


def platform_of(args: argparse.Namespace, io: Io) -> Platform:
    """The place that the options name."""
    cluster = open_cluster(args, io, changing=True)
    if args.platform == "lab":
        return LabPlatform(
            state=lab_state.load(io.lab_dir),
            cluster=cluster,
            clock=io.clock,
            monotonic=io.monotonic,
            sleep=io.sleep,
        )
    return ClusterPlatform(
        cluster=cluster,
        environment=io.environment,
        clock=io.clock,
        monotonic=io.monotonic,
        sleep=io.sleep,
        recycle=args.recycle,
    )


def session_of(args: argparse.Namespace, io: Io) -> MeasureSession:
    """What measuring may use, on the place that the options name."""
    return MeasureSession(
        open_platform=partial(platform_of, args, io),
        clock=io.clock,
        monotonic=io.monotonic,
        sleep=io.sleep,
        consent=Consent(talk=Talk(say=io.say, agree=partial(io.agree, yes=False)), given=args.yes),
        say=io.say,
        holds=holds_of(args, io),
        logs=io.require_home("logs", "originals") / "logs",
        versions=versions(),
        progress=partial(progress_bars, io.err, io.say),
    )


def run_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone run MODE``: prints the run folder."""
    request = MeasureRequest(
        mode=parse_mode(args.mode), load=load_of(args), runs=args.runs, arm=args.arm, keep=args.keep
    )
    io.write(str(measure(session_of(args, io), request).folder))
    return ExitCode.DONE


def web_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone web``: runs until Ctrl-C."""
    request = WebRequest(
        client=args.client, port=args.web_port, logs=io.require_home("logs") / "logs" / "web"
    )
    serve(platform_of(args, io), request, clock=io.clock, sleep=io.sleep, say=io.say)
    return ExitCode.DONE
