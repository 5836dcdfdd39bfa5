"""Trials for the report's tests: invented windows in interleaved blocks, judged by the real functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from analysis.statistics import blocks, planning, sequential, tournament
from analysis.statistics.blocks import BlockResult
from analysis.statistics.interval import Interval
from analysis.statistics.planning import Precision, Traffic
from analysis.statistics.shares import share_interval
from analysis.statistics.tournament import Contender, Duel
from analysis.trial.values import BlockWindow, Contest, LookTaken, Measuring, Planned, Trial
from analysis.verdict import decision
from analysis.verdict.effects import Block, effects
from analysis.verdict.judged import Decision, Null
from analysis.verdict.requirements import parse
from analysis.verdict.windows import Measured
from loadtest.record import Caveat, Window
from loadtest.worker.plan import LoadPlan
from tests.analysis.report import parts
from tests.analysis.report.comparison.judged_samples import measured
from tests.analysis.report.comparison.samples import HOSTILE
from tests.analysis.report.parts import CATALOG, CATALOG_PODS, START_S, UI, UI_PODS, ZONES, Route, anywhere

WINDOW_S: Final = 65.0
"""From the start of one window to the start of the next one."""
WANTED: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How an arm behaves."""

    route: Route
    slow: float = 1.0
    failures: int = 0


def _own(weight: float) -> Route:
    return lambda client, server: 1.0 if client == server else weight


def _lopsided(client: str | None, server: str | None) -> float:
    """Stays in its zone, but one zone has all the callers' favour."""
    return 1.0 if client == server else 0.55 if server == ZONES[0] else 0.0


MODES: Final[Mapping[str, Mode]] = {
    "off": Mode(route=anywhere),
    "tar": Mode(route=_own(0.004)),
    "prefer-close": Mode(route=_own(0.0)),
    "prefer-same-zone": Mode(route=_own(0.0), slow=1.02),
    "prefer-same-node": Mode(route=_lopsided, slow=1.6, failures=3),
}


def window(mode: str, number: int, *, calls_each: int, sampled: int, cpu_percent: float = 40.0) -> Measured:
    """Window *number* of the trial; its calls wobble a little from window to window."""
    how = MODES[mode]
    start_s = START_S + number * WINDOW_S
    flows = parts.flows_of(UI_PODS, CATALOG_PODS, how.route, calls_each + (number * 37) % 11)
    pair = parts.pair_of((UI, CATALOG), flows, CATALOG_PODS)
    arm = replace(
        parts.arm_of(mode, (pair,), start_s=start_s, hinted=0 if mode == "off" else 6),
        failures=how.failures,
        folder=f"windows/{number:02d}-{mode}",
        window=Window(start_s=start_s, end_s=start_s + 43),
    )
    return measured(
        arm,
        f"window {number} {mode}",
        seed=number,
        slow=how.slow,
        sampled=sampled,
        cpu_percent=cpu_percent,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Everything measured, in order."""

    null: tuple[Block, ...]
    order: tuple[tuple[str, ...], ...]
    blocks: tuple[Mapping[str, Measured], ...]


def _run(
    arms: Sequence[str],
    count: int,
    *,
    calls_each: int,
    sampled: int,
    nulls: int = 1,
    hot: Mapping[int, float] | None = None,
) -> _Run:
    number = 0
    hot = hot or {}

    def measure(mode: str) -> Measured:
        nonlocal number
        found = window(
            mode, number, calls_each=calls_each, sampled=sampled, cpu_percent=hot.get(number, 40.0)
        )
        number += 1
        return found

    null = tuple((measure(arms[0]), measure(arms[0])) for _ in range(nulls))
    order = blocks.schedule(arms, count)
    return _Run(null=null, order=order, blocks=tuple({arm: measure(arm) for arm in one} for one in order))


def _looks(pairs: Sequence[Block], after: Sequence[int], planned: int) -> tuple[LookTaken, ...]:
    """The looks at a running experiment, until one stops it."""
    found: list[LookTaken] = []
    for count in after:
        seen = [(a.chance.by_connection, b.chance.by_connection) for a, b in pairs[:count]]
        if len(seen) < count:
            break

        def at(level: float, seen: Sequence[tuple[object, object]] = seen) -> Interval:
            return blocks.share_difference(seen, level=level).interval  # type: ignore[arg-type] # as above

        taken = sequential.look(
            [one / planned for one in after if one <= count],
            at,
            last=count == planned,
            wanted_half_width=WANTED,
        )
        found.append(
            LookTaken(
                after_blocks=count,
                interval=taken.interval,
                boundary_z=taken.boundary_z,
                action=taken.action,
                reason=taken.reason,
            )
        )
        if taken.action is sequential.Action.STOP:
            break
    return tuple(found)


def _contest(
    arm: str,
    run: _Run,
    reference: str,
    *,
    null: Null | None,
    after: Sequence[int],
    planned: int,
    required: Sequence[str],
) -> Contest:
    pairs = [(one[reference], one[arm]) for one in run.blocks]
    found = effects(pairs)
    looks = _looks(pairs, after, planned)
    windows = [*(one for pair in run.null for one in pair), *(one for pair in pairs for one in pair)]
    times = np.concatenate([one.latencies.value_s for _, one in pairs])
    return Contest(
        arm=arm,
        effects=found,
        gain=looks[-1].interval,
        looks=looks,
        verdict=decision.decide(
            found,
            gates=decision.gates_of(windows),
            null=null,
            required=tuple(map(parse, required)),
            share=looks[-1].interval,
        ),
        p99_s=float(np.quantile(times, 0.99)),
    )


def _window_of(block: int, one: Measured) -> BlockWindow:
    failed = tuple(gate.name for gate in decision.gates_of([one]) if not gate.passed)
    return BlockWindow(
        block=block,
        arm=one.mode,
        folder=one.folder,
        start_s=one.evidence.window.start_s,
        share=share_interval(one.chance.by_connection),
        design_effect=one.chance.design_effect,
        calls=one.pair.calls,
        unknown=one.pair.unknown,
        requests=one.requests,
        failures=one.failures,
        rate_per_s=one.result.rate_per_s,
        p99_s=float(np.quantile(one.latencies.value_s, 0.99)),
        cost=one.result.costs[0],
        failed_gates=failed,
    )


def _planned(count: int, after: Sequence[int], calls_each: int) -> Planned:
    traffic = Traffic(calls_per_s=calls_each * 3 / 40, design_effect=1.0)
    fixed = planning.fixed_seconds(traffic, Precision(half_width=WANTED))
    return Planned(
        blocks=count,
        block_s=40.0,
        looks_after=tuple(after),
        wanted_half_width=WANTED,
        expected_half_width=planning.half_width(count * 40 * traffic.calls_per_s, 1 / 3, 0.98),
        design_effect=1.0,
        fixed_run_s=None if fixed is None else fixed.seconds,
        hour_half_width=planning.fixed_run(traffic, 3600).half_width,
    )


def _standing(run: _Run, contests: Sequence[Contest], arms: Sequence[str]) -> tournament.Standing:
    results: dict[tuple[str, str], BlockResult] = {}
    for place, left in enumerate(arms):
        for right in arms[place + 1 :]:
            results[left, right] = blocks.share_difference(
                [(one[left].chance.by_connection, one[right].chance.by_connection) for one in run.blocks]
            )
    contenders = [
        Contender(
            mode=one.arm,
            share=one.effects.share_after.estimate,
            p99_s=one.p99_s,
            skew=one.effects.skew.estimate if one.effects.skew else None,
            usd_per_month=one.effects.usd_after.estimate if one.effects.usd_after else None,
            passes=one.verdict.decision is Decision.PASS,
        )
        for one in contests
    ]
    first = contests[0].effects
    contenders.insert(0, Contender(mode=arms[0], share=first.share_before.estimate, passes=False))
    duels = [
        Duel(left=left, right=right, interval=one.interval, p_value=one.p_value)
        for (left, right), one in results.items()
    ]
    return tournament.standing(contenders, duels)


def trial(
    arms: Sequence[str],
    *,
    planned: int,
    after: Sequence[int],
    measured_blocks: int,
    calls_each: int = 600,
    sampled: int = 300,
    nulls: int = 2,
    required: Sequence[str] = (),
    hot: Mapping[int, float] | None = None,
    stopped: str = "a change is shown: zero lies outside its interval",
) -> Trial:
    """A trial of *arms* that was stopped after *measured_blocks* of *planned* blocks."""
    run = _run(arms, measured_blocks, calls_each=calls_each, sampled=sampled, nulls=nulls, hot=hot)
    null = decision.null_of(run.null) if run.null else None
    contests = tuple(
        _contest(arm, run, arms[0], null=null, after=after, planned=planned, required=required)
        for arm in arms[1:]
    )
    standing = _standing(run, contests, arms) if contests[1:] else None
    lead = contests[0] if standing is None else next((c for c in contests if c.arm == standing.choice), None)
    windows = [_window_of(0, one) for pair in run.null for one in pair]
    windows += [_window_of(n, one[arm]) for n, one in enumerate(run.blocks, 1) for arm in run.order[n - 1]]
    return Trial(
        created_s=START_S + len(windows) * WINDOW_S + 20,
        platform="lab",
        context="samezone-lab",
        region="eu-west-1",
        zones=ZONES,
        service="catalog/catalog",
        client="ui/ui",
        plan=LoadPlan(),
        arms=tuple(arms),
        order=run.order,
        planned=_planned(planned, after, calls_each),
        null=null,
        windows=tuple(windows),
        contests=contests,
        standing=standing,
        decision=Decision.FAIL if lead is None else lead.verdict.decision,
        reasons=("no mode passes its guards",) if lead is None else lead.verdict.reasons,
        stopped=stopped,
        measuring=Measuring(seconds=len(windows) * WINDOW_S, traces=len(windows) * 2000, usd=0.31),
        versions=(("samezone", "0.1.0"), ("Kubernetes API", "v1.34.0")),
        caveats=(Caveat(code="lab", text="Zones are emulated on one machine."),),
    )


@cache
def two() -> Trial:
    """Off against TAR: stopped at the first look, and it passes."""
    return trial(("off", "tar"), planned=4, after=(2, 4), measured_blocks=2, required=("same_zone>=95%",))


@cache
def five() -> Trial:
    """All modes: one is cheapest, one breaks its guards."""
    return trial(tuple(MODES), planned=10, after=(5, 10), measured_blocks=5, calls_each=360, sampled=110)


@cache
def failing() -> Trial:
    """Off against a mode that keeps calls but slows them down and leans on one zone."""
    return trial(("off", "prefer-same-node"), planned=4, after=(2, 4), measured_blocks=2)


@cache
def open_() -> Trial:
    """Two blocks of few calls decide nothing; somebody stopped it."""
    return trial(
        ("off", "tar"),
        planned=4,
        after=(2, 4),
        measured_blocks=2,
        calls_each=60,
        sampled=30,
        nulls=8,
        stopped="the time that was allowed is over",
    )


@cache
def broken() -> Trial:
    """The load generator was saturated in one window."""
    return trial(("off", "tar"), planned=4, after=(2, 4), measured_blocks=2, hot={5: 98.0})


@cache
def early() -> Trial:
    """Ended after the null pair: nothing was contested."""
    whole = two()
    return replace(
        whole,
        order=(),
        contests=(),
        windows=tuple(one for one in whole.windows if one.block == 0),
        decision=Decision.INVALID,
        reasons=("interrupted before the first block was complete",),
        stopped="interrupted",
    )


@cache
def hostile() -> Trial:
    """Every text that comes from elsewhere tries to break out."""
    whole = two()
    contest = replace(whole.contests[0], arm=HOSTILE)
    return replace(
        whole,
        platform=HOSTILE,
        context=HOSTILE,
        region=HOSTILE,
        zones=(HOSTILE,),
        service=HOSTILE,
        client=HOSTILE,
        arms=("off", HOSTILE),
        contests=(contest,),
        windows=tuple(
            replace(one, arm=HOSTILE, folder=HOSTILE, failed_gates=(HOSTILE,)) for one in whole.windows
        ),
        reasons=(*whole.reasons, HOSTILE),
        stopped=HOSTILE,
        versions=((HOSTILE, HOSTILE),),
        caveats=(Caveat(code=HOSTILE, text=HOSTILE),),
    )
