"""Everything below the pictures as values, in the order of a reader's questions; every format draws these."""

from collections.abc import Iterator

from analysis.report import at_traffic, changed, counted, judgement, names
from analysis.report.comparison import (
    dependencies,
    evidence,
    expected,
    onward,
    over_time,
    service,
    traffic,
    under_test,
)
from analysis.report.lookup import arms, find
from analysis.report.notes import Notes
from analysis.report.tables import Section, Table
from analysis.verdict.compared import Comparison


def sections(comparison: Comparison, notes: Notes) -> tuple[Section, ...]:
    """The sections of *comparison*; the verdict's is missing from one of before there were verdicts."""
    return (
        *_verdict(comparison),
        *under_test.sections(comparison),
        _numbers(comparison, notes),
        *_onward(comparison),
        *_dependencies(comparison),
        Section(
            key="checks",
            title="Checks and routing",
            tables=(
                evidence.trust(comparison, notes),
                evidence.routing(comparison, notes),
                expected.table(comparison, notes),
                evidence.events(comparison),
                service.shoppers(comparison, notes),
                evidence.unknown_calls(comparison),
            ),
            folded=(evidence.methods(comparison),),
        ),
        Section(
            key="origin",
            title="How it was measured",
            tables=(evidence.provenance(comparison),),
            folded=tuple(_queries(comparison)),
        ),
    )


def _queries(comparison: Comparison) -> Iterator[Table]:
    """Of both arms: the same questions about two windows."""
    yield from counted.queries((*comparison.baseline.queries, *comparison.candidate.queries))


def _verdict(comparison: Comparison) -> Iterator[Section]:
    verdict, found = comparison.verdict, comparison.effects
    if verdict is None:
        return
    yield Section(
        key="verdict",
        title="What the verdict rests on",
        tables=(
            *judgement.tables({"": verdict}, verdict.null),
            *(
                ()
                if found is None
                else (
                    changed.effects(found, noun=counted.many(comparison.candidate.unit)),
                    changed.counterfactual({"": found}),
                )
            ),
        ),
        folded=(judgement.every_gate(verdict.gates),),
    )


def _dependencies(comparison: Comparison) -> Iterator[Section]:
    found = dependencies.table(comparison)
    if found is not None:
        yield Section(key="dependencies", title="Dependencies", tables=(found,))


def _onward(comparison: Comparison) -> Iterator[Section]:
    found = onward.table(comparison)
    if found is not None:
        yield Section(key="onward", title="Where the calls go next", tables=(found,))


def _numbers(comparison: Comparison, notes: Notes) -> Section:
    matrices = tuple(
        traffic.matrix(arm, side, pair, comparison.zones)
        for side, arm in arms(comparison)
        if (pair := find(arm, comparison.focus))
    )
    scaled = traffic_of(comparison)
    pods = tuple(traffic.flows(arm, side, comparison.focus, notes) for side, arm in arms(comparison))
    return Section(
        key="numbers",
        title="The numbers",
        tables=(
            traffic.pairs(comparison, notes),
            service.latency(comparison, notes),
            service.loads(comparison, notes),
            evidence.costs(comparison, notes),
            *(() if scaled is None else (at_traffic.table(scaled),)),
            *over_time.tables(comparison),
        ),
        folded=(*over_time.folded(comparison), *matrices, *pods),
    )


def traffic_of(comparison: Comparison) -> at_traffic.AtTraffic | None:
    """What crossing costs at other rates; None where it is not known."""
    before, after = (evidence.cost_of(arm, comparison) for _, arm in arms(comparison))
    noun = counted.many(comparison.candidate.unit)
    return at_traffic.of_costs(names.pair(*comparison.focus), noun, before, after)
