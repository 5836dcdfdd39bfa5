"""Names for readers: one printable line, short labels that tell pods apart, words for modes and arms."""

import unicodedata
from collections import Counter
from collections.abc import Iterable

from analysis.model import ArmResult, Workload
from k8s.routing.modes import RoutingMode, field_of

_BREAKS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_JOINERS = frozenset("\u200c\u200d")
"""Format characters that belong to scripts and emoji; every other one can only mislead."""
_FORBIDDEN = frozenset("\ufffe\uffff")
"""Not characters, and not allowed in XML."""
UNKNOWN_ZONE = "unknown"


def plain(text: str) -> str:
    """*text* on one line without characters that hide, reorder or break it (controls, bidi marks).

    Names and messages come from a cluster; a terminal or a page must show them and not obey them.
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _BREAKS:
        return " "
    if character in _FORBIDDEN:
        return "\ufffd"
    if character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}:
        return character
    return "\ufffd"


def elide(text: str, most: int) -> str:
    """*text* in at most *most* characters, its middle replaced by an ellipsis: both ends carry meaning."""
    text = plain(text)
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}\u2026{text[len(text) - (most - 1 - head) :]}"


def short_names(names: Iterable[str], *, most: int = 14, least: int = 3) -> dict[str, str]:
    """The part of each name that tells it from the others, e.g. ``x7k2p`` of ``catalog-6d5f7c9b8-x7k2p``.

    As few dash-separated parts from the end as are unique and *least* characters long, *most* at most. Labels
    are unique.
    """
    unique = sorted(set(names))
    deepest = max((name.count("-") + 1 for name in unique), default=0)
    tails = [Counter(_tail(name, depth) for name in unique) for depth in range(1, deepest + 1)]
    labels: dict[str, str] = {}
    for name in unique:
        candidates = ((_tail(name, depth), seen) for depth, seen in enumerate(tails, start=1))
        label = next((tail for tail, seen in candidates if len(tail) >= least and seen[tail] == 1), name)
        label = elide(label, most)
        if label in labels.values():
            label = f"{elide(label, most - 3)}\u00b7{len(labels) + 1}"
        labels[name] = label
    return labels


def _tail(name: str, depth: int) -> str:
    return "-".join(name.split("-")[-depth:])


def zone(name: str | None) -> str:
    """A zone, or ``unknown``."""
    return UNKNOWN_ZONE if name is None else name


def pair(client: Workload, server: Workload) -> str:
    """Who calls whom, e.g. ``ui -> catalog`` with an arrow."""
    return f"{client} \u2192 {server}"


def mode(value: str) -> str:
    """A routing mode in words; an unknown one as it is."""
    if value not in set(RoutingMode):
        return value
    known = RoutingMode(value)
    field = field_of(known)
    if field is not None:
        return f"trafficDistribution: {field.value}"
    return "Plain routing" if known is RoutingMode.OFF else "Topology Aware Routing"


def mode_told(value: str) -> str:
    """What a mode does with calls, in words; an unknown one's name."""
    if value not in set(RoutingMode):
        return value
    match RoutingMode(value):
        case RoutingMode.OFF:
            return "plain routing: any ready pod may get a call, whatever its zone."
        case RoutingMode.TAR:
            return (
                "Topology Aware Routing: the pods are shared out among the zones by the zones' CPU, and "
                "calls go to their own zone's part."
            )
        case RoutingMode.PREFER_SAME_NODE as known:
            return f"{mode(known)}: calls go to a pod of their own node, else of their own zone."
        case known:
            return f"{mode(known)}: calls go to the pods of their own zone, however few those are."


def arm(result: ArmResult) -> str:
    """An arm's label, with its mode where that says more."""
    return result.arm if result.arm == result.mode else f"{result.arm} ({result.mode})"
