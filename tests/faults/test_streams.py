"""Whoever reads stdout or stderr goes away: the job goes on, and its exit code says whether it is done."""

import subprocess

import pytest

from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, Happens, Play
from tests.faults.stage import BIN, PLAN, Place, Stage
from tests.faults.table import FOLDER, Row

pytestmark = pytest.mark.faults

CLOSED = {
    "stdout": (">&-",),
    "stderr": ("2>&-",),
    "stdout and stderr": (">&-", "2>&-"),
    "all three": ("<&-", ">&-", "2>&-"),
}


def without(*redirections: str) -> tuple[str, ...]:
    """A shell that starts a command without some of its streams."""
    return ("sh", "-c", f'exec "$0" "$@" {" ".join(redirections)}')


class AtOnce:
    """A fault that is there from the start."""

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del stage, happens
        play.provoked += 1


@pytest.mark.parametrize("streams", CLOSED)
def test_streams_that_are_closed_from_the_start(campaign: Campaign, streams: str) -> None:
    """The run is whole."""
    row = Row(verb="run tar", fault=f"{streams} closed", phase="importing", exits=(0,), folder=FOLDER)
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        moment=AtOnce(),
        happens=lambda _: None,
        wrapped=without(*CLOSED[streams]),
    )


@pytest.mark.parametrize("phase", ["setting the mode", "warming up", "measuring, middle", "putting back"])
@pytest.mark.parametrize("which", ["stdout", "stderr", "both"])
def test_the_reader_goes(campaign: Campaign, which: str, phase: str) -> None:
    """The terminal's other end is closed half-way; the run is whole."""
    row = Row(verb="run tar", fault=f"the reader of {which} goes", phase=phase, exits=(0,), folder=FOLDER)

    def goes(play: Play) -> None:
        play.deafen(out=which != "stderr", err=which != "stdout")

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=goes)


PIPES: dict[str, tuple[str, ...]] = {
    "run tar": ("run", "tar", *PLAN),
    "collect": ("collect", "RUN"),
    "compare": ("compare", "BASE", "RUN"),
    "history": ("history", "--runs", "RUNS"),
    "routing show": ("routing", "show"),
    "lab status": ("lab", "status"),
}


class Piped:
    """``samezone ... 2>&1 | head -1`` in a shell, its own exit code."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def run(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        script = '"$0" "$@" 2>&1 | head -1; exit ${PIPESTATUS[0]}'
        return subprocess.run(
            ["bash", "-c", script, str(BIN / "samezone"), *words],
            cwd=self._place.folder,
            env=self._place.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )


@pytest.mark.parametrize("verb", PIPES)
def test_head_takes_the_first_line(campaign: Campaign, verb: str) -> None:
    """It costs nothing measured, and the job is done."""
    stage = campaign.stage
    place = stage.place(campaign.folder)
    names = {"RUNS": str(place.runs)}
    if {"RUN", "BASE"} & set(PIPES[verb]) or verb == "history":
        names |= {"RUN": str(stage.lend("tar", place)), "BASE": str(stage.lend("off", place))}
    words = tuple(names.get(word, word) for word in PIPES[verb])
    row = Row(verb=verb, fault="2>&1 | head -1", phase="its first line", exits=(0, 1, 3, 4))
    campaign.piped(row, place, Piped(place).run, words)
