"""The lab's Prometheus: a real one that scrapes the relays, kept running, on the loopback.

It looks on and nothing needs it, so its end is no crash of the lab: it is started again, over the samples it
had. Its configuration, targets and samples are in a folder of the lab's own, which goes with the lab.
"""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from k8s.errors import UsageError
from k8s.lab.processes import ProcessId

PROMETHEUS = "prometheus"
"""The program, and the process in the lab's state."""
JOB = "ztunnel"
_CONFIG, _TARGETS, _SAMPLES = "prometheus.yml", "targets.json", "samples"
_LONGEST_SCRAPE_S = 10.0
"""A scrape that takes longer has failed, as by Prometheus' default."""
_KEEPS = "10y"
_OWN_PAGES = r"https?://(127\.0\.0\.1|localhost)(:\d+)?"
"""Which pages in a browser may read its answers; by default it is all of them."""
_FIRST_BACK_OFF_S = 1.0
_LONGEST_BACK_OFF_S = 10.0
_log = logging.getLogger(__name__)


def program() -> str:
    """Where Prometheus is installed; UsageError says what to install."""
    found = shutil.which(PROMETHEUS)
    if found is None:
        raise UsageError(
            "starting the lab: --prometheus needs the program prometheus, which is not on the PATH; install "
            "the Debian package prometheus, or leave the option out"
        )
    return found


@dataclass(slots=True, kw_only=True)
class Scraper:
    """Its keeper; ``tick`` is called again and again."""

    folder: Path
    launch: Callable[[], ProcessId]
    """Starts the process."""
    clock_s: Callable[[], float]
    """Seconds of a clock that only goes forward."""
    process: ProcessId | None = None
    """None while it waits to be started again."""
    restarts: int = 0
    _targets: tuple[str, ...] = ()
    _start_at_s: float = 0.0
    _back_off_s: float = field(default=_FIRST_BACK_OFF_S)

    def start(self, scrape_s: float, targets: Sequence[str]) -> None:
        """Write what it is to do, and start it."""
        shutil.rmtree(self.folder, ignore_errors=True)  # what a lab left that was killed is not this one's
        self.folder.mkdir(parents=True)
        (self.folder / _CONFIG).write_bytes(config(scrape_s))
        self.look_at(targets)
        self.process = self.launch()

    def look_at(self, targets: Sequence[str]) -> None:
        """Scrape these from now on, each a host and a port; it takes seconds until it does."""
        if tuple(targets) == self._targets:
            return
        self._targets = tuple(targets)
        new = self.folder / f"{_TARGETS}.new"
        new.write_bytes(msgspec.json.encode([{"targets": self._targets}]))
        new.replace(self.folder / _TARGETS)

    def ended(self, how: str) -> None:
        """The process is gone."""
        _log.warning("prometheus ended (%s); starting it again in %g s", how, self._back_off_s)
        self.process = None
        self._start_at_s = self.clock_s() + self._back_off_s
        self._back_off_s = min(2 * self._back_off_s, _LONGEST_BACK_OFF_S)

    def tick(self) -> bool:
        """Start it again if that is due; True if it was."""
        if self.process is not None or self.clock_s() < self._start_at_s:
            return False
        self.restarts += 1
        self.process = self.launch()
        return True


def config(scrape_s: float) -> bytes:
    """The configuration file: JSON, which is YAML. Nothing but ``targets.json`` is scraped."""
    often = f"{round(scrape_s * 1000)}ms"
    longest = f"{round(min(scrape_s, _LONGEST_SCRAPE_S) * 1000)}ms"
    found = {
        "global": {"scrape_interval": often, "scrape_timeout": longest},
        "scrape_configs": [{"job_name": JOB, "file_sd_configs": [{"files": [_TARGETS]}]}],
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=1)


def become_prometheus(path: str, folder: Path, listen: str) -> None:
    """Let this process be Prometheus, listening at *listen* (host and port) and nowhere else."""
    os.chdir(folder)  # what the configuration names is beside it
    options = {
        "config.file": _CONFIG,
        "storage.tsdb.path": _SAMPLES,
        "storage.tsdb.retention.time": _KEEPS,
        "web.listen-address": listen,
        "web.cors.origin": _OWN_PAGES,
    }
    os.execv(path, [PROMETHEUS, *(f"--{name}={value}" for name, value in options.items())])  # noqa: S606
