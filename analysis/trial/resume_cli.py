"""``samezone experiment --resume``: which options were given, and which contradict what is on file."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analysis.trial.experiment import ExperimentRequest
from analysis.trial.journal import Journal, Reach
from k8s.cli import service_key
from k8s.errors import UsageError
from loadtest.measure import Load

_PLACE: Final = ("platform", "context", "kubeconfig", "region", "xray_endpoint", "xray_service", "recycle")
"""Where it is: what was given to the trial holds unless it is given anew; another place is refused later."""

_Get = Callable[[ExperimentRequest], Any]
_DESIGN: Final[Mapping[str, _Get]] = {
    "arms": lambda one: ",".join(one.design.arms),
    "blocks": lambda one: _order(one.design.order),
    "block_duration": lambda one: one.design.block_s,
    "half_width": lambda one: one.design.goal,
    "detect": lambda one: one.design.goal,
    "power": lambda one: one.design.goal,
    "null_pairs": lambda one: one.design.null_pairs,
    "no_early_stop": lambda one: not one.design.stops_early,
    "service": lambda one: one.load.service,
    "client": lambda one: one.load.client,
    "rate": lambda one: one.load.plan.rate_per_s,
    "users": lambda one: one.load.plan.users,
    "duration": lambda one: one.load.plan.duration_s,
    "warmup": lambda one: one.load.plan.warmup_s,
    "seed": lambda one: one.load.plan.seed,
    "require": lambda one: " ".join(map(str, one.design.terms.required)),
    "share_margin": lambda one: one.design.terms.margins.share,
    "p99_margin": lambda one: one.design.terms.margins.p99_ratio,
    "error_margin": lambda one: one.design.terms.margins.error_rate,
    "skew_margin": lambda one: one.design.terms.margins.skew,
    "request_bytes": lambda one: one.assumed.request,
    "response_bytes": lambda one: one.assumed.response,
    "usd_per_gb": lambda one: one.assumed.usd_per_gb,
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


def reach_of(args: argparse.Namespace) -> Reach:
    """How the place is reached, as the options say; paths from any folder."""
    return Reach(
        kubeconfig=None if args.kubeconfig is None else str(args.kubeconfig.absolute()),
        region=args.region,
        xray_endpoint=args.xray_endpoint,
        xray_service=args.xray_service,
        recycle=args.recycle,
    )


def reach_again(args: argparse.Namespace, kept: Journal, given: frozenset[str]) -> None:
    """Let *args* name the place of a trial, but for the options that were given."""
    reach, place = kept.reach, kept.place
    known = {
        "platform": place.platform,
        "context": None if place.platform == "lab" else place.context,
        "kubeconfig": None if reach.kubeconfig is None else Path(reach.kubeconfig),
        "region": reach.region,
        "xray_endpoint": reach.xray_endpoint,
        "xray_service": reach.xray_service,
        "recycle": reach.recycle,
        "service": kept.load.service,
        "client": kept.load.client,
    }
    for name, value in known.items():
        if name not in given:
            setattr(args, name, value)


def refuse_other_design(folder: Path, kept: Journal, asked: ExperimentRequest, given: frozenset[str]) -> None:
    """UsageError, naming the options that were *given* and contradict the trial's own design."""
    stored = ExperimentRequest(
        design=kept.design.design,
        load=Load(service=kept.load.service, client=kept.load.client, plan=kept.load.plan),
        runs=folder.parent,
        assumed=kept.assumed,
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


def _order(order: tuple[tuple[str, ...], ...] | None) -> str | None:
    return None if order is None else " ".join(",".join(block) for block in order)
