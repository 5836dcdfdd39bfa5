"""Stored answers -> counts, without a store: what adds up, what is remarked, what is refused."""

import math
from dataclasses import replace
from typing import Any

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Answers, Counts, CountUnit, Grain, Received
from analysis.source.prometheus.profiles import LINKERD, NETOBSERV, SERVICEGRAPH, ZTUNNEL
from analysis.source.prometheus.prometheus_reader import PrometheusReader
from analysis.source.prometheus.stored_answers import Family, Piece
from analysis.source.registry import READERS, reader_of
from k8s.errors import UsageError
from loadtest.record import Window
from tests.analysis.source.prometheus.answered import (
    END_S,
    START_S,
    about,
    figure,
    matrix,
    pages,
    sides,
    vector,
)
from tests.analysis.source.xray.test_columns import stored

EVEN = (figure(Piece.FIRST_MIN, START_S + 1), figure(Piece.LAST_MAX, END_S - 1))


def read(*answers: Any) -> Counts:
    return PrometheusReader().read(Received(answers=answers), Facts())


def test_the_registry_has_it():
    """Under the name that a run stores."""
    assert isinstance(reader_of("prometheus", READERS), PrometheusReader)


def test_a_table_is_calls():
    """Sorted, nothing that counted nothing, unknown zones unknown."""
    table = vector((sides("ui", "orders", "unknown", ""), 3), (sides(), 5), (sides("web"), 0))
    found = read(about(), table, *EVEN)
    assert [(one.client, one.server, one.client_zone, one.server_zone, one.count) for one in found.calls] == [
        ("ui", "catalog", "a", "b", 5),
        ("ui", "orders", None, None, 3),
    ]
    assert (found.title, found.unit, found.grain) == (
        "Prometheus (ztunnel)",
        CountUnit.CONNECTIONS,
        Grain.WORKLOAD,
    )
    assert found.flaws == ()
    assert found.members_only
    assert found.loss_meter == "it has none: what was not reported is in no count"
    assert found.queries == ("query of table", "query of first_min", "query of last_max")
    assert found.window == Window(start_s=START_S + 1, end_s=END_S - 1)


def test_stored_answers_are_read_as_received_ones():
    """From graph.json, where an answer is bytes until somebody opens it."""
    answers = (about(), vector((sides("ui", "orders", "unknown", ""), 3), (sides(), 5)), *EVEN)
    assert read(*map(stored, answers)) == read(*answers)


def test_odd_series_are_added_to_the_table():
    """Each by its scrapes; series that were not asked for are not counted; replicas are one."""
    odd = {**sides(), "instance": "z-1"}
    scrapes = [(1_000.0, 10.0), (1_020.0, 12.0), (1_040.0, 1.0)]
    found = read(
        about(),
        vector((sides(), 5)),
        vector((odd, 1), piece=Piece.ODD),
        matrix(
            ({**odd, "__name__": "m_total", "replica": "a"}, scrapes),
            ({**odd, "__name__": "m_total", "replica": "b"}, scrapes[:2]),
            ({**odd, "__name__": "m_total", "instance": "z-2"}, scrapes),
        ),
        *EVEN,
    )
    assert found.calls[0].count == 5 + 3
    assert "1 counters started again from 0 in the window, 1 times in all" in found.flaws[0].text


def test_scrapes_that_are_missing():
    """A series that the table leaves out, and nobody sent."""
    found = read(about(), vector((sides(), 5)), vector((sides(), 1), piece=Piece.ODD), *EVEN)
    assert "1 series that restarted have no scrapes among the answers" in found.flaws[0].text
    assert not found.flaws[0].is_slight


def test_histograms():
    """Of cumulative counts each bucket's own; what is above the last bound stands at it."""
    at = {"pod": "ui-1", "dst_pod": "catalog-1"}
    buckets = [({**at, "le": le}, value) for le, value in (("+Inf", 9), ("10", 7), ("5", 4), ("x", 1))
               if le != "x"]  # fmt: skip
    found = read(
        about(LINKERD),
        vector((at, 9)),
        vector((at, 42), family=Family.LATENCY_SUM),
        vector(*buckets, family=Family.LATENCY_BUCKETS),
    )
    assert found.calls[0].histogram == ((0.005, 4), (0.01, 5))
    assert found.calls[0].total_s == pytest.approx(0.042)


def test_the_loss_meter():
    """What the service graph dropped or could not pair."""
    table = vector(({"client": "ui", "server": "catalog"}, 9))
    lost = [vector(({}, 2), family=Family.LOSSES, metric=name) for name in SERVICEGRAPH.losses]
    found = read(about(SERVICEGRAPH), table, *lost)
    assert found.unattributed == 4
    assert found.loss_meter.startswith("by its own counters: traces_service_graph_unpaired_spans_total")


def test_counts_that_cannot_be():
    """Below nothing, or no whole number: told."""
    found = read(about(), vector((sides(), -4), (sides("web"), 2.5)))
    assert [one.count for one in found.calls] == [2]
    told = " ".join(one.text for one in found.flaws)
    assert "1 pairs would have counted less than nothing" in told
    assert "1 counts are no whole numbers" in told


def test_a_multiplier():
    """Applies to what was counted."""
    found = read(about(replace(NETOBSERV, multiplier=50)), vector(({"SrcK8S_OwnerName": "ui"}, 3)))
    assert found.calls[0].count == 150


def test_what_the_store_says_besides():
    """A warning may mean that a part is missing, a remark does not."""
    found = read(about(), vector((sides(), 5), warnings=["store-2 is away"], infos=["no counter?"]), *EVEN)
    assert [(one.text, one.is_slight) for one in found.flaws] == [
        ("the store warns that its answer may not be whole: store-2 is away", False),
        ("the store remarks: no counter?", True),
    ]


@pytest.mark.parametrize(
    ("quiet_s", "first_s", "last_s", "slight"),
    [
        (5.0, START_S, END_S, None),
        (5.0, START_S - 2, END_S, False),
        (5.0, START_S + 4, END_S + 2, False),
        (0.0, START_S - 2, END_S + 9, True),
    ],
)
def test_flanks(quiet_s: float, first_s: float, last_s: float, slight: bool | None):
    """Outside the window of a run others may be counted; where nobody loads, the time itself is told."""
    found = read(
        about(quiet_s=quiet_s),
        vector((sides(), 5)),
        figure(Piece.FIRST_MIN, first_s),
        figure(Piece.LAST_MAX, last_s),
    )
    assert found.window == Window(start_s=first_s, end_s=last_s)
    assert [one.is_slight for one in found.flaws] == ([] if slight is None else [slight])


def test_several_metrics_share_the_figures():
    """The earliest of the first scrapes, the latest of the last, the sum of those that ended."""
    found = read(
        about(),
        vector((sides(), 5)),
        figure(Piece.FIRST_MIN, START_S + 3),
        figure(Piece.FIRST_MIN, START_S + 1),
        figure(Piece.LAST_MAX, END_S - 3),
        figure(Piece.LAST_MAX, END_S - 2),
        figure(Piece.ENDED, 2),
        figure(Piece.ENDED, 1),
    )
    assert found.window == Window(start_s=START_S + 1, end_s=END_S - 2)
    assert "3 counters were not scraped any more" in found.flaws[0].text


def test_not_a_number_is_no_bound():
    """A bucket without a bound is left out."""
    at = {"pod": "ui-1", "dst_pod": "catalog-1"}
    found = read(about(LINKERD), vector((at, 9)), vector((at, 9), family=Family.LATENCY_BUCKETS))
    assert found.calls[0].histogram == ()
    assert not math.isnan(found.calls[0].total_s)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((), "do not say which metric they are of"),
        ((({"Services": []},),), "no key about"),
        ((({"about": {"profile": 3}},),), "about: "),
        ((about(), ({"asked": 1},)), "not pairs of a query and its answer"),
        ((about(), ({"asked": {}}, {})), "asked: "),
        ((about(), (vector()[0], {"data": 3})), "table of m_total: "),
        ((about(), pages(Piece.TABLE, {"resultType": "scalar", "result": [1, "2"]})), "is a scalar, not a"),
        ((about(), pages(Piece.TABLE, {"resultType": "vector", "result": [{"metric": 1}]})), r"\[0\]"),
        ((about(), pages(Piece.TABLE, {"resultType": "vector",
                                       "result": [{"metric": {}, "value": [1, "many"]}]})), "many"),
    ],
)  # fmt: skip
def test_what_is_not_prometheus(answers: Answers, words: str):
    """One line, with the key."""
    with pytest.raises(UsageError, match=words) as told:
        read(*answers)
    assert "\n" not in str(told.value)


def test_ten_thousand_pairs():
    """None is lost on the way."""
    table = vector(*((sides(f"c-{at}", f"s-{at}"), 1) for at in range(10_000)))
    found = read(about(ZTUNNEL), table)
    assert len(found.calls) == sum(one.count for one in found.calls) == 10_000
