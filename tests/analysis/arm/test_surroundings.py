"""Zones that records state, and what is called that sends none."""

import json
from typing import Any

from analysis.arm.surroundings import dependencies, zone_check
from analysis.model import Dependency, Workload, ZoneCheck
from analysis.placement import Timeline
from analysis.source.interface import Leaf, Sample
from analysis.source.xray import traces
from tests.analysis.graphs import snapshot

TIMELINE = Timeline(
    [snapshot({"ui-1": "node-a", "ui-2": "node-a", "catalog-1": "node-b", "catalog-9": None})]
)


def test_zones_of_spans_are_checked_against_the_pods():
    """Agreement, disagreement and silence are counted; inferred segments say nothing of their own."""

    def segment(name: str, zone: str | None, **more: Any) -> dict[str, str]:
        block = {"aws": {"ec2": {"availability_zone": zone}}} if zone else {}
        return {"Document": json.dumps({"name": name, **block, **more})}

    found = traces.sample(
        [
            {"Segments": [segment("ui-1", "a"), segment("catalog-1", "a"), segment("catalog-1", None)]},
            {"Segments": [segment("GET", "a", inferred=True), segment("stranger", "a")]},
        ]
    )

    assert zone_check(found, TIMELINE) == ZoneCheck(traces=2, segments=3, agree=1, disagree=1, silent=1)
    assert zone_check(Sample(), TIMELINE) is None


def test_dependencies_are_added_up_by_zone():
    """Two pods of one zone are one row; a pod without a zone stays unknown; most calls come first."""

    def leaf(client: str, name: str, count: int, kind: str = "") -> Leaf:
        return Leaf(client=client, name=name, type=kind, count=count)

    found = dependencies(
        [
            leaf("ui-1", "api.example.com", 2),
            leaf("catalog-9", "gorm.Query", 3, "Database::SQL"),
            leaf("ui-2", "api.example.com", 7),
        ],
        TIMELINE,
    )

    assert found == (
        Dependency(client=Workload("ui"), client_zone="a", name="api.example.com", type="", calls=9),
        Dependency(
            client=Workload("catalog"), client_zone=None, name="gorm.Query", type="Database::SQL", calls=3
        ),
    )
