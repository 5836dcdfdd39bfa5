"""Whether two arms had the same clients: a sibling of the sample-ratio-mismatch check of A/B testing.

(A. Fabijan et al., KDD 2019, 2156.) Equal total rates may hide that a zone sends three times as much in one
arm; then shares differ without any routing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scipy import special

ALARM: Final = 0.001
"""Below this p-value, usual for sample-ratio mismatch, the mixes are not taken for the same ..."""
NOTABLE: Final = 0.02
"""... if a part of them also moved by two points."""


class MixOf(StrEnum):
    """What calls are told apart by."""

    ZONES = "client zones"
    PODS = "client pods"
    PAGES = "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Where one window's calls came from, and what for."""

    pods: Mapping[tuple[str, str], float]
    """Calls by (client zone, client pod)."""
    pages: Mapping[str, float]
    """Requests by page; empty where nobody counted them."""
    together: float = 1.0
    """Calls that come to one client pod by one choice: of a request, and of the requests of a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixCheck:
    """One comparison of two arms' mixes."""

    of: MixOf
    p_value: float
    part: str
    """What moved most."""
    before: float
    after: float
    """Its share in both arms."""

    @property
    def differs(self) -> bool:
        """Whether the arms' clients were not the same."""
        return self.p_value < ALARM and abs(self.after - self.before) >= NOTABLE


def checks(before: Sequence[Mix], after: Sequence[Mix]) -> tuple[MixCheck, ...]:
    """Client zones, client pods and pages of two arms, each arm's windows together."""
    found = []
    for of in MixOf:
        left, right = (_counted(of, arm) for arm in (before, after))
        if of is MixOf.PODS and left.keys() != right.keys():
            left, right = _ranked(left), _ranked(right)
        found.append(_check(of, _named(left), _named(right)))
    return tuple(one for one in found if one is not None)


def _counted(of: MixOf, windows: Sequence[Mix]) -> dict[tuple[str, str], float]:
    """In choices that were made on their own."""
    found: dict[tuple[str, str], float] = {}
    for window in windows:
        match of:
            case MixOf.ZONES:
                rows = [((zone, ""), calls / window.together) for (zone, _), calls in window.pods.items()]
            case MixOf.PODS:
                rows = [(key, calls / window.together) for key, calls in window.pods.items()]
            case MixOf.PAGES:
                rows = [((page, ""), count) for page, count in window.pages.items()]
        for key, count in rows:
            found[key] = found.get(key, 0.0) + count
    return found


def _ranked(pods: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Pods by their place in their zone, the busiest first: restarted ones have other names.

    Places are closer to each other than names are, so that this finds less, and nothing that is not there.
    """
    found: dict[tuple[str, str], float] = {}
    for zone in sorted({zone for zone, _ in pods}):
        busiest = sorted((calls for (place, _), calls in pods.items() if place == zone), reverse=True)
        found |= {(zone, f"pod {rank}"): calls for rank, calls in enumerate(busiest, start=1)}
    return found


def _named(counts: Mapping[tuple[str, str], float]) -> dict[str, float]:
    return {" ".join(filter(None, key)): count for key, count in counts.items()}


def _check(of: MixOf, left: Mapping[str, float], right: Mapping[str, float]) -> MixCheck | None:
    """Pearson's chi-squared of two arms; None with fewer than two parts."""
    names = sorted({*left, *right})
    totals = [math.fsum(arm.values()) for arm in (left, right)]
    if len(names) < 2 or min(totals) <= 0:  # noqa: PLR2004 - a mix has two parts
        return None
    chi_squared, moved = 0.0, (0.0, names[0])
    for name in names:
        a, b = left.get(name, 0.0), right.get(name, 0.0)
        chi_squared += (a * totals[1] - b * totals[0]) ** 2 / (a + b) / (totals[0] * totals[1])
        moved = max(moved, (abs(b / totals[1] - a / totals[0]), name))
    return MixCheck(
        of=of,
        p_value=float(special.chdtrc(len(names) - 1, chi_squared)),
        part=moved[1],
        before=left.get(moved[1], 0.0) / totals[0],
        after=right.get(moved[1], 0.0) / totals[1],
    )
