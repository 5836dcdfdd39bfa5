"""What the pods call besides each other: databases, cloud services, outside APIs."""

from analysis.report import names, units
from analysis.report.lookup import arms
from analysis.report.notes import Side
from analysis.report.tables import Column, Table, columns, row
from analysis.verdict.compared import Comparison


def table(comparison: Comparison) -> Table | None:
    """One row for each workload and zone that calls something; None where nothing was called.

    Such a callee sends no document of its own, so it is neither a loss nor placed in a zone, and no part of
    coverage.
    """
    seen: dict[tuple[str, str, str, str | None], dict[Side, str]] = {}
    for side, arm in arms(comparison):
        for one in arm.dependencies:
            key = (one.name, one.type, str(one.client), one.client_zone)
            seen.setdefault(key, {})[side] = units.count(one.calls)
    if not seen:
        return None
    return Table(
        key="dependencies",
        title="Databases, cloud services and outside APIs",
        about=(
            "What was called besides pods. None of these sends trace documents, so its zone is not "
            "known; these calls are part of no share, no coverage and no cost above."
        ),
        columns=(
            *columns("Name", "Type", "Called by", "From zone"),
            *(Column(title=f"Calls {side.value}", numeric=True) for side in (Side.BEFORE, Side.AFTER)),
        ),
        rows=tuple(
            row(
                name,
                kind or units.NOTHING,
                client,
                names.zone(zone),
                *(calls.get(side, units.NOTHING) for side in (Side.BEFORE, Side.AFTER)),
            )
            for (name, kind, client, zone), calls in sorted(seen.items(), key=_order)
        ),
    )


def _order(item: tuple[tuple[str, str, str, str | None], object]) -> tuple[str, str, str, bool, str]:
    (name, kind, client, zone), _ = item
    return (name, kind, client, zone is None, zone or "")
