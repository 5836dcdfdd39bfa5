"""``truth.json``: the relays' own connection and byte counts over the measured window (lab only)."""

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
