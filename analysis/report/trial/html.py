"""A trial as one self-contained HTML page, of the same make as a comparison's."""

from analysis.report import judgement, pictures, prose, units
from analysis.report.comparison import changed
from analysis.report.drawing import Drawing, Paint
from analysis.report.pages import Picture, Plate, Section, markup, page
from analysis.report.tables import Table
from analysis.report.trial import trial_answer, trial_tables
from analysis.report.trial.timeline import LEAST_WIDTH, PAINTS, timeline
from analysis.trial.values import Trial


def render(trial: Trial) -> str:
    """The page; a text with ``<``, ``&`` or quotes in any name comes out as that text."""
    drawn = shares(trial)
    return page(
        "trial.html.j2",
        answer=trial_answer.answer(trial),
        banner=trial_answer.banner(trial),
        notes=trial_answer.remarks(trial),
        eyebrow=(
            f"{trial.platform} \u00b7 {trial.context} \u00b7 Service {trial.service} \u00b7 "
            f"{units.utc(min((one.start_s for one in trial.windows), default=trial.created_s))}"
        ),
        title=f"samezone trial: {trial_answer.pair(trial)}",
        in_the_lab=prose.IN_THE_LAB if trial.platform == "lab" else "",
        share_picture=None if drawn is None else markup(drawn),
        plates=_plates(trial),
        sections=sections(trial),
        reading=prose.TRIAL,
        limits=prose.trial_limits(trial),
    )


def _plates(trial: Trial) -> tuple[Plate, ...]:
    drawn = timeline(trial)
    if drawn is None:
        return ()
    picture = Picture(
        svg=markup(drawn),
        caption="Same-zone share of each window with its interval",
        wide=drawn.width if drawn.width > LEAST_WIDTH else None,
    )
    return (
        Plate(
            title="Window by window",
            about=(
                "In the order of time, a stripe for each block. Every block measures every arm, so that "
                "what drifts over hours hits all of them. Hollow marks are windows of the null pairs: two "
                "equal arms. An exclamation mark in a triangle stands below a window with a failed gate."
            ),
            pictures=(picture,),
        ),
    )


def shares(trial: Trial) -> Drawing | None:
    """The share of every arm over all its windows on one axis; None before the first block."""
    if not trial.contests:
        return None
    rows = [(trial.arms[0], trial.contests[0].effects.share_before, Paint.ARM_0)]
    rows += [
        (one.arm, one.effects.share_after, PAINTS[min(place, len(PAINTS) - 1)])
        for place, one in enumerate(trial.contests, start=1)
    ]
    return pictures.intervals(
        [(label, units.percent(share.estimate), share, paint) for label, share, paint in rows]
    )


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
        Section(key="origin", title="Where the numbers come from", tables=(trial_tables.provenance(trial),)),
    )
