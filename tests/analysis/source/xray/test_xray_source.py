"""X-Ray as a source: its sample is of this run, and of the whole window."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.source.interface import Question
from analysis.source.xray import xray_source
from analysis.source.xray.xray_source import CLOUD_PATIENCE, LAB_PATIENCE, XRaySource, quoted, slices
from k8s.lab.xray import filters
from loadtest.record import Window


@dataclass
class FakeClient:
    """The reading half of the client, without boto3."""

    is_stand_in: bool = True
    expressions: list[str | None] = field(default_factory=list)

    def trace_ids(self, window: Window, expression: str | None, *, limit: int) -> tuple[str, ...]:
        del window
        self.expressions.append(expression)
        return tuple(f"1-{number}" for number in range(min(limit, 10)))

    def traces(self, ids: tuple[str, ...]) -> tuple[dict[str, str], ...]:
        return tuple({"Id": one} for one in ids)


def test_the_sample_is_of_this_run_and_phase():
    """Traces of the warm-up or of another run are not in it."""
    client = FakeClient()
    question = Question(window=Window(start_s=101, end_s=113), run_id="r1")

    found = XRaySource(client).sample(question, 3)

    assert client.expressions == ['annotation.run_id = "r1" AND annotation.phase = "measure"']
    assert len(found.rows) == 3
    assert found.left_out == ()


def test_without_a_run_everything_in_the_window_is_asked_for():
    """No filter on whose traces they are, and the same window draws the same ones."""
    client = FakeClient()
    question = Question(window=Window(start_s=101, end_s=113), run_id=None)

    found = [XRaySource(client).sample(question, 3).rows for _ in range(2)]

    assert client.expressions == [None, None]
    assert len(found[0]) == 3
    assert found[0] == found[1]


@dataclass
class LongRun(FakeClient):
    """Ten traces a second, answered newest first."""

    asked: list[Window] = field(default_factory=list)

    def trace_ids(self, window: Window, expression: str | None, *, limit: int) -> tuple[str, ...]:
        self.asked.append(window)
        self.expressions.append(expression)
        ids = [f"1-{number}" for number in range(int(window.start_s * 10), int(window.end_s * 10))]
        return tuple(reversed(ids[-limit:]))


def test_of_more_ids_than_can_be_looked_through_each_part_of_the_window_gives_some():
    """Eight hours: not the newest 20,000 of them, and the caveat says what was left out."""
    client, hours_s = LongRun(), 8 * 3600
    question = Question(window=Window(start_s=0, end_s=hours_s), run_id="r1")

    found = XRaySource(client).sample(question, 2000)

    times_s = sorted(int(one["Id"][2:]) / 10 for one in found.rows)
    quarters = [sum(at * hours_s / 4 <= one < (at + 1) * hours_s / 4 for one in times_s) for at in range(4)]
    assert len(set(times_s)) == 2000
    assert min(quarters) > 400
    (said,) = found.left_out
    assert "drawn from 20000 of them, at most 400 of each of 50 equal parts" in said


def test_a_window_that_can_be_looked_through_is_asked_for_once():
    """Twenty thousand ids are all taken, and there is nothing to say."""
    client = LongRun()

    found = XRaySource(client).sample(Question(window=Window(start_s=0, end_s=2000), run_id="r1"), 20_000)

    assert (len(found.rows), found.left_out, len(client.asked)) == (20_000, (), 1)


@pytest.mark.parametrize(("start_s", "end_s", "parts"), [(0.0, 28_800.0, 50), (5.0, 12.0, 7), (3.2, 3.7, 1)])
def test_slices_leave_no_gap_and_are_whole_seconds(start_s, end_s, parts):
    """End to start, from the window's beginning to its end, none of them empty."""
    found = slices(Window(start_s=start_s, end_s=end_s), 50)

    assert len(found) == parts
    assert (found[0].start_s, found[-1].end_s) == (start_s, end_s)
    assert all(left.end_s == right.start_s for left, right in pairwise(found))
    assert all(one.length_s > 0 for one in found)


@pytest.mark.parametrize(("stand_in", "patience"), [(True, LAB_PATIENCE), (False, CLOUD_PATIENCE)])
def test_aws_is_waited_for_longer(stand_in, patience):
    """A stand-in shows what it was told at once."""
    assert XRaySource(FakeClient(is_stand_in=stand_in)).patience == patience


def test_the_sample_is_drawn_from_the_whole_window():
    """Ids come newest first; the sample takes old ones as well, and is the same each time."""
    ids = tuple(f"1-{number}" for number in range(1000))
    found = xray_source.draw(ids, 100, seed="r1")

    assert len(set(found)) == 100
    assert any(int(one[2:]) > 900 for one in found)
    assert any(int(one[2:]) < 100 for one in found)
    assert found == xray_source.draw(ids, 100, seed="r1")
    assert found != xray_source.draw(ids, 100, seed="r2")
    assert xray_source.draw(ids, 1000, seed="r1") == ids


@given(st.text(alphabet=st.sampled_from("a\"\\' ()ANDOR=!\n\u00e4"), max_size=12))
def test_any_run_id_is_one_text_in_a_filter(run_id: str):
    """Quotes and backslashes, in runs of earlier versions, end no text: the id comes back as it was."""
    expression = f'annotation.run_id = {quoted(run_id)} AND annotation.phase = "measure"'

    assert filters.parse(expression) == filters.And(
        terms=(
            filters.Annotation(key="run_id", operator="=", value=run_id),
            filters.Annotation(key="phase", operator="=", value="measure"),
        )
    )
