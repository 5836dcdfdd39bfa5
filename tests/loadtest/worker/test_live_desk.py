"""The master's desk: views come in, wishes go out once."""

import pytest

from k8s.errors import UsageError
from loadtest.worker.live_desk import ALIVE_S, LiveDesk
from loadtest.worker.live_view import PUT_BACK, LiveView, ShareSlice, Wish
from loadtest.worker.typed_json import decode, encode

VIEW = LiveView(service="catalog/catalog", client="ui/ui", modes=("off", "tar"), may_change=True)


def desk(view: LiveView = VIEW) -> LiveDesk:
    found = LiveDesk()
    found.take(view, clock_s=10.0)
    return found


def test_a_wish_is_told_once():
    """With the next view; then there is room for another one."""
    here = desk()
    here.ask("tar", clock_s=10.5)

    assert here.take(VIEW, clock_s=11.0).wishes == (Wish(mode="tar"),)
    assert here.take(VIEW, clock_s=12.0).wishes == ()
    here.ask(PUT_BACK, clock_s=12.5)
    assert here.take(VIEW, clock_s=13.0).wishes == (Wish(mode=PUT_BACK),)


@pytest.mark.parametrize(
    ("view", "mode", "at_s", "why"),
    [
        (VIEW, "tar", 10.0 + ALIVE_S + 0.1, "samezone web is not running"),
        (LiveView(service="s", client="c", why_not="not on a cluster"), "tar", 10.1, "not on a cluster"),
        (VIEW, "sideways", 10.1, "choose one of off, tar"),
        (LiveView(service="s", client="c", modes=("tar",), may_change=True, busy="setting tar"), "tar", 10.1,
         "setting tar"),
    ],
    ids=["away", "off", "unknown", "busy"],
)  # fmt: skip
def test_what_nobody_would_grant_is_refused_at_once(view: LiveView, mode: str, at_s: float, why: str):
    """The person hears why, and nothing waits for the next view."""
    here = desk(view)

    with pytest.raises(UsageError, match=why):
        here.ask(mode, clock_s=at_s)
    assert here.take(VIEW, clock_s=at_s).wishes == ()


def test_two_wishes_at_once_are_one():
    """The second person is told to wait."""
    here = desk()
    here.ask("tar", clock_s=10.1)

    with pytest.raises(UsageError, match="another change"):
        here.ask("off", clock_s=10.2)
    assert len(here.take(VIEW, clock_s=11.0).wishes) == 1


def test_before_the_first_view_nobody_is_there():
    """A master in a cluster without anybody who looks."""
    here = LiveDesk()

    assert here.is_away(0.0)
    with pytest.raises(UsageError, match="not running"):
        here.ask("tar", clock_s=0.0)


def test_a_view_survives_the_wire():
    """JSON and back, by the master's own reader."""
    view = LiveView(
        service="a/b", client="c/d", slices=(ShareSlice(start_s=1.0, end_s=2.0, same=3, cross=4, unknown=5),)
    )

    assert decode(encode(view), LiveView) == view
