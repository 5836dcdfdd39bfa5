"""Which zones give endpoints away under ``topology-mode: Auto``, and how many.

Where a zone has more endpoints than it should and another fewer, the EndpointSlice controller hints some of
the former's to the latter. It always takes the greatest surplus and the greatest deficit; among equals, Go's
map order decides, that is: chance. ``plan_moves`` makes one such plan, ``reachable_moves`` all of them.
Source: ``getGivingAndReceivingZones`` and ``redistributeHints`` of kubernetes/endpointslice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from k8s.routing.allocation import Allocation
from k8s.topology import Zone

Choose = Callable[[Sequence[Zone]], Zone]
"""Picks one of several zones wherever the real controller leaves it to chance; ``random.Random(n).choice``
makes a seeded draw, ``first`` the alphabetical one. Called only with two or more, sorted."""


def first(zones: Sequence[Zone]) -> Zone:
    """The first of *zones*: the choice where any will do."""
    return zones[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How many endpoints each zone is to give, and each to receive; the sums are equal."""

    give: tuple[tuple[Zone, int], ...]
    receive: tuple[tuple[Zone, int], ...]


def plan_moves(allocation: Allocation, have: Mapping[Zone, int], choose: Choose) -> Moves:
    """One plan of transfers that brings *have* (hints per zone) nearer to the desired numbers."""
    surplus, deficit = _imbalance(allocation, have)
    give: dict[Zone, int] = {}
    receive: dict[Zone, int] = {}
    while True:
        givers, takers = _greatest(surplus), _greatest(deficit)
        if not _worth_moving(_value(surplus, givers), _value(deficit, takers)):
            return Moves(give=tuple(sorted(give.items())), receive=tuple(sorted(receive.items())))
        for zones, wants, moves in ((givers, surplus, give), (takers, deficit, receive)):
            zone = pick(zones, choose)
            wants[zone] -= 1
            moves[zone] = moves.get(zone, 0) + 1


def pick(zones: Sequence[Zone], choose: Choose) -> Zone:
    """One of *zones* (not empty), asking *choose* only where there is a choice."""
    return zones[0] if len(zones) == 1 else choose(zones)


def _imbalance(
    allocation: Allocation, have: Mapping[Zone, int]
) -> tuple[dict[Zone, float], dict[Zone, float]]:
    diff = {one.zone: have.get(one.zone, 0) - one.desired for one in allocation.zones}
    return (
        {zone: by for zone, by in diff.items() if by > 0},
        {zone: -by for zone, by in diff.items() if by < 0},
    )


def _greatest(wants: Mapping[Zone, float]) -> list[Zone]:
    """The zones that share the greatest positive value, sorted."""
    top = max(wants.values(), default=0.0)
    return sorted(zone for zone, by in wants.items() if by == top > 0)


def _value(wants: Mapping[Zone, float], zones: Sequence[Zone]) -> float:
    return wants[zones[0]] if zones else 0.0


def _worth_moving(surplus: float, deficit: float) -> bool:
    # Rounds to the nearest endpoint on both sides, and wants a whole one on at least one side.
    return min(surplus, deficit) >= 0.5 and max(surplus, deficit) >= 1.0  # noqa: PLR2004


def reachable_moves(
    allocation: Allocation, have: Mapping[Zone, int], available: Mapping[Zone, int]
) -> Iterator[Mapping[Zone, int]]:
    """Every change of the per-zone hint counts that some sequence of choices leads to; may repeat.

    *available* counts the endpoints that can be re-hinted, by the zone they are in: those of slices left as
    they are cannot, so a plan may be carried out in part. The greatest surplus and deficit are the same
    numbers whichever of the equals was taken before, hence the number of moves is fixed and the givers are
    independent of the receivers; only *which* of the equal zones gives or receives the last ones is open.
    """
    surplus, deficit = _imbalance(allocation, have)
    planned = sum(count for _, count in plan_moves(allocation, have, first).give)
    receivers = [dict(taken) for taken in _splits(deficit, planned)]
    for split in _splits(surplus, planned):
        given = {zone: min(count, available.get(zone, 0)) for zone, count in split}
        moved = sum(given.values())
        for received in {part for limits in receivers for part in _parts(tuple(limits.items()), moved)}:
            yield {zone: -count for zone, count in given.items()} | dict(received)


def _splits(wants: Mapping[Zone, float], moves: int) -> set[tuple[tuple[Zone, int], ...]]:
    """Every way to spread *moves* over the zones when each goes to one of the greatest remaining values."""
    reached: set[tuple[tuple[Zone, int], ...]] = {tuple((zone, 0) for zone in sorted(wants))}
    for _ in range(moves):
        reached = {
            tuple((zone, count + (zone == taker)) for zone, count in split)
            for split in reached
            # The controller subtracts 1 at a time; from doubles >= 0.5 that is exact, so is this.
            for taker in _greatest({zone: wants[zone] - count for zone, count in split})
        }
    return reached


def _parts(limits: tuple[tuple[Zone, int], ...], total: int) -> Iterator[tuple[tuple[Zone, int], ...]]:
    """Every (zone, count) vector of sum *total* that stays within *limits*."""
    if not limits:
        if total == 0:
            yield ()
        return
    (zone, limit), rest = limits[0], limits[1:]
    room = sum(count for _, count in rest)
    for count in range(max(0, total - room), min(limit, total) + 1):
        for tail in _parts(rest, total - count):
            yield ((zone, count), *tail)
