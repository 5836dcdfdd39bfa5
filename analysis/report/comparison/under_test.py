"""The pairs under test, where several Services had the mode: each with its verdict, and the one over all."""

from collections.abc import Iterator
from dataclasses import replace

from analysis.report import changed, counted, judgement, names, units
from analysis.report.comparison import evidence, expected, service, traffic
from analysis.report.judgement import Banner
from analysis.report.lookup import arms, change_of, find
from analysis.report.notes import Notes
from analysis.report.tables import Cell, Section, Table, Tone, columns, row
from analysis.verdict.compared import Comparison
from analysis.verdict.judged import Decision, Verdict

_UNMARKED = Notes(items=())
"""Footnotes of a further pair name it in their text."""


def banner(comparison: Comparison) -> Banner | None:
    """What stands above everything else: the verdict, and of several pairs the worst one's."""
    if comparison.verdict is None or comparison.decision is None:
        return None
    if not comparison.further:
        return judgement.of_verdict(comparison.verdict)
    worst_first = sorted(_verdicts(comparison), key=lambda one: one[1].decision is not comparison.decision)
    reasons = [
        f"{pair}: {reason}" for pair, verdict in worst_first for reason in judgement.sentences(verdict)
    ]
    advice = next((verdict.advice for _, verdict in worst_first if verdict.advice), "")
    return judgement.banner(comparison.decision, (combined(comparison), *reasons), advice)


def combined(comparison: Comparison) -> str:
    """How the verdict over all came out of the pairs' own, in one sentence."""
    each = ", ".join(f"{pair} {verdict.decision.value}" for pair, verdict in _verdicts(comparison))
    why = "all of them pass" if comparison.decision is Decision.PASS else "the worst one decides"
    return f"{units.count(len(comparison.each))} pairs are under test, and {why}: {each}."


def label(comparison: Comparison) -> str:
    """The pair's name."""
    return names.pair(*comparison.focus)


def _verdicts(comparison: Comparison) -> Iterator[tuple[str, Verdict]]:
    for one in comparison.each:
        if one.verdict is not None:
            yield label(one), one.verdict


def sections(comparison: Comparison) -> Iterator[Section]:
    """All pairs side by side, then each further one for itself; nothing where there is one pair."""
    if not comparison.further:
        return
    yield Section(key="under-test", title="Pairs under test", tables=(summary(comparison),))
    for number, one in enumerate(comparison.further, start=2):
        yield _section(one, number)


def summary(comparison: Comparison) -> Table:
    """One row a pair: its verdict, its share, what it costs, and what was predicted."""
    heads = ("Same zone before", "Same zone after", "Change", "Predicted after", "Cost change")
    return Table(
        key="under-test",
        stacked=True,
        title="Every pair under test",
        about=(
            "The mode was set on all of these Services together. Each pair is judged for itself; over all of "
            "them a fail counts first, then what is invalid, then what is open: a pass takes all of them."
        ),
        columns=columns("Service", "Pair", "Verdict", numbers=heads),
        rows=tuple(_row(one) for one in comparison.each),
    )


def _row(one: Comparison) -> tuple[Cell, ...]:
    shares = [pair.share if (pair := find(arm, one.focus)) else None for _, arm in arms(one)]
    change = change_of(one, one.focus)
    prediction = one.candidate.expectation
    decision = None if one.verdict is None else one.verdict.decision
    return (
        *row(one.service, label(one)),
        Cell(
            text=units.NOTHING if decision is None else judgement.decision_text(decision),
            tone=Tone.PLAIN if decision is None else judgement.tone(decision),
        ),
        *row(*map(units.percent_interval, shares)),
        Cell(
            text=units.points_change(change.share, changed=change.changed) if change else units.NOTHING,
            tone=Tone.STRONG,
        ),
        *row(
            units.percent(prediction.share if prediction else None),
            units.usd_month_change(change.usd_per_month if change else None),
        ),
    )


def _section(one: Comparison, number: int) -> Section:
    """What the report says of the first pair, of a further one."""
    found, verdict = one.effects, one.verdict
    tables = (
        *(() if verdict is None else judgement.tables({"": verdict}, verdict.null)),
        *(
            ()
            if found is None
            else (
                changed.effects(found, noun=counted.many(one.candidate.unit)),
                changed.counterfactual({"": found}),
            )
        ),
        service.latency(one, _UNMARKED),
        service.loads(one, _UNMARKED),
        evidence.trust(one, _UNMARKED),
        evidence.routing(one, _UNMARKED),
        expected.table(one, _UNMARKED),
        evidence.events(one),
        evidence.unknown_calls(one),
    )
    matrices = [
        traffic.matrix(arm, side, pair, one.zones)
        for side, arm in arms(one)
        if (pair := find(arm, one.focus))
    ]
    pods = [traffic.flows(arm, side, one.focus, _UNMARKED) for side, arm in arms(one)]
    gates = () if verdict is None else (judgement.every_gate(verdict.gates),)
    return Section(
        key=f"pair-{number}",
        title=f"{label(one)}, Service {one.service}",
        tables=tuple(_numbered(table, number) for table in tables),
        folded=tuple(_numbered(table, number) for table in (*gates, evidence.methods(one), *matrices, *pods)),
    )


def _numbered(table: Table, number: int) -> Table:
    return replace(table, key=f"{table.key}-{number}")
