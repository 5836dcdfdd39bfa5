"""A trial's first screen in words: the answer in one sentence, its figures, and the facts beside it."""

from collections.abc import Iterator
from dataclasses import replace

from analysis.report import counted, judgement, measures, names, units
from analysis.report.first_screen import Answer, Fact, Figure
from analysis.report.judgement import Banner
from analysis.report.measures import Scale, figure
from analysis.report.notes import Footnote
from analysis.report.tables import Tone
from analysis.trial.values import Contest, FurtherPair, Trial
from analysis.verdict.guards import GuardName
from analysis.verdict.judged import Decision
from loadtest.record import Caveat, Traffic

WHOLE = "the trial"


def banner(trial: Trial) -> Banner:
    """The decision and its reasons."""
    verdicts = {contest.arm: contest.verdict for contest in trial.contests}
    # Reasons of a further pair are led by its name alone, whatever the mode.
    verdicts |= {pair.title: one.verdict for pair in trial.further for one in pair.contests}
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
        arms=tuple(_arms(trial)),
        figures=() if lead is None else tuple(_figures(trial, lead)),
        facts=tuple(_facts(trial)),
    )


def _arms(trial: Trial) -> Iterator[Fact]:
    """What each mode does; of one that does what another does, that."""
    said: dict[str, str] = {}
    for arm in trial.arms:
        text = names.mode_told(arm)
        what = text.removeprefix(f"{names.mode(arm)}: ")
        first = said.setdefault(what, arm)
        yield Fact(label=arm, text=text if first == arm else f"{names.mode(arm)}: the same as {first}.")


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
    calls = f"the same-zone share of {pair(trial)} {counted.many(trial.unit)}"
    lead = leading(trial)
    if trial.breach is not None:
        return f"The mode was taken back: live traffic fared worse under it than is allowed ({calls})."
    if trial.is_interrupted and trial.decision is not Decision.INVALID:
        return f"No conclusion yet about {calls}: the trial was interrupted."
    if lead is None or trial.decision is Decision.INVALID:
        return f"No conclusion about {calls}: the measurement is not valid."
    if trial.standing is not None:
        return _choice(trial, lead)
    was, now = (units.percent(one.estimate) for one in (lead.effects.share_before, lead.effects.share_after))
    cause = names.mode(lead.arm)
    if not units.sure(lead.gain):
        return f"{cause} made no clear difference to {calls}: {was} without, {now} with it."
    verb = "raised" if lead.gain.estimate > 0 else "lowered"
    return f"{cause} {verb} {calls} from {was} to {now}."


def _choice(trial: Trial, lead: Contest) -> str:
    """Which mode to take."""
    chosen = None if trial.standing is None else trial.standing.choice
    if chosen is None:
        return f"Take none of {len(trial.contests)} modes: none passes its guards."
    kept = lead.effects.share_after if chosen == lead.arm else lead.effects.share_before
    calls = f"{pair(trial)} {counted.many(trial.unit)}"
    return f"Take {chosen}: {units.percent(kept.estimate)} of {calls} stay in their zone."


def _figures(trial: Trial, lead: Contest) -> Iterator[Figure]:
    found = lead.effects
    looks = "one look" if len(lead.looks) == 1 else f"{units.count(len(lead.looks))} looks"
    yield Figure(
        title="Change of the same-zone share",
        value=units.points(lead.gain.estimate) if units.sure(lead.gain) else units.SAME.capitalize(),
        detail=f"{units.level(lead.gain)} interval {units.points_bounds(lead.gain)}, adjusted for {looks}",
        tone=Tone.STRONG,
    )
    for title, share in (
        (f"Same-zone share: {trial.arms[0]}", found.share_before),
        (f"Same-zone share: {lead.arm}", found.share_after),
    ):
        seen = f"{units.level(share)} interval {units.share_bounds(share)}"
        detail = f"{seen}; {units.count(share.n)} connections"
        yield Figure(title=title, value=units.percent(share.estimate), detail=detail, tone=Tone.STRONG)
    spent = [None if one is None else one.estimate for one in (found.usd_before, found.usd_after)]
    shown = " \u2192 ".join(units.NOTHING if one is None else units.usd(one) for one in spent)
    yield Figure(
        title="Cost of crossing zones, a month at this rate",
        value=units.NOTHING if set(spent) == {None} else shown,
        detail=units.usd_month_change(found.usd_gain),
    )


def _facts(trial: Trial) -> Iterator[Fact]:
    if trial.standing is not None:
        # Its first clause is the headline's.
        choice, _, others = trial.standing.sentence.partition("; ")
        if text := others or ("" if trial.standing.choice else choice):
            yield Fact(label="The other modes", text=text)
    for further in trial.further:
        for one in further.contests:
            yield Fact(label=f"Service {further.service}", text=_of_further(further, one))
    yield from _course(trial)
    equal = measures.null_sentence(trial.null)
    # One reason is said once.
    if equal not in banner(trial).reasons:
        yield Fact(label="Two equal arms", text=equal)
    lead = leading(trial)
    if lead is not None:
        ratio = lead.effects.p99_ratio
        unseen = dict(lead.effects.unseen).get(GuardName.P99)
        took = f"{lead.arm} takes {figure(Scale.TIMES, ratio)} the time of {trial.arms[0]}."
        yield Fact(label="Slowest 1 % of calls (p99)", text=took if unseen is None else f"{unseen}.")
    if trial.standing is not None:
        yield Fact(
            label="Not beaten",
            text=f"{', '.join(trial.standing.pareto)}: no other mode is better in share, p99, load or cost "
            "without being worse in another of these.",
        )
    if trial.traffic is Traffic.LIVE:
        yield Fact(label="Traffic", text="live: nothing was sent, and no trace made but the app's own.")
        return
    yield Fact(label="What measuring took", text=_measuring_cost(trial))


def _measuring_cost(trial: Trial) -> str:
    """Of traces, where those were what was counted."""
    if trial.source not in counted.TRACED:
        sent = sum(one.requests for one in trial.windows)
        return f"{units.count(sent)} requests; {trial.source} counted them, and no trace was needed."
    traces = f"{units.count(trial.measuring.traces)} traces"
    if trial.source != counted.X_RAY:
        return f"{traces}, at the price of {trial.source}."
    return f"{traces}, {units.usd(trial.measuring.usd)} at list price."


def _of_further(found: FurtherPair, one: Contest) -> str:
    shares = (one.effects.share_before, one.effects.share_after)
    was, now = (units.percent(share.estimate) for share in shares)
    decision = judgement.decision_text(one.verdict.decision)
    calls = f"{names.pair(found.client, found.server)} under {one.arm}"
    return f"{calls}: {was} \u2192 {now}, {figure(Scale.POINTS, one.gain)}: {decision}."


def _course(trial: Trial) -> Iterator[Fact]:
    """How far it came, and what else the same precision would have taken."""
    planned, took = trial.planned, units.span(trial.measuring.seconds)
    if planned is None:
        yield Fact(label="Ended", text=f"before any block, after {took} in all; {trial.stopped}.")
        return
    blocks = f"{units.count(len(trial.order))} of {units.count(planned.blocks)} blocks"
    yield Fact(label="Ended", text=f"after {blocks} and {took} in all; {trial.stopped}.")
    long = "more than a day" if planned.fixed_run_s is None else units.span(planned.fixed_run_s)
    hour = units.half_width(planned.hour_half_width)
    yield Fact(
        label="A fixed run",
        text=f"would take {long} of each arm without a break for the planned precision; 60{units.GAP}min of "
        f"each arm give {hour}. Neither would show a drift.",
    )


def remarks(trial: Trial) -> tuple[Footnote, ...]:
    """Every caveat, numbered: the trial's own first, then each contest's; equal ones once."""
    raised: dict[Caveat, list[str]] = {}
    for about, caveats in (
        (WHOLE, trial.caveats),
        *((contest.arm, contest.effects.caveats) for contest in trial.contests),
        *(
            (f"{pair.title}, {contest.arm}", contest.effects.caveats)
            for pair in trial.further
            for contest in pair.contests
        ),
    ):
        for caveat in caveats:
            raised.setdefault(caveat, []).append(about)
    return tuple(
        Footnote(number=number, code=caveat.code, text=caveat.text, about=", ".join(dict.fromkeys(about)))
        for number, (caveat, about) in enumerate(raised.items(), start=1)
    )
