"""HUP, INT and TERM in every phase of a run, once and repeatedly; KILL; a stop as of a laptop that sleeps."""

import signal

import pytest

from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, Play, interruptions
from tests.faults.stage import PLAN
from tests.faults.table import ANY_FOLDER, FOLDER, NO_FOLDER, Row

pytestmark = pytest.mark.faults

MEASURED = (
    "measuring, early",
    "measuring, middle",
    "measuring, late",
    "quiet after",
    "deleting worker pods",
    "putting back",
    "put back, unanswered",
    "after putting back",
)
UNCHANGED = ("importing", "importing more", "opening")
WHOLE = ("put back, unanswered", "after putting back")
"""The run is measured and the Service has what it had: ending and being interrupted are both right."""


def folder_of(phase: str) -> str:
    if phase in MEASURED:
        return FOLDER
    return NO_FOLDER if phase in UNCHANGED else ANY_FOLDER


@pytest.mark.parametrize(("phase", "number"), interruptions(PHASES))
def test_a_signal(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """Interrupted, everything restored, what was measured kept."""
    row = Row(
        verb="run tar",
        fault=number.name,
        phase=phase,
        exits=(0, 130) if phase in WHOLE else (130,),
        folder=folder_of(phase),
    )
    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=lambda play: play.signal(number))


@pytest.mark.parametrize(
    "phase", ["setting the mode", "starting workers", "measuring, middle", "putting back"]
)
def test_signals_again_and_again(campaign: Campaign, phase: str) -> None:
    """The second one does not cut the putting back short."""
    row = Row(verb="run tar", fault="INT, TERM, HUP, INT", phase=phase, exits=(130,), folder=folder_of(phase))

    def burst(play: Play) -> None:
        play.signal(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=burst)
