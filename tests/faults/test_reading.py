"""Signals and kills while stored runs are compared, reported and listed: a file is whole or not there."""

import signal
import time
from typing import Any

import msgspec
import pytest

from tests.faults.conftest import Campaign
from tests.faults.playing import Heard, Play
from tests.faults.stage import Place, Stage
from tests.faults.table import Row

pytestmark = pytest.mark.faults

MOMENTS_S = (0.0, 0.15, 0.4, 0.7)
"""After it began to hear signals; it takes about a second."""
NUMBERS = (signal.SIGINT, signal.SIGHUP, signal.SIGKILL)


def stored(place: Place, stage: Stage) -> tuple[str, str]:
    return str(stage.lend("off", place)), str(stage.lend("tar", place))


@pytest.mark.parametrize("number", NUMBERS, ids=lambda one: one.name)
@pytest.mark.parametrize("later_s", MOMENTS_S)
@pytest.mark.parametrize("verb", ["compare", "history"])
def test_a_signal_while_reading(
    campaign: Campaign, verb: str, later_s: float, number: signal.Signals
) -> None:
    """Interrupted, or done before it was heard; what was written is whole."""
    stage = campaign.stage
    place = stage.place(campaign.folder)
    base, run = stored(place, stage)
    words = {"compare": ("compare", base, run), "history": ("history", "--runs", str(place.runs))}[verb]
    exits = (-9,) if number is signal.SIGKILL else (0, 1, 3, 4, 130)
    row = Row(verb=verb, fault=number.name, phase=f"{later_s:g} s after its start", exits=exits)
    campaign.play(
        row,
        *words,
        place=place,
        moment=Heard(later_s=later_s),
        happens=lambda play: play.signal(number),
        live="samezone",
    )
    for path in (*place.runs.rglob("*.json"), *place.runs.rglob("*.html")):
        assert whole(path.read_bytes(), path.suffix), path


def whole(content: bytes, kind: str) -> bool:
    if kind == ".html":
        return content.rstrip().endswith(b"</html>")
    found: Any = msgspec.json.decode(content)
    return bool(found)


def test_moments_are_on_the_way(campaign: Campaign) -> None:
    """An undisturbed comparison takes longer than half of the moments: so these are on its way."""
    stage = campaign.stage
    place = stage.place(campaign.folder)
    began_s = time.monotonic()
    play = Play(place, "compare", *stored(place, stage))
    code = play.end()
    assert code in (0, 1, 3, 4), play.err
    assert time.monotonic() - began_s > MOMENTS_S[len(MOMENTS_S) // 2]
