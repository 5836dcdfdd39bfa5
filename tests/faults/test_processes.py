"""Processes are killed, or stopped for a while: Locust's, and those of the lab."""

import signal
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, Play
from tests.faults.stage import PLAN, leftovers
from tests.faults.table import ANY_FOLDER, FOLDER, GONE, RESTORED, Row

pytestmark = pytest.mark.faults

LOADED = ("measuring, early", "measuring, middle", "measuring, late")
WORKING = ("starting workers", "warming up", "quiet before", *LOADED, "quiet after")


def locusts(play: Play, role: str) -> list[psutil.Process]:
    """The running masters or workers of a command."""
    found = []
    for process in leftovers(play.place):
        words = process.cmdline()
        if "locust" in words and f"--{role}" in words:
            found.append(process)
    return found


def send(play: Play, processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        process.send_signal(number)
        play.provoked += 1


def pause(play: Play, processes: list[psutil.Process], seconds: float) -> None:
    """They stand still for a while; nobody waits for that."""
    send(play, processes, signal.SIGSTOP)
    threading.Timer(seconds, lambda: [one.send_signal(signal.SIGCONT) for one in processes]).start()


def folder_of(phase: str) -> str:
    return FOLDER if phase in (*LOADED, "quiet after") else ANY_FOLDER


@pytest.mark.parametrize("phase", WORKING)
@pytest.mark.parametrize("role", ["master", "worker"])
def test_locust_is_killed(campaign: Campaign, role: str, phase: str) -> None:
    """A worker is replaced, or the window is no evidence; without a master the run ends with what it had."""
    row = Row(
        verb="run tar", fault=f"SIGKILL of the {role}", phase=phase, exits=(0, 4, 5), folder=folder_of(phase)
    )
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        moment=PHASES[phase],
        happens=lambda play: send(play, locusts(play, role)[:1], signal.SIGKILL),
        live="samezone, lab, Locust",
    )


@pytest.mark.parametrize("phase", ["warming up", "measuring, middle"])
def test_all_workers_are_killed(campaign: Campaign, phase: str) -> None:
    """Nobody is left to send."""
    row = Row(
        verb="run tar", fault="SIGKILL of all workers", phase=phase, exits=(0, 4, 5), folder=folder_of(phase)
    )
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        moment=PHASES[phase],
        happens=lambda play: send(play, locusts(play, "worker"), signal.SIGKILL),
        live="samezone, lab, Locust",
    )


@pytest.mark.parametrize("phase", ["warming up", "measuring, middle"])
@pytest.mark.parametrize("role", ["master", "worker"])
def test_locust_is_stopped_for_a_while(campaign: Campaign, role: str, phase: str) -> None:
    """Three seconds without a sign of it."""
    row = Row(
        verb="run tar",
        fault=f"the {role} stopped for 3 s",
        phase=phase,
        exits=(0, 4, 5),
        folder=folder_of(phase),
    )

    def stops(play: Play) -> None:
        pause(play, locusts(play, role)[:1], 3.0)

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=stops, live="samezone, lab, Locust")


@pytest.mark.parametrize("phase", ["warming up", "measuring, middle"])
def test_samezone_is_stopped_for_a_while(campaign: Campaign, phase: str) -> None:
    """As when a laptop sleeps: the window is longer than it should be, and says so."""
    row = Row(
        verb="run tar",
        fault="samezone stopped for 3 s",
        phase=phase,
        exits=(0, 4, 5),
        folder=folder_of(phase),
    )

    def stops(play: Play) -> None:
        play.signal(signal.SIGSTOP)
        time.sleep(3.0)
        play.signal(signal.SIGCONT)

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=stops)


@pytest.mark.parametrize(
    "phase", ["setting the mode", "starting workers", *LOADED, "quiet after", "putting back"]
)
def test_samezone_is_killed(campaign: Campaign, phase: str) -> None:
    """What the Service had is known, what was measured is on disk, nothing goes on without it."""
    row = Row(
        verb="run tar",
        fault="SIGKILL",
        phase=phase,
        exits=(-9,),
        service=RESTORED,
        folder=FOLDER if phase in (*LOADED, "quiet after", "putting back") else ANY_FOLDER,
    )
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        moment=PHASES[phase],
        happens=lambda play: play.signal(signal.SIGKILL),
        live="samezone, lab, Locust",
    )


INFRASTRUCTURE = ("apiserver", "xray", "controller", "relay-node-a-1", "supervisor")


@pytest.mark.parametrize("phase", ["warming up", "measuring, middle"])
@pytest.mark.parametrize("name", INFRASTRUCTURE)
def test_a_part_of_the_lab_is_killed(campaign: Campaign, name: str, phase: str) -> None:
    """The lab cannot go on without it, and is gone with all that it had; what was measured is kept."""
    row = Row(
        verb="run tar",
        fault=f"SIGKILL of the lab's {name}",
        phase=phase,
        exits=(0, 4, 5),
        service=GONE,
        folder=folder_of(phase),
    )
    stage = campaign.stage

    def kills(play: Play) -> None:
        send(play, [stage.child(name)], signal.SIGKILL)

    place = stage.place(campaign.folder, direct=True)
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        place=place,
        moment=PHASES[phase],
        happens=kills,
        live="samezone, lab, Locust",
    )


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("apiserver", 3), ("xray", 10), ("controller", 3), ("relay-node-a-1", 3), ("supervisor", 3)],
)
def test_a_part_of_the_lab_is_stopped(campaign: Campaign, name: str, seconds: float) -> None:
    """It does not answer for a while, and then it does."""
    row = Row(
        verb="run tar",
        fault=f"the lab's {name} stopped for {seconds:g} s",
        phase="measuring, middle",
        exits=(0, 4, 5),
        service=RESTORED,
        folder=FOLDER,
    )
    stage = campaign.stage

    def stops(play: Play) -> None:
        pause(play, [stage.child(name)], seconds)

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES["measuring, middle"], happens=stops)


def first(kind: str) -> Callable[[Campaign], str]:
    """The name of the first pod of a kind."""
    return lambda campaign: next(pod.name for pod in campaign.stage.state.pods if pod.namespace == kind)


@pytest.mark.parametrize("phase", ["settling", "measuring, middle"])
@pytest.mark.parametrize("kind", ["ui", "catalog"])
def test_a_pod_is_killed(campaign: Campaign, kind: str, phase: str) -> None:
    """Its kubelet starts it again; the window says what it saw."""
    row = Row(
        verb="run tar",
        fault=f"SIGKILL of a {kind} pod",
        phase=phase,
        exits=(0, 4, 5),
        folder=folder_of(phase),
    )

    def kills(play: Play) -> None:
        send(play, [campaign.stage.child(first(kind)(campaign))], signal.SIGKILL)

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=kills)
