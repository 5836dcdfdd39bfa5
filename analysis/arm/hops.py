"""Counted hops by the names of their ends: where they stand among all calls, and their order."""

from collections.abc import Collection, Sequence

import numpy as np

from analysis.source.calls import Calls, joined
from analysis.statistics.arrays import Codes

Edge = tuple[str, str]
"""Client and server as the counts name them."""


def rows_of(calls: Calls, edges: Collection[Edge]) -> dict[Edge, list[int]]:
    """The places of the calls from one end to another, of those of the *edges* that were counted at all."""
    if not edges:
        return {}
    at = {name: code for code, name in enumerate(calls.names)}
    width = len(calls.names)
    known = {at[one[0]] * width + at[one[1]]: one for one in edges if one[0] in at and one[1] in at}
    key = calls.key
    found: dict[Edge, list[int]] = {}
    for row in np.flatnonzero(np.isin(key, np.array([*known], np.int64))).tolist():
        found.setdefault(known[int(key[row])], []).append(row)
    return found


def merged(kept: Calls, kept_rows: Codes, taken: Calls, taken_rows: Sequence[int]) -> Calls:
    """Both, sorted by client and server, and by the rows that they came from where those are the same."""
    if not len(taken) and kept.is_sorted:
        return kept
    both = joined([kept, taken]) if len(taken) else kept
    rows = np.concatenate((kept_rows, np.array(taken_rows, np.int64)))
    order = np.lexsort((rows, both.server, both.client))
    is_sorted = bool((np.diff(order) == 1).all())
    return both if is_sorted else both.take(order)
