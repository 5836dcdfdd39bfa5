"""The verb of the traffic, ``run``, and what others share with it."""

import argparse
import math
import platform as python_platform
import re
import ssl
from functools import partial
from importlib.metadata import version
from pathlib import Path

from k8s.cli import (
    FirstAndFurther,
    add_mode,
    add_place,
    holds_of,
    label,
    open_cluster,
    service_key,
)
from k8s.commandline.json_text import as_json
from k8s.commandline.quantities import count, lower, seconds, workers_each
from k8s.console import Io, Parser, Verbs, add_json, path, verb
from k8s.effects import Talk
from k8s.errors import ExitCode, UsageError
from k8s.lab import state as lab_state
from k8s.routing.modes import parse_mode
from k8s.topology import ServiceKey
from loadtest.asking import pages_file, rate_text
from loadtest.measure import Consent, Load, MeasureRequest, MeasureSession, measure
from loadtest.progress_cli import JobProgress
from loadtest.record import Traffic
from loadtest.swarm.cluster_platform import RECYCLE, ClusterPlatform
from loadtest.swarm.lab_platform import LabPlatform
from loadtest.swarm.locust_command import describe
from loadtest.swarm.platforms import Platform
from loadtest.worker.arrivals import ARRIVALS
from loadtest.worker.plan import DEFAULT_PAGES, LoadPlan, Page
from loadtest.worker.target import PROPAGATIONS, W3C, Target

DEFAULTS = LoadPlan()
STORE = ServiceKey(namespace="ui", name="ui")
"""Who answers the pages that are opened where none are given."""
FRONT_PAGE = Page(name="front", path="/", weight=1)
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs of this room."""
    run = verb(verbs, "run", run_command, summary="Measure one mode and leave a run folder.")
    add_mode(run)
    run.add_argument("--keep", action="store_true", help="leave the mode in force afterwards")
    add_json(run)
    add_load(run)


def add_load(parser: Parser, *, has_arm: bool = True) -> None:
    """Options that say where, how much and how long; *has_arm*: whether all windows have one label."""
    add_place(parser, several=True)
    parser.set_defaults(callers=None)
    parser.section("where").add_argument(
        "--client",
        action=FirstAndFurther,
        const="callers",
        type=service_key,
        default="ui/ui",
        metavar="NS/NAME",
        help="who calls it; repeated, it names the caller of each further --service, in the same order",
    )
    _add_amount(parser)
    _add_pages(parser)
    add_locustfile(parser)
    _add_target(parser)
    add_recycle(parser)
    kept = parser.section("what is kept")
    if has_arm:
        kept.add_argument(
            "--arm", type=label, metavar="LABEL", help="name of what is measured; default: the mode"
        )
    kept.add_argument(
        "--runs", type=path, default=Path("runs"), metavar="FOLDER", help="where run folders are made"
    )


def _add_amount(parser: Parser) -> None:
    """How much load, and how long."""
    load = parser.section("load")
    load.add_argument(
        "--rate",
        type=_rate,
        default=rate_text.rate_of(DEFAULTS),
        help=f"requests/s over all zones: {rate_text.FORMS}",
    )
    load.add_argument(
        "--arrivals",
        type=lower,
        choices=ARRIVALS,
        default=DEFAULTS.arrivals,
        help="evenly spaced, or at random times (Poisson)",
    )
    load.add_argument(
        "--users", type=count, default=DEFAULTS.users, metavar="N", help="most requests at the same time"
    )
    load.add_argument(
        "--workers",
        type=workers_each,
        metavar="N",
        help="load generators in each zone; default: 1 on the lab, those that are there on a cluster",
    )
    load.add_argument(
        "--duration",
        type=seconds,
        default=DEFAULTS.duration_s,
        metavar="TIME",
        help="how long each window is measured, e.g. 90s or 10m",
    )
    load.add_argument(
        "--warmup",
        type=seconds,
        default=DEFAULTS.warmup_s,
        metavar="TIME",
        help="how long load is sent before each window",
    )
    load.add_argument(
        "--seed",
        type=int,
        default=DEFAULTS.seed,
        metavar="N",
        help="the same number gives the same order of pages, and the same random times of arrival",
    )


def _add_target(parser: Parser) -> None:
    """Options that say what is loaded, if not simply the client Service."""
    into = parser.section("what is loaded")
    into.add_argument("--target", metavar="URL", default="", help="default: the client Service")
    into.add_argument("--target-ca", type=path, metavar="FILE", help="certificates to trust, as PEM")
    into.add_argument(
        "--target-insecure", action="store_true", help="check no certificate; the report says so"
    )
    into.add_argument(
        "--target-unchecked",
        action="store_true",
        help="load a target even if nobody can tell that it leads to the client; the report says so",
    )
    into.add_argument(
        "--propagate",
        type=lower,
        choices=PROPAGATIONS,
        default=W3C,
        help="the header that carries the trace: traceparent, X-Amzn-Trace-Id, or both",
    )


def target_of(args: argparse.Namespace) -> Target:
    """What the options of ``add_load`` say of the target; UsageError for a file that holds no certificate."""
    url = args.target.rstrip("/")
    for name in ("target_ca", "target_insecure"):
        if getattr(args, name) and url.startswith("http:"):
            raise UsageError(f"--{name.replace('_', '-')} is for https, but the target is {url}")
    return Target(
        url=url,
        ca=_certificates(args.target_ca) if args.target_ca else "",
        insecure=args.target_insecure,
        propagate=args.propagate,
    )


def _certificates(file: Path) -> str:
    """The certificates of a PEM file and nothing else of it: a key beside them stays where it is."""
    try:
        found = _CERTIFICATE.findall(file.read_text())
        ssl.create_default_context(cadata="\n".join(found) or "no certificate")
    except (OSError, ValueError) as error:
        raise UsageError(f"--target-ca {file}: {error}; give a file of certificates as PEM") from error
    return "\n".join(found) + "\n"


def _rate(text: str) -> rate_text.AskedRate:
    try:
        return rate_text.parse(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--rate ")) from error


def _add_pages(parser: Parser) -> None:
    parser.section("load").add_argument(
        "--pages",
        type=path,
        metavar="FILE",
        help="YAML: pages to open, each with name, path, method, headers, body, weight, status, ids or from; "
        "${env:NAME} in headers and body is a variable of the load generators, whose value is never stored",
    )


def add_locustfile(parser: Parser) -> None:
    """The option of a locustfile of the user's own."""
    parser.section("load").add_argument(
        "--locustfile",
        type=path,
        metavar="FILE",
        help="your own Locust users, which then decide what is sent, and how fast",
    )


def add_recycle(parser: Parser) -> None:
    """The option that says whether clients are restarted."""
    parser.section("on a cluster").add_argument(
        "--recycle",
        type=lower,
        choices=RECYCLE,
        default="auto",
        help="restart clients that keep connections open, so that the mode takes effect",
    )


def plan_of(args: argparse.Namespace) -> LoadPlan:
    """The load the options ask for; UsageError names the option that is off."""
    for name in ("duration", "warmup"):
        value = getattr(args, name)
        if not math.isfinite(value) or value < 0 or (value == 0 and name != "warmup"):
            raise UsageError(f"--{name} {value:g}: give a number above 0")
    return LoadPlan(
        rate_per_s=args.rate.per_s,
        steps=args.rate.steps,
        arrivals=args.arrivals,
        users=args.users,
        duration_s=args.duration,
        warmup_s=args.warmup,
        seed=args.seed,
        timeout_s=getattr(args, "request_timeout", DEFAULTS.timeout_s),
        target=target_of(args),
        locustfile=_label_of(args.locustfile, args.users),
        pages=pages_of(args),
    )


def pages_of(args: argparse.Namespace) -> tuple[Page, ...]:
    """The pages to open: the file's, or else the store's; another app's front page on the lab.

    UsageError for a file that does not fit, and on a cluster for an app whose pages nobody has told.
    """
    if args.pages is not None:
        try:
            text = args.pages.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"reading pages {args.pages}: {error}") from error
        return pages_file.parse(text, str(args.pages))
    is_asked_otherwise = getattr(args, "locustfile", None) or getattr(args, "traffic", None) == Traffic.LIVE
    if args.client == STORE or is_asked_otherwise:
        return DEFAULT_PAGES
    if args.platform == "lab":
        return (FRONT_PAGE,)
    raise UsageError(
        f"--client {args.client}: only the pages of {STORE} are known here; say which to open by "
        "--pages FILE, e.g. pages: [{name: front, path: /}]"
    )


def _label_of(locustfile: Path | None, users: int) -> str:
    """What a plan calls a locustfile; UsageError for one that does not load, or wants more users."""
    if locustfile is None:
        return ""
    found = describe(locustfile)
    fixed = sum(one.fixed_count for one in found.classes)
    least = fixed + any(not one.fixed_count for one in found.classes)
    if users < least:
        raise UsageError(
            f"--users {users}: the classes of {locustfile} fix {fixed} users; give --users {least} or more"
        )
    return found.label


def versions() -> tuple[tuple[str, str], ...]:
    """What measured: recorded with every run."""
    return (
        ("samezone", version("samezone")),
        ("locust", version("locust")),
        ("python", python_platform.python_version()),
    )


def load_of(args: argparse.Namespace) -> Load:
    """Who calls whom and how much, as the options of ``add_load`` say."""
    return Load(
        service=args.service,
        client=args.client,
        plan=plan_of(args),
        also=args.also or (),
        callers=args.callers or (),
        traffic=Traffic(getattr(args, "traffic", Traffic.DRIVEN)),
    )


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
            target_unchecked=getattr(args, "target_unchecked", False),
            locustfile=args.locustfile,
            workers=getattr(args, "workers", None) or 1,
            web_login=getattr(args, "web_login", False),
        )
    return ClusterPlatform(
        cluster=cluster,
        environment=io.environment,
        clock=io.clock,
        monotonic=io.monotonic,
        sleep=io.sleep,
        recycle=args.recycle,
        workers=getattr(args, "workers", None),
        target_unchecked=getattr(args, "target_unchecked", False),
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
        job=JobProgress(io),
    )


def run_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone run MODE``: prints the run folder."""
    request = MeasureRequest(
        mode=parse_mode(args.mode), load=load_of(args), runs=args.runs, arm=args.arm, keep=args.keep
    )
    found = measure(session_of(args, io), request)
    if args.json:
        io.write(as_json({"folder": str(found.folder), "record": found.record}))
    else:
        io.write(str(found.folder))
    return ExitCode.DONE
