"""A bench that gives a trial back the windows which were measured before, in their order."""

from pathlib import Path

from analysis import artifacts
from analysis.arm.result import AssumedBytes
from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.trial.journal import BrokenOff, KeptWindow, TrialBrokenOffError, settle_s
from analysis.trial.run import WindowsEndError
from k8s.errors import UsageError


class KeptBench:
    """Implements Bench: nothing is measured, written or said."""

    def __init__(
        self,
        folder: Path,
        windows: tuple[KeptWindow, ...],
        *,
        broken_off: BrokenOff | None = None,
        assumed: AssumedBytes,
        known: dict[str, Attempt] | None = None,
    ) -> None:
        """*known*: attempts by run folder, so that none is read twice; it is added to."""
        self._folder = folder
        self._windows = windows
        self._broken_off = broken_off
        self._assumed = assumed
        self._known = {} if known is None else known
        self._used = 0
        self.torn: tuple[KeptWindow, UsageError] | None = None
        """The last window, where its folder cannot be read: it was being written when all ended."""

    @property
    def settle_s(self) -> float:
        """As it was when the windows were measured."""
        return settle_s(self._windows[: self._used])

    def say(self, text: str) -> None:
        """Nothing: it was said then."""

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        """Nothing."""

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        """The next window; UsageError where it is not what the trial asks for, or cannot be read.

        TrialBrokenOffError where a guard ended the trial in it.
        """
        if self._used == len(self._windows):
            if self._broken_off is not None and self._broken_off.label == label:
                raise TrialBrokenOffError(self._broken_off)
            raise WindowsEndError(f"{label}: not measured yet")
        window = self._windows[self._used]
        if (window.label, window.mode, window.seconds) != (label, mode, seconds):
            raise UsageError(
                f"trial {self._folder}: its journal holds {window.label} ({window.mode}, "
                f"{window.seconds:g} s) where the plan has {label} ({mode}, {seconds:g} s); was it measured "
                "by another version?"
            )
        try:
            attempt = self._read(window)
        except UsageError as error:
            if self._used == len(self._windows) - 1:
                self.torn = (window, error)
                raise WindowsEndError(f"{label}: {error}") from error
            raise UsageError(f"trial {self._folder}: its window {label} cannot be read: {error}") from error
        self._used += 1
        return attempt

    def _read(self, window: KeptWindow) -> Attempt:
        if window.folder not in self._known:
            inputs = artifacts.read_arm(self._folder / window.folder)
            self._known[window.folder] = again.attempt(inputs, label=window.label, assumed=self._assumed)
        return self._known[window.folder]
