"""Edges packed as bytes say what they said one by one, whatever X-Ray leaves out; and lead where they led."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.source.xray import edges
from analysis.source.xray.packed_edges import NO_NUMBER, UNTOLD, GraphEdge, packed
from k8s.errors import UsageError

COUNTS = st.integers(0, 9) | st.integers(0, 10**12)
FAILED = st.none() | st.fixed_dictionaries({}, optional={"TotalCount": COUNTS})
FIGURES = st.fixed_dictionaries(
    {},
    optional={
        "TotalCount": COUNTS,
        "OkCount": st.none() | COUNTS,
        "ErrorStatistics": FAILED,
        "FaultStatistics": FAILED,
        "TotalResponseTime": st.floats(0, 1e9),
    },
)
BUCKETS = st.lists(st.fixed_dictionaries({"Value": st.floats(0, 1e6), "Count": COUNTS}), max_size=3)
EDGES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "ReferenceId": st.none() | st.integers(-3, 6),
            "EdgeType": st.sampled_from([None, "", "Link", "link", "Default"]),
            "SummaryStatistics": st.none() | FIGURES,
            "ResponseTimeHistogram": st.none() | BUCKETS,
        },
    ),
    max_size=6,
)
COLUMNS = ("count", "good", "errors", "faults", "total_s")


def plain(edge: dict[str, Any]) -> dict[str, Any]:
    """What a row has to hold."""
    seen, buckets = edge.get("SummaryStatistics"), edge.get("ResponseTimeHistogram")
    figures = seen or {}
    good = figures.get("OkCount")
    return {
        "is_link": (edge.get("EdgeType") or "").lower() == "link",
        "count": figures.get("TotalCount", 0),
        "good": UNTOLD if good is None else good,
        "errors": (figures.get("ErrorStatistics") or {}).get("TotalCount", 0),
        "faults": (figures.get("FaultStatistics") or {}).get("TotalCount", 0),
        "total_s": figures.get("TotalResponseTime", 0.0),
        "has_figures": seen is not None,
        "has_histogram": buckets is not None,
    }


@given(raw=EDGES)
def test_bytes_say_what_every_edge_says(raw: list[dict[str, Any]]):
    """Nulls, missing keys and empty histograms included."""
    found = packed(msgspec.convert(raw, list[GraphEdge]))
    wanted = [plain(one) for one in raw]
    buckets = [one.get("ResponseTimeHistogram") or [] for one in raw]

    assert found.edges == len(raw)
    numbers = [one.get("ReferenceId") for one in raw]
    assert np.frombuffer(found.targets, np.int64).tolist() == [
        NO_NUMBER if one is None else one for one in numbers
    ]
    for name in COLUMNS:
        kind = np.float64 if name == "total_s" else np.int64
        assert np.frombuffer(getattr(found, name), kind).tolist() == [one[name] for one in wanted], name
    for name in ("is_link", "has_figures", "has_histogram"):
        assert np.frombuffer(getattr(found, name), np.bool_).tolist() == [one[name] for one in wanted], name
    assert np.frombuffer(found.lengths, np.int64).tolist() == [len(one) for one in buckets]
    every = [bucket for one in buckets for bucket in one]
    assert np.frombuffer(found.bucket_s, np.float64).tolist() == [one["Value"] for one in every]
    assert np.frombuffer(found.bucket_count, np.int64).tolist() == [one["Count"] for one in every]


@given(raw=EDGES, numbers=st.lists(st.integers(-3, 6), min_size=1, max_size=8))
def test_an_edge_leads_to_the_last_service_of_its_number(raw: list[dict[str, Any]], numbers: list[int]):
    """On whichever page that is; to none where no service has it, or the edge names none."""
    services = [{"ReferenceId": number, "Name": f"pod-{at}"} for at, number in enumerate(numbers)]
    pages = [{"Services": [services[0] | {"Edges": raw}]}, {"Services": services[1:]}]
    places: dict[int | None, int] = {number: at for at, number in enumerate(numbers)}

    found = edges.table(pages, "[0]")

    assert found.target.tolist() == [places.get(one.get("ReferenceId"), edges.NOWHERE) for one in raw]
    assert found.source.tolist() == [0] * len(raw)


def test_a_number_beyond_all_is_refused():
    """Its key is named; X-Ray's own are of 32 bits."""
    pages = [{"Services": [{"ReferenceId": 0, "Name": "ui", "Edges": [{"ReferenceId": 10**30}]}]}]
    with pytest.raises(UsageError, match=r"at `\$\[0\]\[0\]\.Services\[0\]\.Edges\[0\]\.ReferenceId`"):
        edges.table(pages, "[0]")
