"""The API server is gone, slow, refuses or answers nonsense at each request of a run.

What breaks is between samezone and the API server; the lab itself goes on.
"""

import threading
from itertools import cycle

import pytest

from tests.faults import between
from tests.faults.between import Meddle
from tests.faults.conftest import Campaign
from tests.faults.playing import PHASES, SERVICE, Asked, Happens, Play
from tests.faults.stage import PLAN, Stage
from tests.faults.table import ANY_FOLDER, FOLDER, RESTORED, Row

pytestmark = pytest.mark.faults

REQUESTS = {
    "asking its version": ("GET /version", 1),
    "reading the Service": (f"GET .*{SERVICE}", 1),
    "writing the Lease": ("(POST|PUT|PATCH) .*/leases", 1),
    "setting the mode": (f"PATCH .*{SERVICE}", 1),
    "reading hints": ("GET .*/endpointslices", 1),
    "reading events": ("GET .*/events", 1),
    "creating a worker pod": ("POST .*/locust/pods", 2),
    "listing nodes": (r"GET /api/v1/nodes\?limit", 1),
    "watching": ("GET .*watch=true", 1),
    "deleting a worker pod": ("DELETE .*/locust/pods", 2),
    "putting back": (f"PATCH .*{SERVICE}", 2),
}
"""Each kind of request of a run, and which of them is meddled with."""
STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
ONCE: dict[str, Meddle] = {
    "500 once": between.answers(500, STATUS | {"message": "etcdserver: request timed out", "code": 500}),
    "403 once": between.answers(403, STATUS | {"message": "not allowed", "code": 403}),
    "hangs up once": between.hangs_up,
    "half an answer once": between.cuts,
    "nonsense once": between.answers(200, b"<html>"),
}
WRITES = (
    "writing the Lease",
    "setting the mode",
    "creating a worker pod",
    "deleting a worker pod",
    "putting back",
)
BROKEN = (0, 4, 5)
"""It may be done all the same, say that the window is no evidence, or that the place refuses."""


def in_turns() -> list[tuple[str, str]]:
    """A 500 for each kind of request, and two of the other faults in turns."""
    first, *others = ONCE
    turns = cycle(others)
    return [pair for one in REQUESTS for pair in ((one, first), (one, next(turns)), (one, next(turns)))]


def provoked(meddle: Meddle, play: Play) -> Meddle:
    """The same, counted."""

    async def counting(request: between.web.Request, onwards: between.Pass) -> between.Answer | None:
        play.provoked += 1
        return await meddle(request, onwards)

    return counting


class Meddled:
    """A moment that is a request, and a fault that is its answer."""

    def __init__(self, pattern: str, first: int, meddle: Meddle, most: int = 1) -> None:
        self._pattern, self._first, self._meddle, self._most = pattern, first, meddle, most

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del happens
        stage.api.rule(self._pattern, provoked(self._meddle, play), first=self._first, most=self._most)


@pytest.mark.parametrize(("request_", "fault"), in_turns())
def test_one_request_fails(campaign: Campaign, request_: str, fault: str) -> None:
    """One request in a run goes wrong."""
    row = Row(verb="run tar", fault=f"API server: {fault}", phase=request_, exits=BROKEN, service=RESTORED)
    pattern, first = REQUESTS[request_]
    moment = Meddled(pattern, first, ONCE[fault])
    campaign.play(row, "run", "tar", *PLAN, moment=moment, happens=lambda _: None)


@pytest.mark.parametrize("request_", WRITES)
def test_an_answer_is_lost(campaign: Campaign, request_: str) -> None:
    """The API server did what was asked, and the command does not know."""
    row = Row(
        verb="run tar", fault="API server: the answer is lost", phase=request_, exits=BROKEN, service=RESTORED
    )
    pattern, first = REQUESTS[request_]
    campaign.play(
        row,
        "run",
        "tar",
        *PLAN,
        moment=Meddled(pattern, first, between.loses_the_answer),
        happens=lambda _: None,
    )


@pytest.mark.parametrize("request_", ["reading the Service", "setting the mode", "watching", "putting back"])
def test_it_is_slow(campaign: Campaign, request_: str) -> None:
    """Three seconds for an answer are waited for."""
    row = Row(verb="run tar", fault="API server: 3 s late", phase=request_, exits=(0,), folder=FOLDER)
    pattern, first = REQUESTS[request_]
    campaign.play(
        row, "run", "tar", *PLAN, moment=Meddled(pattern, first, between.slow(3.0)), happens=lambda _: None
    )


@pytest.mark.parametrize(
    "phase",
    [
        "opening",
        "setting the mode",
        "settling",
        "starting workers",
        "warming up",
        "measuring, middle",
        "quiet after",
        "putting back",
    ],
)
def test_it_is_gone(campaign: Campaign, phase: str) -> None:
    """It goes and does not come back before the run has ended."""
    measured = phase in ("measuring, middle", "quiet after", "putting back")
    row = Row(
        verb="run tar",
        fault="API server: gone",
        phase=phase,
        exits=(0, 5) if phase == "putting back" else (5,),
        service=RESTORED,
        folder=FOLDER if measured else ANY_FOLDER,
    )
    api = campaign.stage.api

    def goes(play: Play) -> None:
        play.provoked += 1
        api.go()

    campaign.play(row, "run", "tar", *PLAN, moment=later(phase), happens=goes)


@pytest.mark.parametrize("phase", ["settling", "warming up", "measuring, middle", "quiet after"])
def test_it_is_gone_for_a_second(campaign: Campaign, phase: str) -> None:
    """It is back before it is needed, or the run says that it was not there."""
    row = Row(verb="run tar", fault="API server: gone for 1 s", phase=phase, exits=BROKEN, service=RESTORED)
    api = campaign.stage.api

    def goes(play: Play) -> None:
        play.provoked += 1
        api.go()
        threading.Timer(1.0, api.come).start()

    campaign.play(row, "run", "tar", *PLAN, moment=later(phase), happens=goes)


def later(phase: str) -> "Asked | object":
    """It cannot go while it holds a request of its own: it goes a moment later."""
    moment = PHASES[phase]
    if isinstance(moment, Asked) and not moment.later_s:
        return Asked(pattern=moment.pattern, first=moment.first, done=moment.done, later_s=0.01)
    return moment
