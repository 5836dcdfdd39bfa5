"""The master's desk between the Zones tab and whoever runs ``samezone web``: views come in, wishes go out."""

from k8s.errors import UsageError
from loadtest.worker.live_view import PUT_BACK, Handover, LiveView, Wish

ALIVE_S = 6.0
"""A view comes every second; after so long without one nobody would grant a wish."""


class LiveDesk:
    """Knows neither Locust nor a clock: readings of a monotonic one come in."""

    def __init__(self) -> None:
        self._view: LiveView | None = None
        self._came_s = 0.0
        self._wishes: list[Wish] = []

    def take(self, view: LiveView, *, clock_s: float) -> Handover:
        """A newer view; the wishes made since the last one."""
        self._view, self._came_s = view, clock_s
        wishes, self._wishes = tuple(self._wishes), []
        return Handover(wishes=wishes)

    def view(self) -> LiveView | None:
        """The latest one; None before the first."""
        return self._view

    def age_s(self, clock_s: float) -> float:
        """How long ago it came."""
        return max(0.0, clock_s - self._came_s)

    def is_away(self, clock_s: float) -> bool:
        """Whether nobody hands views over any more, or yet."""
        return self._view is None or self.age_s(clock_s) > ALIVE_S

    def ask(self, mode: str, *, clock_s: float) -> None:
        """Note a wish; UsageError, for the person, where nobody will grant it."""
        view = self._view
        if view is None or self.is_away(clock_s):
            raise UsageError("samezone web is not running, so nobody can change the mode; start it again")
        if not view.may_change:
            raise UsageError(view.why_not)
        if mode not in {PUT_BACK, *view.modes}:
            raise UsageError(f"mode {mode!r} is not known; choose one of {', '.join(view.modes)}")
        if view.busy or self._wishes:
            raise UsageError(f"wait: {view.busy or 'another change is about to be made'}")
        self._wishes.append(Wish(mode=mode))
