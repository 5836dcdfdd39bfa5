"""X-Ray as a source: its sample is of this run, and of the whole window."""

from dataclasses import dataclass, field

import pytest

from analysis.source.interface import Question
from analysis.source.xray import xray_source
from analysis.source.xray.xray_source import CLOUD_PATIENCE, LAB_PATIENCE, XRaySource
from loadtest.record import Window


@dataclass
class FakeClient:
    """The reading half of the client, without boto3."""

    is_stand_in: bool = True
    expressions: list[str] = field(default_factory=list)

    def trace_ids(self, window: Window, expression: str, *, limit: int) -> tuple[str, ...]:
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
    assert len(found) == 3


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
