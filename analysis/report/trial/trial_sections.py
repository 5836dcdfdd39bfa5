"""Everything below a trial's pictures as values; every format draws these."""

from analysis.report import changed, judgement
from analysis.report.tables import Section, Table
from analysis.report.trial import trial_tables
from analysis.trial.values import Trial


def sections(trial: Trial) -> tuple[Section, ...]:
    """Everything below the pictures, in the order of a reader's questions."""
    verdicts = {contest.arm: contest.verdict for contest in trial.contests}
    effects = {contest.arm: contest.effects for contest in trial.contests}
    both: tuple[Table | None, ...] = (trial_tables.standing(trial), trial_tables.duels(trial))
    gates = judgement.gates_of(verdicts)
    tables = tuple(
        changed.effects(found, key=f"effects-{number}", title=f"What changed: {arm} against {trial.arms[0]}")
        for number, (arm, found) in enumerate(effects.items(), start=1)
    )
    return (
        Section(
            key="contests",
            title="The modes",
            tables=(trial_tables.contests(trial), *(one for one in both if one is not None)),
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
        Section(
            key="course",
            title="How it went",
            tables=(trial_tables.plan(trial), trial_tables.looks(trial), trial_tables.measuring(trial)),
            folded=(trial_tables.windows(trial),),
        ),
        Section(key="origin", title="How it was measured", tables=(trial_tables.provenance(trial),)),
    )
