"""A trial for a terminal of 80 columns, with or without colour."""

from collections.abc import Iterator

from rich.console import Group, RenderableType

from analysis.report import judgement, measures, names, units
from analysis.report.measures import Scale, figure
from analysis.report.tables import Tone
from analysis.report.terminal import NAME, footnotes, grid, headline, points, stacked, table, text
from analysis.report.trial import trial_answer, trial_tables
from analysis.trial.values import Trial
from analysis.verdict.guards import Outcome
from analysis.verdict.judged import Verdict


def trial(found: Trial) -> RenderableType:
    """The decision, every mode in a column, how it went, and every caveat."""
    shown = trial_answer.answer(found)
    verdicts = {contest.arm: contest.verdict for contest in found.contests}
    return Group(
        headline(shown.headline, trial_answer.banner(found)),
        points(f"{arm.label}: {arm.text}" for arm in shown.arms),
        *((modes(found),) if found.contests else ()),
        points(f"{fact.label}: {fact.text}" for fact in shown.facts),
        *_open(found),
        *_tables(found, verdicts),
        footnotes(trial_answer.remarks(found), trial_answer.WHOLE),
    )


def _tables(found: Trial, verdicts: dict[str, Verdict]) -> Iterator[RenderableType]:
    broken = judgement.failed_gates(judgement.gates_of(verdicts))
    if broken is not None:
        yield table(broken)
    yield table(trial_tables.plan(found))


def _open(found: Trial) -> Iterator[RenderableType]:
    """The guards of modes that did not pass."""
    for contest in found.contests:
        missed = [one for one in contest.verdict.guards if one.outcome is not Outcome.PASS]
        if missed and len(found.contests) > 1:
            yield text(f"{contest.arm}:", Tone.STRONG)
            yield points(f"{measures.outcome(one)[:1]} {measures.guard_sentence(one)}" for one in missed)


def modes(found: Trial) -> RenderableType:
    """A row for each mode; the figures that do not fit are in the page."""
    rows = grid("mode", "verdict", "share", "gained", "p99", "cost a month", words=2)
    first = found.contests[0].effects
    rows.add_row(
        text(names.elide(found.arms[0], NAME)),
        text("reference", Tone.UNKNOWN),
        text(units.percent(first.share_before.estimate)),
        text(""),
        text(""),
        text(units.NOTHING if first.usd_before is None else units.usd(first.usd_before.estimate)),
    )
    for contest in found.contests:
        effects, decision = contest.effects, contest.verdict.decision
        ratio = effects.p99_ratio
        rows.add_row(
            text(names.elide(contest.arm, NAME)),
            text(judgement.decision_text(decision), judgement.tone(decision)),
            text(units.percent(effects.share_after.estimate), Tone.STRONG),
            stacked(figure(Scale.POINTS, contest.gain), Tone.STRONG),
            text(units.NOTHING if ratio is None else units.times(ratio.estimate)),
            text(units.NOTHING if effects.usd_after is None else units.usd(effects.usd_after.estimate)),
        )
    return rows
