"""Totals -> the ``Services`` of a GetServiceGraph or GetTraceGraph answer.

Source of the shapes: the service model in botocore; of what is left out where: graphs captured by others
(AWS CLI examples, X-Ray developer guide, the test data of grafana/x-ray-datasource).
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from k8s.lab.xray.graph import INFERRED, OWN
from k8s.lab.xray.naming import Outcome
from k8s.lab.xray.tally import Histogram, Total

CLIENT_TYPE: Final = "client"
_NO_REQUESTS: Final = (0, 0, 0, 0)

Identity = Callable[[int], tuple[str, str, str]]
"""Gives name, type and account id of a node number."""


def services_of(totals: Sequence[Total], identity: Identity, seed: int) -> list[dict[str, Any]]:
    """All nodes with their edges.

    The order, and with it the ReferenceIds, is shuffled by *seed*: X-Ray promises none.
    """
    edges: dict[int, list[Total]] = {}
    own: dict[int, list[Total]] = {}
    touched: dict[int, list[Total]] = {}
    for total in totals:
        touched.setdefault(total.node, []).append(total)
        if total.caller in {OWN, INFERRED}:
            own.setdefault(total.node, []).append(total)
        else:
            edges.setdefault(total.caller, []).append(total)
            touched.setdefault(total.caller, []).append(total)
    numbers = sorted(touched, key=identity)
    random.Random(seed).shuffle(numbers)  # noqa: S311  # an order, not a secret
    references = {number: reference for reference, number in enumerate(numbers)}
    roots = {total.node for number in edges if identity(number)[1] == CLIENT_TYPE for total in edges[number]}
    services: list[dict[str, Any]] = []
    for number in numbers:
        service = _service(references[number], identity(number), own.get(number) or touched[number])
        if number in roots:
            service["Root"] = True
        service["State"] = _state(own.get(number, []))
        below = sorted(edges.get(number, []), key=lambda total: references[total.node])
        service["Edges"] = [_edge(references[total.node], total) for total in below]
        if service.get("Type") != CLIENT_TYPE:
            service |= _figures(own.get(number, []))
        services.append(service)
    return services


def _service(reference: int, identity: tuple[str, str, str], active: Sequence[Total]) -> dict[str, Any]:
    name, kind, account = identity
    service: dict[str, Any] = {"ReferenceId": reference, "Name": name, "Names": [name]}
    if kind:
        service["Type"] = kind
    if account:
        service["AccountId"] = account
    return service | _times(active)


def _edge(reference: int, total: Total) -> dict[str, Any]:
    return {
        "ReferenceId": reference,
        **_times([total]),
        "SummaryStatistics": statistics_of([total]),
        "ResponseTimeHistogram": histogram_of([total.responses]),
        "Aliases": [],
    }


def _figures(own: Sequence[Total]) -> dict[str, Any]:
    return {
        "SummaryStatistics": statistics_of(own),
        "DurationHistogram": histogram_of(total.durations for total in own),
        "ResponseTimeHistogram": histogram_of(total.responses for total in own),
    }


def _state(own: Sequence[Total]) -> str:
    return "active" if any(total.caller == OWN for total in own) else "unknown"


def _times(totals: Sequence[Total]) -> dict[str, float]:
    # Whole seconds, as in every captured graph; here always around what they describe.
    return {
        "StartTime": float(math.floor(min(total.first_s for total in totals))),
        "EndTime": float(math.ceil(max(total.last_s for total in totals))),
    }


def statistics_of(totals: Sequence[Total]) -> dict[str, Any]:
    """The ServiceStatistics or EdgeStatistics of some totals together."""
    counts = [
        sum(column) for column in zip(_NO_REQUESTS, *(total.by_outcome for total in totals), strict=True)
    ]
    errors = counts[Outcome.ERROR] + counts[Outcome.THROTTLE]
    return {
        "OkCount": counts[Outcome.OK],
        "ErrorStatistics": {
            "ThrottleCount": counts[Outcome.THROTTLE],
            "OtherCount": counts[Outcome.ERROR],
            "TotalCount": errors,
        },
        "FaultStatistics": {"OtherCount": counts[Outcome.FAULT], "TotalCount": counts[Outcome.FAULT]},
        "TotalCount": sum(counts),
        "TotalResponseTime": round(math.fsum(total.response_s for total in totals), 3),
    }


def histogram_of(histograms: Iterable[Histogram]) -> list[dict[str, Any]]:
    """Some histograms together, in seconds."""
    several = list(histograms)
    entries: Iterable[tuple[int, int]] = several[0] if several else ()
    if len(several) > 1:
        counts: Counter[int] = Counter()
        for histogram in several:
            counts.update(dict(histogram))
        entries = counts.items()
    return [_entry(milliseconds, count) for milliseconds, count in entries]


@lru_cache(maxsize=200_000)
def _entry(milliseconds: int, count: int) -> dict[str, Any]:
    """One entry; a large graph has half a million of them, and most are alike. Nobody changes them."""
    return {"Value": milliseconds / 1000, "Count": count}
