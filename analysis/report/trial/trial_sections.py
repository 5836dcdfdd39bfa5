"""Everything below a trial's pictures as values; every format draws these."""

from dataclasses import replace
from statistics import fmean

from analysis.report import at_traffic, changed, counted, judgement, names
from analysis.report.tables import Section, Table
from analysis.report.trial import trial_tables
from analysis.report.trial.trial_answer import leading, pair
from analysis.trial.values import FurtherPair, Trial


def sections(trial: Trial) -> tuple[Section, ...]:
    """Everything below the pictures, in the order of a reader's questions."""
    verdicts = {contest.arm: contest.verdict for contest in trial.contests}
    effects = {contest.arm: contest.effects for contest in trial.contests}
    both: tuple[Table | None, ...] = (trial_tables.standing(trial), trial_tables.duels(trial))
    gates = judgement.gates_of(verdicts)
    scaled = traffic_of(trial)
    noun = counted.many(trial.unit)
    reasons = [changed.about(one, noun) for one in effects.values()]
    tables = tuple(
        changed.effects(
            found,
            key=f"effects-{number}",
            title=f"What changed: {arm} against {trial.arms[0]}",
            noun=noun,
            # One reason is said once.
            is_told=reasons[number - 1] not in reasons[: number - 1],
        )
        for number, (arm, found) in enumerate(effects.items(), start=1)
    )
    return (
        Section(
            key="contests",
            title="The modes",
            tables=(
                trial_tables.contests(trial),
                *(() if scaled is None else (at_traffic.table(scaled),)),
                *(one for one in both if one is not None),
            ),
        ),
        Section(
            key="verdict",
            title="What the verdict rests on",
            tables=(
                *judgement.tables(verdicts, trial.null),
                *(tables if len(tables) == 1 else ()),
                *((changed.counterfactual(effects),) if effects else ()),
            ),
            folded=(*(tables if len(tables) > 1 else ()), judgement.every_gate(gates)),
        ),
        *(_further(one, trial, number) for number, one in enumerate(trial.further, start=2)),
        Section(
            key="course",
            title="How it went",
            tables=(trial_tables.plan(trial), trial_tables.looks(trial), trial_tables.measuring(trial)),
            folded=(trial_tables.windows(trial),),
        ),
        Section(key="origin", title="How it was measured", tables=(trial_tables.provenance(trial),)),
    )


def traffic_of(trial: Trial) -> at_traffic.AtTraffic | None:
    """What crossing costs at other rates, under the reference and the mode that the answer is about."""
    lead = leading(trial)
    if lead is None:
        return None
    effects, noun = lead.effects, counted.many(trial.unit)
    before, after = (
        (_calls_per_s(trial, arm), usd)
        for arm, usd in ((trial.arms[0], effects.usd_before), (lead.arm, effects.usd_after))
    )
    return at_traffic.of(pair(trial), noun, before, after)


def _calls_per_s(trial: Trial, arm: str) -> float:
    """Over the arm's windows in blocks, which are equally long; 0 where none has them."""
    rates = [
        one.cost.calls_per_s for one in trial.windows if one.arm == arm and one.block and one.cost is not None
    ]
    return fmean(rates) if rates else 0.0


def _further(found: FurtherPair, trial: Trial, number: int) -> Section:
    """Another pair under test: what changed, and what its verdict rests on."""
    verdicts = {one.arm: one.verdict for one in found.contests}
    effects = [
        changed.effects(
            one.effects,
            title=f"What changed: {one.arm} against {trial.arms[0]}",
            noun=counted.many(trial.unit),
        )
        for one in found.contests
    ]
    tables = (*judgement.tables(verdicts, found.null), *effects)
    gates = judgement.every_gate(judgement.gates_of(verdicts))
    return Section(
        key=f"pair-{number}",
        title=f"{names.pair(found.client, found.server)}, Service {found.service}",
        tables=tuple(replace(one, key=f"{one.key}-pair-{number}-{at}") for at, one in enumerate(tables)),
        folded=(replace(gates, key=f"{gates.key}-pair-{number}"),),
    )
