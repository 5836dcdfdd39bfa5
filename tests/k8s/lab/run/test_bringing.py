"""A lab brought up and taken down by its use-cases, without a command line."""

import time
from pathlib import Path

import pytest

from k8s.lab.run import bringing, supervisor
from k8s.lab.run.bringing import LabSession
from k8s.lab.run.supervisor import Health
from k8s.lab.state import CONTEXT
from k8s.live.originals import Originals
from k8s.routing.modes import RoutingSettings
from k8s.routing.restoring import Original
from tests.k8s.fakes import KEY
from tests.k8s.lab.labs import settings

pytestmark = pytest.mark.lab
HAD = Original(had=RoutingSettings(traffic_distribution="PreferClose"))


def test_up_again_and_down(tmp_path: Path) -> None:
    """A new lab and a gone one void what was recorded of an older one; one that is up already keeps it."""
    records = Originals(tmp_path / "originals")
    said: list[str] = []
    session = LabSession(
        records=records, say=said.append, monotonic=time.monotonic, as_typed=lambda path: Path(path.name)
    )
    wanted = settings(tmp_path / "lab")
    records.remember(CONTEXT, KEY, HAD)
    records.remember("eks", KEY, HAD)
    try:
        first = bringing.bring_up(session, wanted)
        after_first = records.recall(CONTEXT, KEY)
        records.remember(CONTEXT, KEY, HAD)
        second = bringing.bring_up(session, wanted)
        after_second = records.recall(CONTEXT, KEY)
    finally:
        was_there = bringing.take_down(session, tmp_path / "lab")
    assert (first.is_ours, second.is_ours) == (True, False)
    assert first.state.supervisor == second.state.supervisor
    assert (after_first, after_second, records.recall(CONTEXT, KEY)) == (None, HAD, None)
    assert records.recall("eks", KEY) == HAD
    assert was_there
    assert not bringing.take_down(session, tmp_path / "lab")
    assert supervisor.status(tmp_path / "lab").health is Health.DOWN
    up, where, already, *downs = said
    assert up.startswith("the lab is up after ")
    assert up.endswith("zones eu-west-1a, eu-west-1b, eu-west-1c")
    assert where == "kubectl and the AWS CLI see it after: . env"
    assert already.startswith("the lab is already up: API server http://127.0.0.1:")
    assert downs == ["the lab is down", "the lab is not up"]
