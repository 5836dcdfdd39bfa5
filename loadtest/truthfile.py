"""``truth.json``: the relays' own connection and byte counts over the measured window (lab only)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from k8s.lab.truth import TruthRow

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthFile:
    """Counters at the end of the window minus those at its start."""

    schema: int = SCHEMA
    rows: tuple[TruthRow, ...]
    connection_per_call: bool
    """The store opens a connection for every call, so connections and calls must be equal."""


def connections_used(rows: Sequence[TruthRow]) -> int:
    """Connections that carried the window's calls: those opened in it, and one for each pod pair that only
    used older ones (at least one was there; how many, the counters do not say).
    """
    return sum(max(row.connections, 1 if row.request_bytes else 0) for row in rows)


def only_older(rows: Sequence[TruthRow]) -> int:
    """Pod pairs that sent requests over connections opened before the window, and opened none in it."""
    return sum(1 for row in rows if row.request_bytes and not row.connections)
