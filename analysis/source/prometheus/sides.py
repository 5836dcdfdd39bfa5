"""Who called whom, and in which zones, by the labels of a series (pure)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from analysis.source.facts import Facts
from analysis.source.prometheus.profiles import Profile
from k8s.topology import Zone

NOBODY: Final = "unknown"
"""A side that no label names."""
_PART: Final = re.compile(r"[a-z]+|\d+|[^a-z\d]+")

SeriesLabels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CallEnds:
    """The two sides of a call."""

    client: str
    server: str
    client_zone: Zone | None
    server_zone: Zone | None

    @property
    def order(self) -> tuple[str, str, str, str]:
        """For sorting."""
        return self.client, self.server, self.client_zone or "", self.server_zone or ""


@dataclass(slots=True, kw_only=True)
class Naming:
    """Reads sides off labels; a name that stands in several namespaces is told with its own."""

    profile: Profile
    zones: Mapping[str, Zone]
    """The cluster's, by how a metric's name writes them."""
    shared: frozenset[str] = frozenset()
    """Names that stand in several namespaces."""
    by: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset({""})
    """Values that say nothing."""
    _known: dict[tuple[str | None, ...], CallEnds] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Profile, facts: Facts, labels: Iterable[SeriesLabels]) -> "Naming":
        """For these series."""
        zones = {_written(zone): zone for zone in facts.nodes.values()}
        naming = cls(profile=profile, zones=zones, by=profile.by, unknown=frozenset({"", *profile.unknown}))
        first: dict[str, str] = {}
        shared: set[str] = set()
        both = ((profile.client, profile.client_namespace), (profile.server, profile.server_namespace))
        sides = [one for one in both if one[1]]
        for one in labels if sides else ():
            for wanted, space in sides:
                namespace = one.get(space, "")
                if namespace in naming.unknown:
                    continue
                name = naming._name(one, wanted)
                if first.setdefault(name, namespace) != namespace:
                    shared.add(name)
        naming.shared = frozenset(shared - {NOBODY})
        return naming

    def ends(self, labels: SeriesLabels, metric: str) -> CallEnds:
        """The sides of a series of *metric*."""
        key = (metric, *map(labels.get, self.by))
        if (found := self._known.get(key)) is None:
            found = self._known[key] = self._ends(labels, metric)
        return found

    def _ends(self, labels: SeriesLabels, metric: str) -> CallEnds:
        profile = self.profile
        client_zone = self._zone(labels, profile.client_zone)
        server_zone = self._zone(labels, profile.server_zone)
        if profile.is_pattern:
            client_zone, server_zone = self._zones_in(metric)
        if profile.locality and labels.get(profile.locality) in profile.local:
            client_zone, server_zone = client_zone or server_zone, server_zone or client_zone
        return CallEnds(
            client=self._called(labels, profile.client, profile.client_namespace),
            server=self._called(labels, profile.server, profile.server_namespace),
            client_zone=client_zone,
            server_zone=server_zone,
        )

    def _name(self, labels: SeriesLabels, wanted: Iterable[str]) -> str:
        for label in wanted:
            value = labels.get(label, "")
            if value not in self.unknown:
                return value
        return NOBODY

    def _called(self, labels: SeriesLabels, wanted: Iterable[str], namespace_label: str) -> str:
        name = self._name(labels, wanted)
        if name in self.shared and (namespace := labels.get(namespace_label, "")) not in self.unknown:
            return f"{name}.{namespace}"
        return name

    def _zone(self, labels: SeriesLabels, label: str) -> Zone | None:
        value = labels.get(label, "") if label else ""
        return None if value in self.unknown else Zone(value)

    def _zones_in(self, metric: str) -> tuple[Zone | None, Zone | None]:
        """Both zones from the metric's name; unknown where it can be cut in no way, or in several."""
        found = re.fullmatch(self.profile.metric, metric)
        text = found["zones"] if found and "zones" in found.groupdict() else ""
        cuts = [(text[:at], text[at + 1 :]) for at, letter in enumerate(text) if letter == "_"]
        known = [(self.zones[one], self.zones[two]) for one, two in cuts
                 if one in self.zones and two in self.zones]  # fmt: skip
        if len(known) == 1:
            return known[0]
        # Without a cluster to ask: zones of one provider are built alike, us_east_1a like us_east_1b.
        alike = [(one, two) for one, two in cuts if one and _built(one) == _built(two)]
        if known or self.zones or len(alike) != 1:
            return None, None
        one, two = alike[0]
        return Zone(one.replace("_", "-")), Zone(two.replace("_", "-"))


def _written(zone: str) -> str:
    """A zone as a part of a metric's name."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", zone)


def _built(zone: str) -> tuple[str, ...]:
    """Of which kinds of parts a zone's name is made."""
    kinds = (
        "letters" if part.isalpha() else "digits" if part.isdigit() else part for part in _PART.findall(zone)
    )
    return tuple(kinds)
