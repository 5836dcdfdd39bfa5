"""Worlds of known truth for a real Prometheus: counters, what they counted when, and when they were scraped.

Every world has hours of its own. In each the window is 120 s long with 20 s of quiet at both ends, and a
target is scraped every 15 s.
"""

import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Counts, Question, Received
from analysis.source.prometheus.profiles import Profile
from analysis.source.prometheus.prometheus_client import PrometheusAccess, open_prometheus
from analysis.source.prometheus.prometheus_source import PrometheusSource
from loadtest.record import Window
from tests.k8s.lab.stage import free_port

BASE_S = 1_764_000_000
SLOT_S = 14_400
LENGTH_S, QUIET_S, EVERY_S = 120.0, 20.0, 15.0
PATIENCE_S = 60.0

Event = tuple[float, int]
"""(seconds after the window's start, how many were counted)"""


def during(count: int, *, from_s: float = 22.0, to_s: float = 98.0) -> tuple[Event, ...]:
    """So many single counts, spread over the load."""
    step_s = (to_s - from_s) / max(1, count)
    return tuple((from_s + step_s * at, 1) for at in range(count))


def scraped(
    *, offset_s: float = 3.0, from_s: float = -400.0, to_s: float = 500.0, every_s: float = EVERY_S
) -> tuple[float, ...]:
    """Moments of scrapes, seconds after the window's start."""
    count = int((to_s - from_s) // every_s) + 1
    return tuple(from_s + offset_s + every_s * at for at in range(count))


@dataclass
class World:
    """One slot of time."""

    slot: int
    lines: list[str] = field(default_factory=list)

    @property
    def start_s(self) -> float:
        return BASE_S + self.slot * SLOT_S + 7_200.0

    @property
    def window(self) -> Window:
        return Window(start_s=self.start_s, end_s=self.start_s + LENGTH_S)

    def counter(
        self,
        metric: str,
        labels: Mapping[str, str],
        events: Sequence[Event],
        *,
        before: int = 0,
        at: Sequence[float] | None = None,
        restarts: Sequence[float] = (),
        each: float = 1.0,
    ) -> None:
        """What a process that had counted *before* shows when it is scraped."""
        for moment in scraped() if at is None else at:
            began = max((one for one in restarts if one <= moment), default=None)
            since = float("-inf") if began is None else began
            value = sum(n for when, n in events if since < when <= moment) * each
            self.put(metric, labels, moment, value + (before if began is None else 0))

    def put(self, metric: str, labels: Mapping[str, str], moment: float, value: float) -> None:
        inside = ",".join(f'{name}="{one}"' for name, one in labels.items())
        self.lines.append(f"{metric}{{{inside}}} {value:.17g} {self.start_s + moment:.3f}")

    def target(
        self, instance: str, *, at: Sequence[float] | None = None, started: float | None = None
    ) -> None:
        """That a target was scraped well, and since when its process runs."""
        for moment in scraped() if at is None else at:
            self.put("up", {"job": "mesh", "instance": instance}, moment, 1)
            if started is not None:
                labels = {"job": "mesh", "instance": instance}
                self.put("process_start_time_seconds", labels, moment, self.start_s + started)


@contextmanager
def running(folder: Path, worlds: Sequence[World]) -> Iterator[str]:
    """A real Prometheus that holds these worlds; its address."""
    data = folder / "data"
    data.mkdir(parents=True)
    if worlds:
        text = folder / "worlds.om"
        # promtool wants each series' samples in the order of time; series of one world come one by one.
        text.write_text("\n".join(line for world in worlds for line in world.lines) + "\n# EOF\n")
        made = subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr[-2000:]
    config = folder / "prometheus.yml"
    if not config.exists():
        config.write_text("global: {scrape_interval: 15s}\n")
    with serving(folder, data, config) as url:
        yield url


@contextmanager
def serving(folder: Path, data: Path, config: Path) -> Iterator[str]:
    """Prometheus on a free port of the loopback."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        pytest.skip("prometheus and promtool are not installed (Debian: apt-get install prometheus)")
    url = f"http://127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
    try:
        _await_ready(url, process, folder / "prometheus.log")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


def _await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{url}/-/ready") as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"Prometheus is not ready: {log.read_text()[-2000:]}")


def source(url: str, profile: Profile) -> PrometheusSource:
    return PrometheusSource(open_prometheus(PrometheusAccess(url=url)), profile)


def counts(
    url: str, profile: Profile, world: World, *, quiet_s: float = QUIET_S, facts: Facts | None = None
) -> Counts:
    """What a source answers of a world's window, and its reader reads."""
    asked = source(url, profile)
    question = Question(window=world.window, run_id="r" if quiet_s else None, quiet_s=quiet_s)
    return asked.reader.read(Received(answers=asked.ask(question)), facts or Facts())


def cells(found: Counts) -> dict[tuple[str, str, str | None, str | None], int]:
    """(client, server, zone, zone) -> count."""
    return {(one.client, one.server, one.client_zone, one.server_zone): one.count for one in found.calls}


def said(found: Counts, *, slight: bool | None = None) -> str:
    """All that is remarked, or what is slight, or what is not."""
    wanted = [one.text for one in found.flaws if slight is None or one.is_slight is slight]
    return "; ".join(wanted)
