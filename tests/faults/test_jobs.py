"""Signals, kills and refusals in the verbs that do more than one thing."""

import signal
import time

import psutil
import pytest

from tests.faults import between
from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, SERVICE, Asked, Heard, Play, Said, interruptions
from tests.faults.stage import PLAN, Place, leftovers
from tests.faults.table import ANY_FOLDER, FOLDER, GONE, NO_FOLDER, RESTORED, Row

pytestmark = pytest.mark.faults

COLLECTING = Asked(pattern="POST /ServiceGraph", of_xray=True)
READING_TRACES = Asked(pattern="POST /Traces", of_xray=True)

ENABLING = {
    "reading the doctor's scene": Asked(pattern="GET .*/deployments|GET .*/pods"),
    "settling": PHASES["settling"],
    "measuring, middle": PHASES["measuring, middle"],
    "collecting": COLLECTING,
    "reading traces": READING_TRACES,
}


@pytest.mark.parametrize(("phase", "number"), interruptions(ENABLING))
def test_a_signal_in_enable(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """The mode stays only if the job was done; what was measured is kept."""
    place = campaign.stage.place(campaign.folder)
    campaign.stage.lend("off", place)
    row = Row(verb="enable tar", fault=number.name, phase=phase, exits=(130,), folder=FOLDER)
    campaign.play(
        row,
        "enable",
        "tar",
        *PLAN,
        place=place,
        moment=ENABLING[phase],
        happens=lambda play: play.signal(number),
    )


@pytest.mark.parametrize("phase", ["measuring, middle", "collecting"])
def test_enable_is_killed(campaign: Campaign, phase: str) -> None:
    """Anybody can put back what the Service had."""
    place = campaign.stage.place(campaign.folder)
    campaign.stage.lend("off", place)
    row = Row(verb="enable tar", fault="SIGKILL", phase=phase, exits=(-9,), service=RESTORED, folder=FOLDER)
    campaign.play(
        row,
        "enable",
        "tar",
        *PLAN,
        place=place,
        moment=ENABLING[phase],
        happens=lambda play: play.signal(signal.SIGKILL),
    )


@pytest.mark.parametrize("operation", ["/ServiceGraph", "/Traces"])
def test_x_ray_refuses_in_enable(campaign: Campaign, operation: str) -> None:
    """Credentials expire: what was measured is kept, and the Service has what it had."""
    place = campaign.stage.place(campaign.folder)
    campaign.stage.lend("off", place)
    row = Row(
        verb="enable tar",
        fault="X-Ray: 403 expired",
        phase=operation,
        exits=(5,),
        folder=FOLDER,
        says=("renew the AWS credentials",),
    )
    campaign.play(row, "enable", "tar", *PLAN, place=place, moment=Expires(operation), happens=lambda _: None)


class Expires:
    """From a question on, X-Ray answers that credentials have expired."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def arm(self, stage: object, play: Play, happens: object) -> None:
        del happens

        async def expired(request: between.web.Request, onwards: between.Pass) -> between.Answer | None:
            play.provoked += 1
            words = {"message": "The security token included in the request is expired"}
            return await between.answers(403, words, x_amzn_ErrorType="ExpiredTokenException")(
                request, onwards
            )

        stage.xray.rule(f"POST {self._operation}$", expired)  # type: ignore[attr-defined]


BASELINE = {
    "measuring the first": PHASES["measuring, middle"],
    "collecting the first": COLLECTING,
    "reading its traces": READING_TRACES,
}


@pytest.mark.parametrize(("phase", "number"), interruptions(BASELINE))
def test_a_signal_in_baseline(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """What was measured until then is kept."""
    row = Row(verb="baseline", fault=number.name, phase=phase, exits=(130,), folder=FOLDER)
    campaign.play(row, "baseline", *PLAN, moment=BASELINE[phase], happens=lambda play: play.signal(number))


DEMO = {
    "bringing the lab up": Heard(later_s=0.8),
    "the lab is up": Said(words="the lab is up"),
    "warming up": PHASES["warming up"],
    "measuring": PHASES["measuring, middle"],
    "collecting": Said(words="X-Ray shows"),
}


@pytest.mark.parametrize(("phase", "number"), interruptions(DEMO))
def test_a_signal_in_demo(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """The lab that it started is down, and what was measured is kept."""
    folder = campaign.folder
    (folder / "runs").mkdir(parents=True)
    place = Place(folder=folder, home=folder / ".samezone")
    row = Row(
        verb="demo",
        fault=number.name,
        phase=phase,
        exits=(130,),
        service=GONE,
        folder=FOLDER if phase in ("measuring", "collecting") else ANY_FOLDER,
    )
    campaign.play(
        row,
        "demo",
        *PLAN,
        "--api-port",
        "0",
        "--xray-port",
        "0",
        place=place,
        moment=DEMO[phase],
        happens=lambda play: play.signal(number),
        live="samezone, its own lab",
    )
    assert not (place.home / "lab" / "state.json").exists()


@pytest.mark.parametrize(("later_s", "number"), interruptions(["0.2", "0.6", "1.0"]))
def test_a_signal_in_lab_up(campaign: Campaign, later_s: str, number: signal.Signals) -> None:
    """No half of a lab is left."""
    folder = campaign.folder
    folder.mkdir(parents=True)
    place = Place(folder=folder, home=folder / ".samezone")
    row = Row(
        verb="lab up",
        fault=number.name,
        phase=f"{later_s} s after its start",
        exits=(0, 130),
        service=GONE,
        folder=NO_FOLDER,
    )

    def down() -> None:
        # Where it was up before the signal came, it stays up, as it should.
        assert place.here("lab", "down").code == 0

    campaign.play(
        row,
        "lab",
        "up",
        "--api-port",
        "0",
        "--xray-port",
        "0",
        place=place,
        moment=Heard(later_s=float(later_s)),
        happens=lambda play: play.signal(number),
        afterwards=down,
        live="samezone, its own lab",
    )


@pytest.mark.parametrize(("phase", "number"), interruptions(["opening", "starting", "serving"]))
def test_a_signal_in_web(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """Its load generators end, and their pods are gone."""
    moments = {
        "opening": PHASES["opening"],
        "starting": PHASES["creating worker pods"],
        "serving": Said(words="Locust web UI:", later_s=0.3),
    }
    row = Row(verb="web", fault=number.name, phase=phase, exits=(0, 130), folder=NO_FOLDER)
    campaign.play(
        row,
        "web",
        "--web-port",
        "0",
        moment=moments[phase],
        happens=lambda play: play.signal(number),
        live="samezone, lab, Locust",
    )


def test_a_worker_of_the_web_ui_is_killed(campaign: Campaign) -> None:
    """Another one takes its place; it ends when it is told to."""
    row = Row(verb="web", fault="SIGKILL of a worker", phase="serving", exits=(0, 130), folder=NO_FOLDER)

    def kills(play: Play) -> None:
        (victim, *others) = _workers(play)
        victim.kill()
        play.provoked += 1
        until_s = time.monotonic() + 12.0
        while len(_workers(play)) < len(others) + 1:
            assert time.monotonic() < until_s, "no worker came back within 10 s"
            assert play.process.poll() is None, play.err
            time.sleep(0.1)
        play.signal(signal.SIGINT)

    campaign.play(
        row,
        "web",
        "--web-port",
        "0",
        moment=Said(words="Locust web UI:", later_s=0.3),
        happens=kills,
        live="samezone, lab, Locust",
    )


def _workers(play: Play) -> list[psutil.Process]:
    return [one for one in leftovers(play.place) if "--worker" in one.cmdline()]


DRILL = {
    "warming up": PHASES["warming up"],
    "before the failure": PHASES["measuring, early"],
    "the zone has failed": Said(words="^measuring for", later_s=2.0),
    "healing": Asked(pattern="PATCH /api/v1/nodes/", first=2),
}


@pytest.mark.parametrize(("phase", "number"), interruptions(DRILL))
def test_a_signal_in_drill(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """The zone is healed."""
    row = Row(
        verb="drill",
        fault=number.name,
        phase=phase,
        exits=(130,),
        folder=ANY_FOLDER if phase == "warming up" else FOLDER,
    )
    campaign.play(
        row,
        "drill",
        "eu-west-1b",
        "--modes",
        "tar",
        *PLAN,
        "--duration",
        "4",
        moment=DRILL[phase],
        happens=lambda play: play.signal(number),
    )


@pytest.mark.parametrize(
    ("phase", "number"), interruptions(["opening", "setting the mode", "waiting for hints"])
)
def test_a_signal_in_routing_set(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """The mode is set or it is not, and restore puts back what was there."""
    row = Row(
        verb="routing set tar",
        fault=number.name,
        phase=phase,
        exits=(0, 130),
        service=RESTORED,
        folder=NO_FOLDER,
    )
    campaign.play(
        row,
        "routing",
        "set",
        "tar",
        moment=PHASES[phase],
        happens=lambda play: play.signal(number),
    )


EXPERIMENT = {
    "the first window": PHASES["measuring, middle"],
    "collecting the first": COLLECTING,
    "the second window": Asked(pattern=f"PATCH .*{SERVICE}", first=2, done=True, later_s=0.5),
}


@pytest.mark.parametrize(("phase", "number"), interruptions(EXPERIMENT))
def test_a_signal_in_experiment(campaign: Campaign, phase: str, number: signal.Signals) -> None:
    """Its windows so far are kept."""
    row = Row(verb="experiment", fault=number.name, phase=phase, exits=(130,))
    campaign.play(
        row,
        "experiment",
        *PLAN,
        "--blocks",
        "AB",
        "--block-duration",
        "2",
        "--null-pairs",
        "0",
        moment=EXPERIMENT[phase],
        happens=lambda play: play.signal(number),
    )


@pytest.mark.parametrize("phase", ["settling", "warming up", "measuring, middle", "quiet after"])
def test_a_second_run_is_refused(campaign: Campaign, phase: str) -> None:
    """One run a Service: the second one says who holds it, and the first one does not notice."""
    stage = campaign.stage
    other = stage.place(campaign.folder.with_name("other"))
    row = Row(verb="run tar", fault="a second run", phase=phase, exits=(0,), folder=FOLDER)

    def begins(play: Play) -> None:
        second = Play(other, "run", "prefer-same-zone", *PLAN)
        try:
            assert second.end() == 5, second.err
            assert second.last_line.startswith("samezone: "), second.err
            assert other.run_folders() == []
            play.provoked += 1
        finally:
            second.kill()

    campaign.play(row, "run", "tar", *PLAN, moment=PHASES[phase], happens=begins, live="two samezones, lab")
