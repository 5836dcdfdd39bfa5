"""A command while it runs, and moments of it at which something happens."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Protocol

from tests.faults.between import answered, held
from tests.faults.stage import BIN, Place, Stage

PATIENCE_S = 60.0
Happens = Callable[["Play"], None]


class Play:
    """A samezone process of its own session; what it says is read as it says it."""

    def __init__(self, place: Place, *arguments: str, wrapped: tuple[str, ...] = ()) -> None:
        self.place = place
        self.began_s = time.monotonic()
        self.process = subprocess.Popen(
            [*wrapped, str(BIN / "samezone"), *arguments],
            cwd=place.folder,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.err: list[str] = []
        self.out: list[str] = []
        self.provoked = 0
        """How often the fault really was there."""
        self._heard = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, into), daemon=True)
            for stream, into in ((self.process.stderr, self.err), (self.process.stdout, self.out))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: object, into: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            with self._heard:
                into.append(line.rstrip("\n"))
                self._heard.notify_all()

    def hear(self, words: str, patience_s: float = PATIENCE_S) -> bool:
        """Wait until a line of stderr has these words; False when it ends without."""
        until_s = time.monotonic() + patience_s
        pattern = re.compile(words)
        with self._heard:
            while not any(pattern.search(line) for line in self.err):
                if self.process.poll() is not None or time.monotonic() > until_s:
                    return any(pattern.search(line) for line in self.err)
                self._heard.wait(0.05)
        return True

    def signal(self, *numbers: signal.Signals) -> None:
        """Send signals; counts only where it was alive."""
        for number in numbers:
            if self.process.poll() is None:
                os.kill(self.process.pid, number)
                self.provoked += 1

    def deafen(self, *, out: bool = False, err: bool = False) -> None:
        """Stop reading, for good, what it says."""
        for wanted, stream in ((out, self.process.stdout), (err, self.process.stderr)):
            if wanted and stream is not None and self.process.poll() is None:
                # The reading thread is blocked in this very descriptor: another end takes its place.
                nowhere, other = os.pipe()
                os.close(other)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                self.provoked += 1

    def end(self, patience_s: float = 90.0) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait(patience_s)
        for reader in self._readers:
            reader.join(5)
        return code

    def kill(self) -> None:
        """End it in any case, and what it started."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def last_line(self) -> str:
        return next((line for line in reversed(self.err) if line.strip()), "")


class Moment(Protocol):
    """When something happens to a command."""

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        """Let it happen then."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """So long after the process began to hear signals; before that, Python itself starts."""

    later_s: float = 0.0

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del stage
        status = Path(f"/proc/{play.process.pid}/status")
        until_s = time.monotonic() + PATIENCE_S
        while play.process.poll() is None and time.monotonic() < until_s:
            if int(re.findall(r"SigCgt:\s*([0-9a-f]+)", status.read_text())[0], 16) & 1 << signal.SIGHUP - 1:
                time.sleep(self.later_s)
                happens(play)
                return
            time.sleep(0.001)


@dataclass(frozen=True, kw_only=True)
class Said:
    """When it has said so, and a moment later."""

    words: str
    later_s: float = 0.0

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del stage
        if play.hear(self.words):
            time.sleep(self.later_s)
            happens(play)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """While a request of it is under way: *done* is after the server did it, before the answer arrives."""

    pattern: str
    first: int = 1
    done: bool = False
    of_xray: bool = False
    later_s: float = 0.0

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        between = stage.xray if self.of_xray else stage.api

        def now() -> None:
            if self.later_s:
                threading.Timer(self.later_s, happens, (play,)).start()
            else:
                happens(play)

        between.rule(self.pattern, (answered if self.done else held)(now), first=self.first, most=1)


@dataclass(frozen=True, kw_only=True)
class Written:
    """As soon as there is a file of this name among the runs."""

    pattern: str

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del stage
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and play.process.poll() is None:
            if any(Path(play.place.runs).glob(self.pattern)):
                happens(play)
                return
            time.sleep(0.001)


SERVICE = r"/namespaces/catalog/services/catalog(\?|$)"
PHASES: dict[str, Moment] = {
    "importing": Heard(),
    "importing more": Heard(later_s=0.1),
    "opening": Asked(pattern="GET .*"),
    "reading what the Service has": Asked(pattern=f"GET .*{SERVICE}"),
    "setting the mode": Asked(pattern=f"PATCH .*{SERVICE}"),
    "the mode is set, unanswered": Asked(pattern=f"PATCH .*{SERVICE}", done=True),
    "waiting for hints": Asked(pattern=f"PATCH .*{SERVICE}", done=True, later_s=0.1),
    "settling": Asked(pattern=f"PATCH .*{SERVICE}", done=True, later_s=0.7),
    "creating worker pods": Asked(pattern="POST .*/namespaces/locust/pods", first=2),
    "starting workers": Said(words="^starting the load generators", later_s=0.8),
    "warming up": Said(words="^warming up for", later_s=0.4),
    "quiet before": Said(words="^warming up: done", later_s=0.5),
    "measuring, early": Said(words="^measuring for", later_s=0.1),
    "measuring, middle": Said(words="^measuring for", later_s=1.0),
    "measuring, late": Said(words="^measuring for", later_s=1.9),
    "quiet after": Said(words="^measuring: done", later_s=0.4),
    "deleting worker pods": Asked(pattern="DELETE .*/namespaces/locust/pods", first=2),
    "putting back": Asked(pattern=f"PATCH .*{SERVICE}", first=2),
    "put back, unanswered": Asked(pattern=f"PATCH .*{SERVICE}", first=2, done=True),
    "after putting back": Asked(pattern=f"PATCH .*{SERVICE}", first=2, done=True, later_s=0.05),
}
"""Moments of ``samezone run`` and, as far as they are there, of the verbs that do the same and more."""


def interruptions(phases: Iterable[str]) -> list[tuple[str, signal.Signals]]:
    """SIGINT in every phase, and in every second one SIGTERM, in the others SIGHUP: all are heard alike."""
    turns = cycle((signal.SIGHUP, signal.SIGTERM))
    return [pair for phase in phases for pair in ((phase, signal.SIGINT), (phase, next(turns)))]
