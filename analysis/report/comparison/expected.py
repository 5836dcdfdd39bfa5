"""Predicted and observed share: what the hints seen lead one to expect, and what became of it."""

from collections.abc import Callable, Iterator
from functools import partial

from analysis.model import ArmResult, Expectation
from analysis.report import names, units
from analysis.report.lookup import arms, find
from analysis.report.notes import Notes, Topic
from analysis.report.tables import Column, Row, Table, Tone, row
from analysis.verdict.compared import Comparison


def table(comparison: Comparison, notes: Notes) -> Table:
    """The same-zone share by kube-proxy's rule, observed, and the named parts of the gap."""
    return Table(
        key="expected",
        title="Predicted and observed share",
        about=(
            "Predicted by kube-proxy's rule from the hints at the start and from where the calls came; the "
            "parts below the prediction say why it is not 100 %. What is left between prediction and "
            "observation is chance, or connections that were opened before the hints."
        ),
        columns=(
            Column(title="Same-zone share"),
            *(
                Column(title=f"{side.value}: {names.arm(arm)}", notes=notes.touching(Topic.SHARE, side=side))
                for side, arm in arms(comparison)
            ),
        ),
        rows=tuple(_rows(comparison)),
        empty="No slices of the Service were recorded, so nothing can be predicted.",
    )


def _rows(comparison: Comparison) -> Iterator[Row]:
    both = [arm for _, arm in arms(comparison)]
    if all(arm.expectation is None for arm in both):
        return
    yield _both(both, "Random routing over all pods", lambda one: units.percent(one.without_hints))
    yield _both(both, "Predicted under the hints seen", lambda one: units.percent(one.share))
    causes = {part.cause: None for arm in both if arm.expectation is not None for part in arm.expectation.gap}
    for cause in causes:
        yield _both(both, f"Lost to: {cause}", partial(_gap, cause=cause))
    pairs = [find(arm, comparison.focus) for arm in both]
    observed = [units.percent_interval(pair.share if pair else None) for pair in pairs]
    yield row("Observed", *observed, tone=Tone.STRONG)
    yield _both(both, "Observed minus predicted", _rest)
    yield _both(both, "Unknown calls, not in the rows above", lambda one: units.percent(one.unknown))


def _both(both: list[ArmResult], label: str, tell: Callable[[Expectation], str]) -> Row:
    return row(label, *(units.NOTHING if arm.expectation is None else tell(arm.expectation) for arm in both))


def _gap(one: Expectation, *, cause: str) -> str:
    parts = [part for part in one.gap if part.cause == cause]
    if not parts:
        return units.percent(0.0)
    zones = sorted({zone for part in parts for zone in part.zones})
    where = f" ({', '.join(zones)})" if zones else ""
    return units.percent(sum(part.share for part in parts)) + where


def _rest(one: Expectation) -> str:
    rest = one.observed_minus_expected
    if rest is None:
        return units.NOTHING
    return f"{units.points(rest.estimate)} {units.points_bounds(rest)}"
