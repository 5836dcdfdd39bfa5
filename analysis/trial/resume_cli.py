"""``samezone experiment --resume``: which options were given, and which contradict what is on file."""

import argparse
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from analysis.source import cli as source_cli
from analysis.source.choice import SourceChoice, SourceKind
from analysis.trial.experiment import ExperimentRequest
from analysis.trial.journal import Journal, Reach
from k8s.cli import service_key
from k8s.errors import UsageError
from loadtest.asking import rate_text
from loadtest.record import Traffic
from loadtest.worker.plan import LoadPlan

_PLACE: Final = (
    *("platform", "context", "kubeconfig", "region", "xray_endpoint", "xray_service", "recycle"),
    *("prometheus", "prometheus_user", "prometheus_org", "prometheus_ca", "prometheus_sigv4_region"),
    "prometheus_timeout_s",
    "target_unchecked",
    "workers",
)
"""Where it is: what was given to the trial holds unless it is given anew; another place is refused later."""

_OF_LOAD: Final = frozenset(
    {"rate", "users", "seed", "arrivals", "pages", "locustfile", "target", "target_ca", "target_insecure"}
    | {"propagate", "target_unchecked", "workers"}
)
"""Options of a load that is sent."""

_Get = Callable[[ExperimentRequest], Any]


def _digest(text: str) -> str:
    """Certificates, short enough to be told apart in a line."""
    return sha256(text.encode()).hexdigest()[:12] if text else "none"


_DESIGN: Final[Mapping[str, _Get]] = {
    "arms": lambda one: ",".join(one.design.arms),
    "blocks": lambda one: _order(one.design.order),
    "block_duration": lambda one: one.design.block_s,
    "half_width": lambda one: one.design.goal,
    "detect": lambda one: one.design.goal,
    "power": lambda one: one.design.goal,
    "null_pairs": lambda one: one.design.null_pairs,
    "no_early_stop": lambda one: not one.design.stops_early,
    "service": lambda one: " ".join(map(str, one.load.services)),
    "client": lambda one: " ".join(map(str, (one.load.client, *one.load.callers))),
    "traffic": lambda one: one.load.traffic.value,
    "rate": lambda one: rate_text.rate_of(one.load.plan),
    "arrivals": lambda one: one.load.plan.arrivals,
    "pages": lambda one: _pages(one.load.plan),
    "locustfile": lambda one: one.load.plan.locustfile,
    "users": lambda one: one.load.plan.users,
    "duration": lambda one: one.load.plan.duration_s,
    "warmup": lambda one: one.load.plan.warmup_s,
    "seed": lambda one: one.load.plan.seed,
    "target": lambda one: one.load.plan.target.url,
    "target_ca": lambda one: _digest(one.load.plan.target.ca),
    "target_insecure": lambda one: one.load.plan.target.insecure,
    "propagate": lambda one: one.load.plan.target.propagate,
    "require": lambda one: " ".join(map(str, one.design.terms.required)),
    "share_margin": lambda one: one.design.terms.margins.share,
    "p99_margin": lambda one: one.design.terms.margins.p99_ratio,
    "error_margin": lambda one: one.design.terms.margins.error_rate,
    "skew_margin": lambda one: one.design.terms.margins.skew,
    "request_bytes": lambda one: one.assumed.request,
    "response_bytes": lambda one: one.assumed.response,
    "usd_per_gb": lambda one: one.assumed.usd_per_gb,
    "source": lambda one: one.reach.source or SourceKind.XRAY,
    "profile": lambda one: one.reach.profile,
}
"""Options that decide what is measured and how it is judged; another answer is another experiment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Default:
    """An option's default, told apart from the same value given by a person."""

    value: Any


def mark(parser: argparse.ArgumentParser) -> None:
    """Have *parser* say which options were given; ``settle`` has to read what it makes."""
    for name in (*_PLACE, *_DESIGN):
        if name != "require":  # a list: that it is not empty says the same
            parser.set_defaults(**{name: _Default(value=parser.get_default(name))})


def settle(args: argparse.Namespace) -> frozenset[str]:
    """Put the defaults in place; the names of the options that were given."""
    given = {"require"} if args.require else set()
    for name in (one for one in (*_PLACE, *_DESIGN) if one != "require"):
        value = getattr(args, name)
        if not isinstance(value, _Default):
            given.add(name)
        elif name in {"service", "client"} and isinstance(value.value, str):
            # argparse itself reads only defaults that are texts.
            setattr(args, name, service_key(value.value))
        else:
            setattr(args, name, value.value)
    return frozenset(given)


def refuse_unlive(args: argparse.Namespace, given: frozenset[str]) -> None:
    """UsageError where live traffic has no place for a load, or a source shows too little to watch it by."""
    if args.traffic != Traffic.LIVE:
        return
    if args.source == SourceKind.PROMETHEUS or args.prometheus is not None:
        raise UsageError(
            "--traffic live: a Prometheus shows no single endpoints and, counting connections, no failures, "
            "so nobody could watch the guards under the mode; leave --source and --prometheus out: X-Ray and "
            "aws/spans show them"
        )
    if off := sorted(given & _OF_LOAD):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in off)
        raise UsageError(f"--traffic live: nothing is sent, so {names} would do nothing; leave it out")


def reach_of(args: argparse.Namespace) -> Reach:
    """How the place is reached, as the options say; paths from any folder."""
    choice = source_cli.choice_of(args)
    return Reach(
        kubeconfig=None if args.kubeconfig is None else str(args.kubeconfig.absolute()),
        recycle=args.recycle,
        workers=args.workers,
        target_unchecked=args.target_unchecked,
        **{one.name: getattr(choice, one.name) for one in fields(choice)},
    )


def reach_again(args: argparse.Namespace, kept: Journal, given: frozenset[str]) -> None:
    """Let *args* name the place of a trial, but for the options that were given."""
    reach, place = kept.reach, kept.place
    known = {
        "platform": place.platform,
        "context": None if place.platform == "lab" else place.context,
        "kubeconfig": None if reach.kubeconfig is None else Path(reach.kubeconfig),
        **{one.name: getattr(reach, one.name) for one in fields(SourceChoice)},
        "recycle": reach.recycle,
        "workers": reach.workers,
        "target_unchecked": reach.target_unchecked,
        "service": kept.load.service,
        "client": kept.load.client,
    }
    for name, value in known.items():
        if name not in given:
            setattr(args, name, value)
    if "service" not in given:
        args.also = kept.load.also
    if "client" not in given:
        args.callers = kept.load.callers


def refuse_other_design(folder: Path, kept: Journal, asked: ExperimentRequest, given: frozenset[str]) -> None:
    """UsageError, naming the options that were *given* and contradict the trial's own design."""
    stored = ExperimentRequest(
        design=kept.design.design,
        load=kept.load,
        runs=folder.parent,
        assumed=kept.assumed,
        reach=kept.reach,
    )
    faults = [
        f"--{name.replace('_', '-')} ({get(stored)} there)"
        for name, get in _DESIGN.items()
        if name in given and get(asked) != get(stored)
    ]
    if faults:
        raise UsageError(
            f"going on with {folder}: its design says otherwise: {', '.join(faults)}; leave these out, or "
            "make a new experiment without --resume"
        )


def _pages(plan: LoadPlan) -> str:
    """Names for a person, and a mark of everything else that they say."""
    names = ", ".join(page.name for page in plan.pages)
    return f"{names}, #{zlib.crc32(repr(plan.pages).encode()):08x}"


def _order(order: tuple[tuple[str, ...], ...] | None) -> str | None:
    return None if order is None else " ".join(",".join(block) for block in order)
