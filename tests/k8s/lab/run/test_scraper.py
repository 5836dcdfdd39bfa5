"""The keeper of the lab's Prometheus, without one."""

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.lab.processes import ProcessId
from k8s.lab.run import supervisor
from k8s.lab.run.scraper import Scraper, config, program
from tests.k8s.lab.labs import settings


@dataclass
class Machine:
    """Starts processes, and has a clock that somebody else turns."""

    now_s: float = 100.0
    started: list[ProcessId] = field(default_factory=list)

    def launch(self) -> ProcessId:
        self.started.append(ProcessId(pid=len(self.started) + 1, started="then"))
        return self.started[-1]

    def clock_s(self) -> float:
        return self.now_s


def keeper(machine: Machine, folder: Path) -> Scraper:
    found = Scraper(folder=folder / "prometheus", launch=machine.launch, clock_s=machine.clock_s)
    found.start(1.0, ["127.100.0.1:10249"])
    return found


def targets(folder: Path) -> object:
    return json.loads((folder / "prometheus" / "targets.json").read_text())


def test_it_is_told_what_to_scrape_and_started(tmp_path: Path) -> None:
    """The files are there before the process is."""
    machine = Machine()
    scraper = keeper(machine, tmp_path)
    assert (scraper.process, scraper.restarts) == (machine.started[0], 0)
    assert targets(tmp_path) == [{"targets": ["127.100.0.1:10249"]}]
    assert not scraper.tick()


def test_samples_of_an_earlier_lab_are_gone(tmp_path: Path) -> None:
    """Its relays had the same addresses, and other counts."""
    old = tmp_path / "prometheus" / "samples" / "wal"
    old.mkdir(parents=True)
    keeper(Machine(), tmp_path)
    assert not old.exists()


def test_a_relay_that_joins_is_a_target(tmp_path: Path) -> None:
    """Prometheus follows the file; it is left alone while nothing has changed."""
    scraper = keeper(Machine(), tmp_path)
    path = tmp_path / "prometheus" / "targets.json"
    before = path.stat()
    scraper.look_at(["127.100.0.1:10249"])
    assert path.stat() == before
    scraper.look_at(["127.100.0.1:10249", "127.100.0.4:10249"])
    assert targets(tmp_path) == [{"targets": ["127.100.0.1:10249", "127.100.0.4:10249"]}]


def test_one_that_ends_is_started_again_later_and_later(tmp_path: Path) -> None:
    """After 1, 2, 4, 8, 10 and 10 s: what makes it end may take a while to go."""
    machine = Machine()
    scraper = keeper(machine, tmp_path)
    for count, wait_s in enumerate((1.0, 2.0, 4.0, 8.0, 10.0, 10.0), start=1):
        scraper.ended("exit code 1")
        assert scraper.process is None
        machine.now_s += wait_s - 0.01
        assert not scraper.tick()
        machine.now_s += 0.01
        assert scraper.tick()
        assert (scraper.process, scraper.restarts) == (machine.started[count], count)


def test_a_scrape_may_take_as_long_as_the_interval_and_ten_seconds_at_most() -> None:
    """Prometheus refuses a longer timeout than interval."""
    found = [json.loads(config(scrape_s))["global"] for scrape_s in (0.5, 15.0)]
    assert found == [
        {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        {"scrape_interval": "15000ms", "scrape_timeout": "10000ms"},
    ]


@pytest.mark.programs
@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_own_checker_takes_the_configuration(tmp_path: Path) -> None:
    """With the targets beside it."""
    keeper(Machine(), tmp_path)
    path = tmp_path / "prometheus" / "prometheus.yml"
    done = subprocess.run(["promtool", "check", "config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_program_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which package has it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UsageError, match="install the Debian package prometheus, or leave the option out"
    ) as said:
        supervisor.up(settings(tmp_path / "lab", prometheus_scrape_s=1.0))
    assert "\n" not in str(said.value)
    assert not (tmp_path / "lab").exists()
    with pytest.raises(UsageError, match="not on the PATH"):
        program()
