"""X-Ray fails while a measured run is collected: nothing measured is lost, and no number is wrong unnamed.

The command is live, in a process of its own, and so is the stand-in; what fails is between the two. Where a
fault lasts longer than the command's patience, the command runs in this process, ten times as impatient.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults import between
from tests.faults.aftermath import check_leftovers
from tests.faults.between import Meddle, Rule
from tests.faults.conftest import Campaign
from tests.faults.playing import Asked, Play, interruptions
from tests.faults.stage import Place
from tests.faults.table import SAME, Row, Seen
from tests.lab.conftest import JUDGED

pytestmark = pytest.mark.faults

OPERATIONS = {
    "destination": "POST /GetTraceSegmentDestination",
    "graph": "POST /ServiceGraph",
    "summaries": "POST /TraceSummaries",
    "traces": "POST /Traces",
}
THROTTLED: Meddle = between.answers(429, {"message": "Rate exceeded"}, x_amzn_ErrorType="ThrottledException")
EXPIRED = between.answers(
    403,
    {"message": "The security token included in the request is expired"},
    x_amzn_ErrorType="ExpiredTokenException",
)
TROUBLE = between.answers(500, {"message": "try again"}, x_amzn_ErrorType="InternalFailure")
LOGIN = between.answers(200, b"<html>please log in</html>", Content_Type="text/html")
GARBAGE = between.answers(200, b'{"Services": [{"Name": \xff\x00')

PASSING: dict[str, tuple[Meddle, int]] = {
    "429 three times": (THROTTLED, 3),
    "500 twice": (TROUBLE, 2),
    "503 twice": (between.answers(503, b"unavailable"), 2),
    "hangs up once": (between.hangs_up, 1),
    "half an answer once": (between.cuts, 1),
    "2 s late": (between.slow(2.0), 2),
    "a login page once": (LOGIN, 1),
}
"""What passes: the command goes on by itself."""


def denied(operation: str) -> Meddle:
    words = f"User: arn:aws:iam::1:user/me is not authorized to perform: xray:{operation}"
    return between.answers(403, {"message": words}, x_amzn_ErrorType="AccessDeniedException")


LASTING: dict[str, tuple[Callable[[str], Meddle], str]] = {
    "403 denied": (denied, "allow the IAM action xray:"),
    "403 expired": (lambda _: EXPIRED, "renew the AWS credentials"),
    "429 for good": (lambda _: THROTTLED, "it throttles"),
    "500 for good": (lambda _: TROUBLE, "trouble of its own"),
    "hangs up for good": (lambda _: between.hangs_up, "is it up"),
    "garbage": (lambda _: GARBAGE, "calling"),
    "a login page": (lambda _: LOGIN, "a login page"),
}
"""What stays, and what the command's line says of it."""
ACTIONS = {
    "destination": "GetTraceSegmentDestination",
    "graph": "GetServiceGraph",
    "summaries": "GetTraceSummaries",
    "traces": "BatchGetTraces",
}


@pytest.fixture
def place(campaign: Campaign) -> Place:
    return campaign.stage.place(campaign.folder)


@pytest.fixture
def run(campaign: Campaign, place: Place) -> Path:
    """A measured run that was not collected yet."""
    folder = campaign.stage.lend("tar", place)
    for name in ("graph.json", "traces.jsonl.gz"):
        (folder / name).unlink(missing_ok=True)
    return folder


def headline(place: Place, campaign: Campaign, run: Path) -> Any:
    """What a comparison says of the run: its pairs."""
    baseline = campaign.stage.lend("off", place)
    done = place.here("compare", str(baseline), str(run))
    assert done.code in JUDGED, done.err
    return msgspec.json.decode((run / "comparison.json").read_bytes())["candidate"]["pairs"]


def finish(
    campaign: Campaign, place: Place, run: Path, row: Row, done: tuple[int, str], rule: Rule, began_s: float
) -> None:
    """What must hold of a row: its code, one line, and that collecting goes on once X-Ray is back."""
    code, err = done
    seen = Seen(row=row, live="samezone, lab", code=code, service=SAME)
    seen.line = next((line for line in reversed(err.splitlines()) if line.strip()), "")
    try:
        assert rule.hits, f"nothing was provoked: {err}"
        assert "Traceback" not in err, err
        assert code in row.exits, err
        if code:
            assert seen.line.startswith("samezone: "), err
            assert not row.says or any(one in seen.line for one in row.says), seen.line
        campaign.stage.xray.forget()
        assert (run / "record.json").is_file()
        again = place.here("collect", str(run))
        assert again.code in JUDGED, again.err
        assert headline(place, campaign, run) == undisturbed(campaign)
        seen.folder = "usable"
        check_leftovers(campaign.stage, place, seen)
    finally:
        seen.seconds = time.monotonic() - began_s
        campaign.tell(seen.cells())


def undisturbed(campaign: Campaign) -> Any:
    """What a comparison says of the same run, collected when nothing was wrong."""

    def judged() -> Any:
        folder = campaign.folder.with_name("beside")
        (folder / "runs").mkdir(parents=True)
        place = Place(folder=folder, home=campaign.folder / ".samezone")
        return headline(place, campaign, campaign.stage.lend("tar", place))

    return campaign.stage.once("pairs", judged)


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_passes_is_waited_for(
    campaign: Campaign, place: Place, run: Path, operation: str, fault: str
) -> None:
    """The job is done, with the same numbers as without the fault."""
    meddle, most = PASSING[fault]
    row = Row(verb="collect", fault=f"X-Ray: {fault}", phase=operation, exits=(0,))
    rule = campaign.stage.xray.rule(OPERATIONS[operation] + "$", meddle, most=most)
    began_s = time.monotonic()
    play = Play(place, "collect", str(run))
    try:
        code = play.end()
        finish(campaign, place, run, row, (code, "\n".join(play.err)), rule, began_s)
    finally:
        play.kill()


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_stays_is_one_line(
    campaign: Campaign, place: Place, run: Path, operation: str, fault: str
) -> None:
    """Exit 5 in bounded time; what was measured is there, and collecting goes on later."""
    make, says = LASTING[fault]
    row = Row(verb="collect", fault=f"X-Ray: {fault}", phase=operation, exits=(5,), says=(says,))
    rule = campaign.stage.xray.rule(OPERATIONS[operation] + "$", make(ACTIONS[operation]))
    began_s = time.monotonic()
    done = place.here("collect", str(run))
    finish(campaign, place, run, row, (done.code, done.err), rule, began_s)


@pytest.mark.parametrize(("operation", "number"), interruptions(OPERATIONS))
def test_a_signal_while_collecting(
    campaign: Campaign, place: Place, run: Path, operation: str, number: signal.Signals
) -> None:
    """Interrupted at once, and the folder is as it was."""
    row = Row(verb="collect", fault=number.name, phase=operation, exits=(130,))
    campaign.play(
        row,
        "collect",
        str(run),
        place=place,
        moment=Asked(pattern=OPERATIONS[operation] + "$", of_xray=True),
        happens=lambda play: play.signal(number),
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_while_collecting(campaign: Campaign, place: Place, run: Path, operation: str) -> None:
    """What was measured is there."""
    row = Row(verb="collect", fault="SIGKILL", phase=operation, exits=(-9,))
    campaign.play(
        row,
        "collect",
        str(run),
        place=place,
        moment=Asked(pattern=OPERATIONS[operation] + "$", of_xray=True),
        happens=lambda play: play.signal(signal.SIGKILL),
    )
