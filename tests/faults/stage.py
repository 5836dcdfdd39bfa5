"""A lab as samezone sees it in the campaign: its API server and its X-Ray behind a ``Between`` each."""

import io
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from analysis.cli import main
from k8s.console import Io
from k8s.errors import SamezoneError
from k8s.lab import state as lab_state
from k8s.lab.run import supervisor
from k8s.lab.run.supervisor import Health
from k8s.lab.state import LabState
from k8s.live.cluster import LiveCluster, connect
from k8s.routing.modes import RoutingSettings, patch_between, settings_of
from k8s.topology import ServiceKey
from tests.faults.between import Between
from tests.lab.conftest import BIN, FREE_PORTS, JUDGED, Lab, processes_of

CATALOG = ServiceKey(namespace="catalog", name="catalog")
PLAN = ("--rate", "30", "--duration", "2", "--warmup", "1", "--seed", "3")
NOTHING = RoutingSettings()
CLOSE = RoutingSettings(traffic_distribution="PreferClose")
"""Two states that a Service may be in before."""
LEASES = "/apis/coordination.k8s.io/v1/namespaces/catalog/leases"
WELL_S = 20.0
HASTE = 10.0


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that ran here, not in a process of its own."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder in which a command of a row runs."""

    folder: Path
    home: Path

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SAMEZONE_HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true"}

    def run_folders(self) -> list[Path]:
        return sorted(one for one in self.runs.iterdir() if one.is_dir()) if self.runs.is_dir() else []

    def here(self, *arguments: str) -> Done:
        """The command, through its own main, in this process; it is ten times as impatient as a person."""
        out, err = io.StringIO(), io.StringIO()
        began_s = time.time()
        surroundings = Io(
            out=out,
            err=err,
            environment=self.environment,
            folder=self.folder,
            clock=lambda: began_s + HASTE * (time.time() - began_s),
            monotonic=lambda: HASTE * time.monotonic(),
            sleep=lambda seconds: time.sleep(seconds / HASTE),
        )
        code = main(arguments, surroundings)
        return Done(code=code, out=out.getvalue(), err=err.getvalue())


class Stage:
    """One lab for many rows; a new one where a row broke it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._attempts = 0
        self._shared: dict[str, Path] = {}
        self._known: dict[str, Any] = {}
        self.lab: Lab
        self.state: LabState
        self.api: Between
        self.xray: Between
        self._up()

    def _up(self) -> None:
        self._number += 1
        self._shared.clear()
        self._known.clear()
        folder = self._folder / f"lab{self._number}"
        folder.mkdir()
        self.lab = Lab(folder=folder)
        up = self.lab.samezone("lab", "up", *FREE_PORTS, "--catalog", "3")
        assert up.returncode == 0, up.stderr
        self.state = lab_state.load(self.lab.home / "lab")
        self.api, self.xray = Between(self.state.api_url), Between(self.state.xray_url)

    def down(self) -> None:
        self.lab.samezone("lab", "down")
        for process in processes_of(self.lab.folder):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.api.close()
        self.xray.close()

    def again(self) -> None:
        """A new lab in place of a broken one."""
        self.down()
        self._up()

    @property
    def cluster(self) -> LiveCluster:
        """The lab's API, past the man in the middle."""
        return connect(self.state.kubeconfig, None)

    def ready(self) -> None:
        """A lab in order, with nobody meddling: what a row begins with."""
        self.api.forget()
        self.xray.forget()
        until_s = time.monotonic() + WELL_S
        while not self._is_well():
            if time.monotonic() > until_s or not self._has_all():
                self.again()
                return
            time.sleep(0.1)
        self._let_go()

    def _let_go(self) -> None:
        """Nobody holds the Service: what one row left is that row's fault alone."""
        for lease in self.cluster.raw_items(LEASES):
            name, version = lease["metadata"]["name"], lease["metadata"]["resourceVersion"]
            self.cluster.delete_object(f"{LEASES}/{name}", version=version, what=f"Lease {name}")

    def _has_all(self) -> bool:
        """Whether the lab lives and has its Service: what is gone for good is not waited for."""
        if supervisor.status(self.lab.home / "lab").health is not Health.UP:
            return False
        try:
            self.cluster.service(CATALOG)
        except SamezoneError:
            return False
        return True

    def _is_well(self) -> bool:
        found = supervisor.status(self.lab.home / "lab")
        if found.health is not Health.UP or found.state is None or not self._has_all():
            return False
        nodes = self.cluster.snapshot(()).nodes
        return all(pod.ready for pod in found.state.pods) and all(node.ready for node in nodes)

    def place(self, folder: Path, *, direct: bool = False) -> Place:
        """A fresh folder for a command; *direct*: it sees the lab itself, and whether that lives."""
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        if direct:
            return Place(folder=folder, home=self.lab.home)
        home = folder / ".samezone"
        shutil.copytree(self.lab.home / "lab", home / "lab", ignore=shutil.ignore_patterns("logs"))
        for name in ("state.json", "kubeconfig"):
            path = home / "lab" / name
            text = path.read_text()
            for real, seen in ((self.state.api_url, self.api.url), (self.state.xray_url, self.xray.url)):
                text = text.replace(real, seen)
            path.write_text(text.replace(str(self.lab.home), str(home)))
        return Place(folder=folder, home=home)

    def knobs(self) -> RoutingSettings:
        """The Service's knobs now."""
        return settings_of(self.cluster.service(CATALOG))

    def set_knobs(self, wanted: RoutingSettings) -> None:
        if (patch := patch_between(self.knobs(), wanted)) is not None:
            self.cluster.patch_service(CATALOG, patch)

    def measured(self, arm: str) -> Path:
        """A whole run of this lab, measured once and collected; for rows that need one to begin with."""
        if arm not in self._shared:
            self._attempts += 1
            place = self.place(self._folder / f"lab{self._number}-{arm}-{self._attempts}")
            done = subprocess.run(
                [str(BIN / "samezone"), "run", arm, *PLAN],
                cwd=place.folder,
                env=place.environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            (folder,) = place.run_folders()
            assert place.here("collect", str(folder)).code in JUDGED
            self._shared[arm] = folder
        return self._shared[arm]

    def once(self, what: str, make: Callable[[], Any]) -> Any:
        """Something about this lab that is worked out once."""
        if what not in self._known:
            self._known[what] = make()
        return self._known[what]

    def lend(self, arm: str, place: Place) -> Path:
        """A copy of a measured run among the runs of *place*."""
        found = self.measured(arm)
        return Path(shutil.copytree(found, place.runs / found.name, dirs_exist_ok=True))

    def knob(self, **changes: Any) -> None:
        """Turn the stand-in's knobs."""
        headers = {"Content-Type": "application/json", "Samezone-Control": self.state.token}
        post(f"{self.state.xray_url}/_standin/knobs", json.dumps(changes).encode(), headers)

    def untwist(self) -> None:
        """Turn them back."""
        self.knob(ingest_delay_s=[0.0, 0.0], throttle_rate=0.0, loss_rate=0.0, duplicate_rate=0.0, refuse="")

    def child(self, name: str) -> psutil.Process:
        """A process of the lab, its supervisor among them."""
        if name == "supervisor":
            return psutil.Process(self.state.supervisor.pid)
        found = lab_state.load(self.lab.home / "lab")
        (one,) = (child for child in found.children if child.name == name)
        return psutil.Process(one.process.pid)


def post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """What a POST is answered."""
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def await_(is_so: Callable[[], bool], what: str, patience_s: float = 20.0) -> None:
    until_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < until_s, f"waited {patience_s:.0f} s for {what}"
        time.sleep(0.02)


def leftovers(place: Place) -> Sequence[psutil.Process]:
    """Processes that a command of this place has left: they inherit the name of its home."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get("SAMEZONE_HOME") == str(place.home):
                found.append(process)
    return found
