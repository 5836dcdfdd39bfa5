"""Everything below the pictures as values, in the order of a reader's questions; every format draws these."""

from collections.abc import Iterator

from analysis.report import changed, judgement
from analysis.report.comparison import dependencies, evidence, expected, service, traffic
from analysis.report.lookup import arms, find
from analysis.report.notes import Notes
from analysis.report.tables import Section
from analysis.verdict.compared import Comparison


def sections(comparison: Comparison, notes: Notes) -> tuple[Section, ...]:
    """The sections of *comparison*; the verdict's is missing from one of before there were verdicts."""
    return (
        *_verdict(comparison),
        _numbers(comparison, notes),
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
        Section(key="origin", title="How it was measured", tables=(evidence.provenance(comparison),)),
    )


def _verdict(comparison: Comparison) -> Iterator[Section]:
    verdict, found = comparison.verdict, comparison.effects
    if verdict is None:
        return
    yield Section(
        key="verdict",
        title="What the verdict rests on",
        tables=(
            *judgement.tables({"": verdict}, verdict.null),
            *(() if found is None else (changed.effects(found), changed.counterfactual({"": found}))),
        ),
        folded=(judgement.every_gate(verdict.gates),),
    )


def _dependencies(comparison: Comparison) -> Iterator[Section]:
    found = dependencies.table(comparison)
    if found is not None:
        yield Section(key="dependencies", title="Dependencies", tables=(found,))


def _numbers(comparison: Comparison, notes: Notes) -> Section:
    matrices = tuple(
        traffic.matrix(arm, side, pair, comparison.zones)
        for side, arm in arms(comparison)
        if (pair := find(arm, comparison.focus))
    )
    pods = tuple(traffic.flows(arm, side, comparison.focus, notes) for side, arm in arms(comparison))
    return Section(
        key="numbers",
        title="The numbers",
        tables=(
            traffic.pairs(comparison, notes),
            service.latency(comparison, notes),
            service.loads(comparison, notes),
            evidence.costs(comparison, notes),
        ),
        folded=(*matrices, *pods),
    )
