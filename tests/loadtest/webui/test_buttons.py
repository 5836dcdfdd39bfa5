"""Modes set and put back from the web UI: over a fake cluster, with Leases and records."""

from pathlib import Path

import pytest

from k8s.live.claims import HeldByOtherError
from k8s.live.originals import Originals
from k8s.routing.modes import RoutingMode, mode_of
from loadtest.webui.buttons import SEEN_S, ModeButtons, Press, told_apart
from loadtest.worker.live_view import PUT_BACK, ModeMark, Wish
from tests.k8s.fakes import KEY, holds
from tests.k8s.live.test_switching import REFUSAL, NamedFake, session_of


def buttons_of(cluster: NamedFake, folder: Path) -> ModeButtons:
    """Hints that do not come are not waited for: the fake's clock stands still meanwhile."""
    return ModeButtons(
        session_of(cluster, folder), KEY, clock=cluster.clock, monotonic=cluster.monotonic, timeout_s=0.0
    )


def press(buttons: ModeButtons, mode: str) -> str:
    """What is said once it is done."""
    buttons.grant(Wish(mode=mode))
    assert buttons._thread is not None
    buttons._thread.join(10)
    assert not buttons.busy
    return buttons.said


def test_a_mode_is_set_and_put_back(tmp_path: Path):
    """Meanwhile the Service is ours; afterwards it is anybody's, and no record is left."""
    cluster = NamedFake(hints_at_s=0.0)
    buttons, other = buttons_of(cluster, tmp_path), holds(cluster, Originals(tmp_path), name="eve@other/2/b")

    assert "tar is in force" in press(buttons, "tar")
    assert mode_of(cluster.current) is RoutingMode.TAR
    with pytest.raises(HeldByOtherError):
        other.check(cluster, KEY)

    assert "has what it had: mode off" in press(buttons, PUT_BACK)
    assert mode_of(cluster.current) is RoutingMode.OFF
    other.check(cluster, KEY)
    assert Originals(tmp_path).recall(cluster.context, KEY) is None


@pytest.mark.parametrize("modes", [["tar"], ["tar", "prefer-same-zone"]])
def test_the_end_puts_back_whatever_is_in_force(tmp_path: Path, modes: list[str]):
    """Ctrl-C without a press of the button."""
    cluster, said = NamedFake(hints_at_s=0.0), list[str]()
    before = cluster.current
    buttons = buttons_of(cluster, tmp_path)
    for mode in modes:
        press(buttons, mode)
    assert cluster.current != before

    buttons.end(said.append)

    assert (cluster.current, cluster.objects) == (before, {})
    assert said == [f"Service {KEY} has again what it had"]


def test_the_end_leaves_alone_what_nobody_touched(tmp_path: Path):
    """No Lease is taken, nothing is patched, nothing is said."""
    cluster, said = NamedFake(), list[str]()

    buttons_of(cluster, tmp_path).end(said.append)

    assert (cluster.patches, cluster.objects, said) == ([], {}, [])


def test_a_refusal_is_told_and_put_back_at_the_end(tmp_path: Path):
    """As with routing set the mode stays, so that a person sees it; the end takes it away."""
    cluster = NamedFake(after=NamedFake().before, hints_at_s=0.0, events_after=(REFUSAL,))
    cluster.events_before = ()
    cluster.hints_at_s = 1e9  # the events come with the annotation, not with the clock
    buttons = buttons_of(cluster, tmp_path)

    said = press(buttons, "tar")

    assert "hints were not assigned" in said
    assert mode_of(cluster.current) is RoutingMode.TAR
    buttons.end(lambda _: None)
    assert mode_of(cluster.current) is RoutingMode.OFF


def test_a_service_that_a_run_has_is_not_touched(tmp_path: Path):
    """Who has it is said; the end changes nothing either."""
    cluster = NamedFake(hints_at_s=0.0)
    other = holds(cluster, Originals(tmp_path / "theirs"), name="eve@other/2/b")
    with other.held(cluster, KEY, run="run 7"):
        buttons = buttons_of(cluster, tmp_path)

        assert "is held by eve@other/2/b (run 7" in press(buttons, "tar")
        buttons.end(lambda _: None)

    assert cluster.patches == []


def test_what_somebody_else_set_meanwhile_stays(tmp_path: Path):
    """It is theirs, and is named."""
    cluster, said = NamedFake(hints_at_s=0.0), list[str]()
    buttons = buttons_of(cluster, tmp_path)
    press(buttons, "tar")
    cluster.apply({"spec": {"trafficDistribution": "PreferClose"}})

    buttons.end(said.append)

    assert cluster.current.traffic_distribution == "PreferClose"
    assert not cluster.current.annotations


def test_an_api_server_that_is_away_is_told(tmp_path: Path):
    """In the tab; the web UI goes on."""
    cluster = NamedFake(is_away=True)

    assert "connection refused" in press(buttons_of(cluster, tmp_path), "tar")


def of_somebody_else(presses: list[Press], *seen: tuple[float, str]) -> list[bool]:
    marks = [ModeMark(at_s=at_s, before="x", mode=mode) for at_s, mode in seen]
    return [mark.is_elsewhere for mark in told_apart(marks, presses)]


def test_what_no_press_explains_somebody_else_did():
    """A press explains one change, to its own mode, from its begin until soon after its end."""
    tar = Press(mode="tar", began_s=10.0, ended_s=12.0)
    back = Press(mode=PUT_BACK, began_s=40.0, ended_s=41.0)

    assert of_somebody_else([], (11.0, "tar")) == [True]
    assert of_somebody_else([tar, back], (11.0, "tar"), (42.0, "off")) == [False, False]
    assert of_somebody_else([tar], (9.0, "tar")) == [True]
    assert of_somebody_else([tar], (11.0, "prefer-close")) == [True]
    assert of_somebody_else([tar], (11.0, "tar"), (12.5, "off"), (13.0, "tar")) == [False, True, True]
    assert of_somebody_else([tar], (12.0 + SEEN_S + 1, "tar")) == [True]
    assert of_somebody_else([Press(mode="tar", began_s=10.0)], (60.0, "tar")) == [False]


def test_each_press_is_noted(tmp_path: Path):
    """When it began, and that it has ended, however it did."""
    cluster = NamedFake(hints_at_s=0.0)
    buttons = buttons_of(cluster, tmp_path)

    press(buttons, "tar")
    press(buttons, PUT_BACK)

    assert [one.mode for one in buttons.presses] == ["tar", PUT_BACK]
    assert all(one.began_s <= one.ended_s <= cluster.clock() for one in buttons.presses)
