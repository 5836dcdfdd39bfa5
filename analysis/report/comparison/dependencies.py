"""What the pods call besides each other: databases, cloud services, APIs outside."""

from analysis.model import Comparison
from analysis.report import names, units
from analysis.report.lookup import arms
from analysis.report.notes import Side
from analysis.report.tables import Column, Table, columns, row


def tables(comparison: Comparison) -> tuple[Table, ...]:
    """One row for each workload and zone that calls something; no table where nothing was called.

    Such a callee sends no document of its own, so it is neither a loss nor placed in a zone.
    """
    seen: dict[tuple[str, str, str, str | None], dict[Side, str]] = {}
    for side, arm in arms(comparison):
        for one in arm.dependencies:
            key = (one.name, one.type, str(one.client), one.client_zone)
            seen.setdefault(key, {})[side] = units.count(one.calls)
    if not seen:
        return ()
    table = Table(
        key="dependencies",
        title="Dependencies",
        about=(
            "Databases, cloud services and APIs outside that were called. None of them sends documents of "
            "its own, so they are no loss; in which zone they answered is not known."
        ),
        columns=(
            *columns("Called", "Type", "By", "From zone"),
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
    return (table,)


def _order(item: tuple[tuple[str, str, str, str | None], object]) -> tuple[str, str, str, bool, str]:
    (name, kind, client, zone), _ = item
    return (name, kind, client, zone is None, zone or "")
