"""A rate as the command line says it: constant, a ramp, or steps (pure).

``50``, ``1.5k``; ``ramp:10-100/30s``: from 10 to 100 requests/s in 30 s, which then go on;
``steps:20x10s,50x10s``: 20 requests/s for 10 s, then 50, which go on.
"""

import re
from dataclasses import dataclass
from typing import Final

from k8s.errors import UsageError
from loadtest.worker.arrivals import EVEN, Profile, RateStep, constant
from loadtest.worker.plan import LoadPlan

FORMS: Final = "50, ramp:10-100/30s (from, to, in) or steps:20x10s,50x10s (rate x seconds, then the next)"
_NUMBER = r"\d+(?:\.\d+)?|\.\d+"
_RAMP = re.compile(rf"ramp:({_NUMBER})-({_NUMBER})/({_NUMBER})s?")
_THOUSANDS = re.compile(rf"({_NUMBER})[kK]")
_STEP = re.compile(rf"({_NUMBER})x({_NUMBER})s?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRate:
    """What ``--rate`` says."""

    per_s: float
    """The constant rate; where there are steps, the greatest one."""
    steps: tuple[RateStep, ...] = ()

    def __str__(self) -> str:
        """As it can be given again."""
        if not self.steps:
            return f"{self.per_s:g}"
        first = self.steps[0]
        if first.begin_per_s != first.end_per_s:
            return f"ramp:{first.begin_per_s:g}-{first.end_per_s:g}/{first.seconds:g}s"
        return "steps:" + ",".join(f"{step.begin_per_s:g}x{step.seconds:g}s" for step in self.steps)


def parse(text: str) -> AskedRate:
    """Read it; UsageError names the forms."""
    thousands = _THOUSANDS.fullmatch(text)
    try:
        return AskedRate(per_s=constant(float(thousands[1]) * 1000 if thousands else float(text)).peak_per_s)
    except ValueError:
        pass
    except UsageError:
        raise UsageError(f"--rate {text}: give a number above 0") from None
    if ramp := _RAMP.fullmatch(text):
        begin, end, seconds = map(float, ramp.groups())
        steps: tuple[RateStep, ...] = (RateStep(begin_per_s=begin, end_per_s=end, seconds=seconds),)
    else:
        kind, _, listed = text.partition(":")
        found = [_STEP.fullmatch(one) for one in listed.split(",")]
        if kind != "steps" or None in found:
            raise UsageError(f"--rate {text}: give {FORMS}")
        steps = tuple(
            RateStep(begin_per_s=float(one[1]), end_per_s=float(one[1]), seconds=float(one[2]))
            for one in found
            if one
        )
    try:
        return AskedRate(per_s=Profile(steps).peak_per_s, steps=steps)
    except UsageError as error:
        raise UsageError(f"--rate {text}: {str(error).removeprefix('load plan: ')}") from error


def rate_of(plan: LoadPlan) -> AskedRate:
    """What a plan was asked for by."""
    return AskedRate(per_s=plan.profile.peak_per_s, steps=plan.steps)


def beside_mean(plan: LoadPlan) -> str:
    """What a mean rate leaves out, in brackets: the profile and arrivals by chance; else empty."""
    told = [str(rate_of(plan))] * bool(plan.steps) + [plan.arrivals] * (plan.arrivals != EVEN)
    return f" ({', '.join(told)})" if told else ""
