"""A trial's first screen in words: the answer in one sentence, its figures, and the facts beside it."""

from collections.abc import Iterator
from dataclasses import replace

from analysis.report import judgement, measures, names, units
from analysis.report.first_screen import Answer, Fact, Figure
from analysis.report.judgement import Banner
from analysis.report.measures import Scale, figure
from analysis.report.notes import Footnote
from analysis.report.tables import Tone
from analysis.trial.values import Contest, Trial
from analysis.verdict.judged import Decision
from loadtest.record import Caveat


def banner(trial: Trial) -> Banner:
    """The decision and its reasons."""
    verdicts = {contest.arm: contest.verdict for contest in trial.contests}
    found = judgement.banner(trial.decision, judgement.told(trial.reasons, verdicts), trial.advice)
    if trial.is_interrupted and trial.decision is Decision.INCONCLUSIVE:
        return replace(
            found, meaning="The trial was interrupted, so nothing is decided; it can be gone on with."
        )
    return found


def answer(trial: Trial) -> Answer:
    """The first screen of *trial*."""
    lead = leading(trial)
    return Answer(
        headline=headline(trial),
        figures=() if lead is None else tuple(_figures(trial, lead)),
        facts=tuple(_facts(trial)),
    )


def pair(trial: Trial) -> str:
    """Who calls whom, without namespaces."""
    return f"{trial.client.rpartition('/')[2]}\u00a0\u2192 {trial.service.rpartition('/')[2]}"


def leading(trial: Trial) -> Contest | None:
    """The contest that the answer is about: the chosen mode's, else the one that gained most."""
    chosen = None if trial.standing is None else trial.standing.choice
    found = next((one for one in trial.contests if one.arm == chosen), None)
    return found or max(trial.contests, key=lambda one: one.gain.estimate, default=None)


def headline(trial: Trial) -> str:
    """The answer in one sentence."""
    calls = f"the same-zone share of {pair(trial)} calls"
    lead = leading(trial)
    if trial.is_interrupted and trial.decision is not Decision.INVALID:
        return f"No conclusion yet about {calls}: the trial was interrupted."
    if lead is None or trial.decision is Decision.INVALID:
        return f"No conclusion about {calls}: the measurement is not valid."
    if trial.standing is not None:
        return _choice(trial, lead)
    was, now = (units.percent(one.estimate) for one in (lead.effects.share_before, lead.effects.share_after))
    cause = names.mode(lead.arm)
    if not units.sure(lead.gain):
        return f"{cause} made no significant difference to {calls}: {was} without, {now} with it."
    verb = "raised" if lead.gain.estimate > 0 else "lowered"
    return f"{cause} {verb} {calls} from {was} to {now}."


def _choice(trial: Trial, lead: Contest) -> str:
    """Which mode to take."""
    chosen = None if trial.standing is None else trial.standing.choice
    if chosen is None:
        return f"Take none of {len(trial.contests)} modes: none passes its guards."
    kept = lead.effects.share_after if chosen == lead.arm else lead.effects.share_before
    return f"Take {chosen}: {units.percent(kept.estimate)} of {pair(trial)} calls stay in their zone."


def _figures(trial: Trial, lead: Contest) -> Iterator[Figure]:
    found = lead.effects
    for title, share in (
        (f"Same-zone share: {trial.arms[0]}", found.share_before),
        (f"Same-zone share: {lead.arm}", found.share_after),
    ):
        seen = f"{units.level(share)} interval {units.share_bounds(share)}"
        detail = f"{seen}; n = {units.count(share.n)} connections"
        yield Figure(title=title, value=units.percent(share.estimate), detail=detail, tone=Tone.STRONG)
    looks = "one look" if len(lead.looks) == 1 else f"{units.count(len(lead.looks))} looks"
    yield Figure(
        title="Difference",
        value=units.points(lead.gain.estimate) if units.sure(lead.gain) else units.SAME,
        detail=f"{units.level(lead.gain)} interval {units.points_bounds(lead.gain)}, adjusted for {looks}",
        tone=Tone.STRONG,
    )
    spent = [None if one is None else one.estimate for one in (found.usd_before, found.usd_after)]
    shown = " \u2192 ".join(units.NOTHING if one is None else units.usd(one) for one in spent)
    yield Figure(
        title="Cross-zone cost per month at this rate",
        value=units.NOTHING if set(spent) == {None} else shown,
        detail=units.usd_month_change(found.usd_gain),
    )


def _facts(trial: Trial) -> Iterator[Fact]:
    if trial.standing is not None:
        yield Fact(label="The tournament", text=trial.standing.sentence)
    yield from _course(trial)
    yield Fact(label="Two equal arms", text=measures.null_sentence(trial.null))
    lead = leading(trial)
    if lead is not None:
        ratio = lead.effects.p99_ratio
        yield Fact(
            label="p99",
            text=f"{lead.arm} takes {figure(Scale.TIMES, ratio)} the time of {trial.arms[0]}.",
        )
    if trial.standing is not None:
        yield Fact(
            label="Pareto set",
            text=f"{', '.join(trial.standing.pareto)}: no other mode is better in share, p99, load or cost "
            "without being worse in another of these.",
        )
    spent = trial.measuring
    yield Fact(
        label="Measuring cost",
        text=f"{units.count(spent.traces)} traces, {units.usd(spent.usd)} at list price.",
    )


def _course(trial: Trial) -> Iterator[Fact]:
    """How far it came, and what else the same precision would have taken."""
    planned, took = trial.planned, units.span(trial.measuring.seconds)
    if planned is None:
        yield Fact(label="Ended", text=f"before any block, {took} in all: {trial.stopped}.")
        return
    blocks = f"{units.count(len(trial.order))} of {units.count(planned.blocks)} blocks"
    yield Fact(label="Ended", text=f"after {blocks}, {took} in all: {trial.stopped}.")
    long = "more than a day" if planned.fixed_run_s is None else units.span(planned.fixed_run_s)
    hour = units.half_width(planned.hour_half_width)
    yield Fact(
        label="A fixed run",
        text=f"of each arm without a break would take {long} for the planned precision; 60{units.GAP}min of "
        f"each arm give {hour}. Neither would show a drift.",
    )


def remarks(trial: Trial) -> tuple[Footnote, ...]:
    """Every caveat, numbered: the trial's own first, then each contest's; equal ones once."""
    raised: dict[Caveat, list[str]] = {}
    for about, caveats in (
        ("the trial", trial.caveats),
        *((contest.arm, contest.effects.caveats) for contest in trial.contests),
    ):
        for caveat in caveats:
            raised.setdefault(caveat, []).append(about)
    return tuple(
        Footnote(number=number, code=caveat.code, text=caveat.text, about=", ".join(dict.fromkeys(about)))
        for number, (caveat, about) in enumerate(raised.items(), start=1)
    )
