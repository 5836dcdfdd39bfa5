"""A source's counts against the load generator's own, in the source's unit."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.placement import Timeline
from analysis.source.facts import Facts
from analysis.source.interface import Call, Counts, CountUnit
from loadtest.record import LoadSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """What the source has of what the load generator did, and what the generator says it did."""

    seen: int
    """By the source, in its unit."""
    made: int | None
    """By the generator's own count; None where it keeps none, or the source does not see it."""
    unit: CountUnit = CountUnit.REQUESTS


def reckoned(counts: Counts, load: LoadSeen, facts: Facts, timeline: Timeline) -> Reckoned:
    """Requests where they enter; of a source that counts its members, what its workers did as clients.

    The workers count the requests that they finish and the connections that they open to what they load.
    Live traffic has no generator, and so no count of its own.
    """
    if facts.goes_on:
        return Reckoned(seen=0, made=None, unit=counts.unit)
    made = {
        CountUnit.REQUESTS: load.requests,
        CountUnit.CONNECTIONS: sum(worker.connections for worker in load.workers),
        CountUnit.BYTES: None,
    }[counts.unit]
    if not counts.members_only:
        return Reckoned(seen=counts.entered(facts.generators), made=made, unit=counts.unit)
    is_own = own_calls(counts, facts, timeline)
    seen = sum(call.count for call in counts.calls if is_own(call))
    return Reckoned(seen=seen, made=made if seen else None, unit=counts.unit)


def own_calls(counts: Counts, facts: Facts, timeline: Timeline) -> Callable[[Call], bool]:
    """Tells the load generator's own calls to what it loads from all others."""

    def workload(name: str) -> str:
        return counts.basis.workload(name, timeline)

    def is_own(call: Call) -> bool:
        if call.client not in facts.generators and workload(call.client) not in facts.generators:
            return False
        return not facts.entrance or workload(call.server) == facts.entrance

    return is_own
