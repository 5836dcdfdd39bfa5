"""A trial as one self-contained HTML page, of the same make as a comparison's."""

from analysis.report import pictures, prose, units
from analysis.report.drawing import Drawing, Paint
from analysis.report.pages import Picture, Plate, markup, page, shortened
from analysis.report.trial import trial_answer
from analysis.report.trial.timeline import LEAST_WIDTH, PAINTS, timeline
from analysis.report.trial.trial_sections import sections, traffic_of
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
        sections=shortened(sections(trial), "trial.json"),
        at_traffic=traffic_of(trial),
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
