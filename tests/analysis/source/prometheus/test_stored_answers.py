"""Questions and answers side by side, as a run keeps them: they read back, and what is none is named."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.source.collect import GraphFile
from analysis.source.interface import Answers
from analysis.source.prometheus.profiles import BUILT_IN, ZTUNNEL, Profile
from analysis.source.prometheus.promql import Span
from analysis.source.prometheus.stored_answers import (
    About,
    Family,
    Piece,
    PromQuery,
    about_of,
    about_page,
    answers_of,
    number,
    query_pages,
)
from k8s.errors import UsageError
from loadtest import rundir
from loadtest.record import Window
from tests.analysis.source.prometheus import answered

ASKED = PromQuery(
    family=Family.CALLS, part=Piece.TABLE, metric=ZTUNNEL.metric, query="sum by (a) (x)", at_s=1_060.5
)


def about(profile: Profile = ZTUNNEL) -> About:
    return About(
        profile=profile,
        window=Window(start_s=1_000.0, end_s=1_060.0),
        quiet_s=1.5,
        span=Span(start_s=1_001.5, end_s=1_060.5),
        store="http://prom",
        version="2.42.0",
    )


@pytest.mark.parametrize("profile", BUILT_IN.values(), ids=BUILT_IN)
def test_what_a_run_is_about_survives_its_file(tmp_path: Path, profile: Profile):
    """The profile as it was then, whatever the built-in one becomes later."""
    path = tmp_path / "graph.json"
    pages = (about_page(about(profile)), answered.vector((answered.sides(), 5)))
    window = Window(start_s=1_000.0, end_s=1_060.0)
    file = GraphFile(window=window, queries=pages, polls=(), stable=True, reconciled=True)
    rundir.write_json(path, file)

    found = rundir.read_json(path, GraphFile).queries

    assert about_of(found) == about(profile)
    assert [one.rows[0].value[1] for one in answers_of(found)] == ["5"]


def test_a_query_and_its_answer():
    """Warnings and remarks belong to the answer; keys that nobody knows are accepted."""
    data = {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.5, "7"], "new": 1}]}
    answer = {"status": "success", "data": data, "warnings": ["w"], "infos": ["i"], "stats": {}}
    (found,) = answers_of((about_page(about()), query_pages(ASKED, answer)))

    assert found.asked == ASKED
    assert (found.kind, found.warnings, found.infos) == ("vector", ("w",), ("i",))
    assert [(row.metric, row.value) for row in found.rows] == [({"a": "b"}, (1.5, "7"))]


def test_the_scrapes_of_series():
    """A range's."""
    data = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1, "7"], [2, "8"]]}]}
    (found,) = answers_of((about_page(about()), query_pages(ASKED, {"data": data})))

    assert [(one.metric, one.values) for one in found.series] == [({"a": "b"}, ((1.0, "7"), (2.0, "8")))]
    with pytest.raises(UsageError, match=r"to table of istio_tcp_connections_opened_total is a matrix, not"):
        _ = found.rows


@pytest.mark.parametrize(
    "answers",
    [(), ((),), (({},),), (({"Services": []},),), (({"asked": {}}, {}),)],
    ids=["nothing", "no page", "an empty page", "X-Ray's", "an answer without what it is about"],
)
def test_answers_that_do_not_say_what_they_are_about(answers: Answers):
    """One line, with the key that is missing."""
    with pytest.raises(UsageError, match="do not say which metric they are of: no key about; collect again"):
        about_of(answers)


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ((), "not pairs of a query and its answer"),
        (({"asked": {}},), "not pairs of a query and its answer"),
        (({}, {}), "not pairs of a query and its answer"),
        (({"asked": {"family": "calls"}}, {}), "asked: .*missing required field"),
        ((query_pages(ASKED, {})[0], {}), "table of istio_.*: .*missing required field `data`"),
        ((query_pages(ASKED, {})[0], {"data": {"resultType": 7, "result": []}}), "table of .*Expected `str`"),
    ],
)
def test_pages_that_are_no_pair(pages: tuple[dict[str, Any], ...], words: str):
    """One line: what was asked, and what is wrong with it."""
    with pytest.raises(UsageError, match=words) as told:
        list(answers_of((about_page(about()), pages)))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("row", [{"metric": {}}, {"metric": {"a": 1}, "value": [1, "2"]}, {"value": [1]}, 7])
def test_rows_of_another_shape(row: Any):
    """Found when they are read, with their place."""
    data = {"resultType": "vector", "result": [row]}
    (found,) = answers_of((about_page(about()), query_pages(ASKED, {"data": data})))
    with pytest.raises(UsageError, match=r"answer to table of istio_.*\[0\]"):
        _ = found.rows


@given(st.floats(allow_nan=False))
def test_a_value_is_a_number(value: float):
    """As Prometheus writes it."""
    assert number(str(value)) == value


@pytest.mark.parametrize("text", ["", "many", "1,000", "x" * 100])
def test_a_value_that_is_none(text: str):
    """Only its beginning is shown."""
    with pytest.raises(UsageError, match="no number; collect again") as told:
        number(text)
    assert len(str(told.value)) < 120
