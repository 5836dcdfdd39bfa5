"""A terminal that closes in the middle of a run: an end in order, or, under nohup, no end."""

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Campaign
from tests.faults.playing import Happens, Moment, Play, Written
from tests.faults.stage import PLAN, Stage
from tests.faults.table import ANY_FOLDER, FOLDER, Row

pytestmark = pytest.mark.faults

TERMINAL = (sys.executable, str(Path(__file__).with_name("terminal.py")))


class Soon:
    """While Python, or samezone, still loads modules."""

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del stage
        time.sleep(0.7)
        happens(play)


BEFORE: Moment = Soon()
UNDER_LOAD: Moment = Written(pattern="*/record.json")


@pytest.mark.parametrize(
    ("phase", "moment", "folder"), [("importing", BEFORE, ANY_FOLDER), ("under load", UNDER_LOAD, FOLDER)]
)
@pytest.mark.parametrize("is_immune", [False, True], ids=["heard", "nohup"])
def test_the_terminal_closes(
    campaign: Campaign, phase: str, moment: Moment, folder: str, is_immune: bool
) -> None:
    """SIGHUP and a standard error that fails come at once; told to ignore the signal, the run is done."""
    row = Row(
        verb="run tar",
        fault=f"the terminal closes{' under nohup' if is_immune else ''}",
        phase=phase,
        exits=(0,) if is_immune else (130,),
        folder=FOLDER if is_immune else folder,
    )
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        wrapped=(*TERMINAL, *(["--nohup"] if is_immune else [])),
        moment=moment,
        happens=lambda play: play.signal(signal.SIGUSR1),
    )
