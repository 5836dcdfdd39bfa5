"""The buttons of the Zones tab: a mode is set, and put back, as ``samezone routing`` does it.

The Service is held from the first change until it has again what it had: no run and no other command changes
it meanwhile. Whatever it has when the web UI ends, it gets back what it had before the first change.
"""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from k8s.effects import Patience, Say
from k8s.errors import InterruptedRunError, SamezoneError
from k8s.live import switching
from k8s.live.holding import LostHoldError
from k8s.live.switching import RoutingSession, SwitchRequest
from k8s.routing.modes import RoutingMode, RoutingSettings, settings_of
from k8s.topology import ServiceKey
from loadtest.worker.live_view import PUT_BACK, ModeMark, Wish

HINTS_TIMEOUT_S: Final = 30.0
SEEN_S: Final = 15.0
"""A change is seen so soon after it was done, however busy the API server is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button did, and when."""

    mode: str
    """PUT_BACK: whatever the Service had."""
    began_s: float
    ended_s: float = math.inf


def told_apart(marks: Sequence[ModeMark], presses: Sequence[Press]) -> tuple[ModeMark, ...]:
    """The marks, those that no press explains as somebody else's; each press explains one."""
    left, found = list(presses), []
    for mark in marks:
        mine = next((one for one in left if _explains(one, mark)), None)
        if mine is not None:
            left = left[left.index(mine) + 1 :]
        found.append(replace(mark, is_elsewhere=mine is None))
    return tuple(found)


def _explains(press: Press, mark: ModeMark) -> bool:
    return press.mode in {PUT_BACK, mark.mode} and press.began_s <= mark.at_s <= press.ended_s + SEEN_S


class ModeButtons:
    """Does one thing after the other, in a thread of its own: a controller may take its time for hints."""

    def __init__(
        self,
        session: RoutingSession,
        key: ServiceKey,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        timeout_s: float = HINTS_TIMEOUT_S,
    ) -> None:
        """*session* asks nobody any more; *timeout_s* is how long hints are waited for."""
        self._session = session
        self._key = key
        self._ending = threading.Event()
        self._patience = Patience(timeout_s=timeout_s, clock=clock, monotonic=monotonic, sleep=self._pause)
        self._had: RoutingSettings | None = None
        """What the Service had before the first change; None while nothing of ours is in force."""
        self._hold = ExitStack()
        self._thread: threading.Thread | None = None
        self._clock = clock
        self.presses: tuple[Press, ...] = ()
        """Those that were granted, in order."""
        self.busy = ""
        """What is being done; empty for nothing."""
        self.said = ""
        """How the last wish ended."""

    def grant(self, wish: Wish) -> None:
        """Begin to do what was asked for; a wish that comes before that is done is refused."""
        if self.busy:
            self.said = f"not done, as it came too early: {self.busy}"
            return
        what = "putting back what" if wish.mode == PUT_BACK else f"setting {wish.mode} on"
        self.busy = f"{what} Service {self._key}{' had' if wish.mode == PUT_BACK else ''}"
        self._thread = threading.Thread(target=self._do, args=(wish,), daemon=True)
        self._thread.start()

    def end(self, say: Say) -> None:
        """Give the Service back what it had; SamezoneError, which says what to type, where that fails."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        with self._hold:
            if self._had is not None:
                self._give_back(self._had)
                say(f"Service {self._key} has again what it had")

    def _do(self, wish: Wish) -> None:
        press = Press(mode=wish.mode, began_s=self._clock())
        before, self.presses = self.presses, (*self.presses, press)
        try:
            self.said = self._put_back() if wish.mode == PUT_BACK else self._set(RoutingMode(wish.mode))
        except (SamezoneError, OSError) as error:
            self.said = str(error)
        finally:
            self.presses = (*before, replace(press, ended_s=self._clock()))
            self.busy = ""

    def _set(self, mode: RoutingMode) -> str:
        session, key = self._session, self._key
        had = self._had
        if had is None:
            had = settings_of(session.cluster.service(key))
            session.holds.check(session.cluster, key)
            self._hold.enter_context(session.holds.together())
        self._had = had
        outcome = switching.switch(session, SwitchRequest(service=key, mode=mode, patience=self._patience))
        return (
            f"mode {mode.value} is in force after {outcome.waited_s:.1f} s: {outcome.hints.hinted} of "
            f"{outcome.hints.endpoints} endpoints have hints"
        )

    def _put_back(self) -> str:
        """As ``routing restore`` does, also for a mode that was set before the web UI was there."""
        done = switching.restore(self._session, self._key)
        if done.changed:
            return "left as somebody else set it: " + "; ".join(str(knob) for knob, _ in done.changed)
        self._had = None
        self._hold.close()  # others may have the Service again
        if not done.had_record:
            return f"nothing of ours is in force, so nothing was changed (mode {done.mode.value})"
        return f"the Service has what it had: mode {done.mode.value}"

    def _give_back(self, had: RoutingSettings) -> None:
        session = self._session
        try:
            with session.holds.held(session.cluster, self._key, run="web") as held:
                left = held.give_back(had)
        except LostHoldError as error:
            raise LostHoldError(f"{error}; what it had is not put back") from error
        if left:
            session.talk.say(
                f"Service {self._key}: {'; '.join(map(str, left))}; left as somebody else set it"
            )

    def _pause(self, seconds: float) -> None:
        if self._ending.wait(seconds):
            raise InterruptedRunError("the web UI ends")
