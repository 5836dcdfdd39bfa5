"""A zone fails in the middle of the load: does traffic still arrive, how soon again? Values and arithmetic.

``drill.json`` is a ``Drill``.
"""

from dataclasses import dataclass

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The load generators at one moment; counts are since the window's start."""

    at_s: float
    """Seconds since the window's start."""
    requests: int
    """Finished, failed ones included."""
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One arm through a zone's failure."""

    schema: int = SCHEMA
    mode: str
    zone: str
    outage: str = "nodes"
    """What failed: ``nodes`` (power), ``pods`` (they hang), ``shift`` (a zonal shift)."""
    failed_at_s: float
    """When the zone was made to fail, seconds since the window's start."""
    noticed_after_s: float | None
    """Until the cluster took the zone's endpoints away; None if it never did."""
    timeout_s: float
    """After which a shopper gives up; what fails is seen that much later."""
    ticks: tuple[Tick, ...]
    requests: int
    failures: int

    @property
    def failed_share(self) -> float | None:
        """Of the requests that finished after the failure; None without any."""
        before = self._at(self.failed_at_s)
        done = self.requests - before.requests
        return (self.failures - before.failures) / done if done > 0 else None

    @property
    def recovered_after_s(self) -> float | None:
        """From the failure to the last request that failed; 0 if none did, None if they fail to the end.

        Good to the distance of two ticks, and seen late by up to the shoppers' time-out.
        """
        last = self._at(self.failed_at_s).failures
        found = 0.0
        for tick in self.ticks:
            if tick.at_s > self.failed_at_s and tick.failures > last:
                last, found = tick.failures, tick.at_s - self.failed_at_s
        if self.ticks and found and found >= self.ticks[-1].at_s - self.failed_at_s - 1.0:
            return None
        return found

    def _at(self, at_s: float) -> Tick:
        """The last tick not after a moment."""
        known = [tick for tick in self.ticks if tick.at_s <= at_s]
        return known[-1] if known else Tick(at_s=0.0, requests=0, failures=0)
