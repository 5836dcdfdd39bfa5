"""Where the calls go next: what the server's own calls do, and how much of the traffic stays in one zone."""

from collections import Counter
from collections.abc import Iterator

from analysis.model import PairResult, Workload
from analysis.report import names, units
from analysis.report.lookup import arms, change_of, focuses
from analysis.report.tables import Cell, Row, Table, Tone, columns, row
from analysis.verdict.compared import Comparison


def table(comparison: Comparison) -> Table | None:
    """Each hop that follows those under test, first to last; None where the servers call nothing."""
    rows = tuple(row for hop in _hops(comparison) for row in _rows(comparison, *hop))
    if not rows:
        return None
    return Table(
        key="onward",
        stacked=True,
        title="Where the calls go next",
        about=(
            "Calls that the called pods make in their turn. Both hops in one zone: the share of calls that "
            "stay at the first hop and whose next call stays, too, as far as the zones' own shares say it, "
            "that is, as if a pod's next call did not depend on where its request came from."
        ),
        columns=columns(
            "First hop", "Next hop", "Arm", numbers=("Calls", "Same zone, next hop", "Both hops in one zone")
        ),
        rows=rows,
    )


Hop = tuple[Workload, Workload, Workload]
"""Client, server, and what the server calls."""


def _hops(comparison: Comparison) -> Iterator[Hop]:
    """Hops after the pairs under test, and on from there; each once, a loop is not followed."""
    known = focuses(comparison)
    todo = [one.focus for one in comparison.each]
    done: set[tuple[Workload, Workload]] = set()
    while todo:
        client, server = first = todo.pop(0)
        if first in done:
            continue
        done.add(first)
        for pair in known:
            if pair[0] == server and pair[1] != server:
                yield client, server, pair[1]
                todo.append(pair)


def _rows(comparison: Comparison, client: Workload, server: Workload, called: Workload) -> Iterator[Row]:
    for side, arm in arms(comparison):
        found = {(pair.client, pair.server): pair for pair in arm.pairs}
        first, second = found.get((client, server)), found.get((server, called))
        if second is None:
            continue
        share = both_hops(first, second) if first is not None else None
        yield (
            *row(names.pair(client, server), names.pair(server, called)),
            Cell(text=f"{side.value}: {names.arm(arm)}"),
            Cell(text=units.count(second.calls)),
            Cell(text=units.percent_interval(second.share), tone=Tone.STRONG),
            Cell(text=units.percent(share)),
        )
    change = change_of(comparison, (server, called))
    if change is not None:
        yield (
            *row(names.pair(client, server), names.pair(server, called), "change", ""),
            Cell(text=units.points_change(change.share, changed=change.changed), tone=Tone.STRONG),
            Cell(text=""),
        )


def both_hops(first: PairResult, second: PairResult) -> float | None:
    """The share of the first hop's calls with known zones that stay, times what then stays of their zone's.

    None without calls whose zones are known at both hops.
    """
    made: Counter[str] = Counter()
    stayed: Counter[str] = Counter()
    for cell in second.cells:
        if cell.client_zone is not None and cell.server_zone is not None:
            made[cell.client_zone] += cell.calls
            stayed[cell.client_zone] += cell.calls if cell.client_zone == cell.server_zone else 0
    known, both = 0, 0.0
    for cell in first.cells:
        if cell.client_zone is None or cell.server_zone is None:
            continue
        known += cell.calls
        if cell.client_zone == cell.server_zone and made[cell.client_zone]:
            both += cell.calls * stayed[cell.client_zone] / made[cell.client_zone]
    return both / known if known and made.total() else None
