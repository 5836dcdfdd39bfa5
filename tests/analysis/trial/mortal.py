"""A shop that dies: after so many effects its process is gone, or a call of it is interrupted.

Its windows are drawn by their own name, so that a trial in two sittings sees what one in one sitting sees.
"""

import os
import random
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis.jobs.measuring import Session
from analysis.source.interface import Answers, Drawn, Question
from analysis.trial import experiment
from analysis.trial.design import Design, order_of
from analysis.trial.experiment import TRIAL, Conducted, ExperimentRequest
from analysis.trial.values import Contest, Trial
from k8s.errors import UnreachableError
from k8s.routing.modes import RoutingMode
from loadtest import rundir
from tests.analysis.shops import CALLS, LOAD, Shop, ShopSource
from tests.analysis.verdict import worlds

ARMS = ("off", "tar")
HOUR_S = 3600.0


def kill() -> None:
    """End this process as SIGKILL does: nothing is put back, nothing is written."""
    os._exit(9)


def interrupt() -> None:
    raise KeyboardInterrupt


def leave() -> None:
    raise UnreachableError("the API server is away")


@dataclass
class MortalShop(Shop):
    """Counts its effects; *ends* happens at the one numbered *ends_at*, from 1."""

    ends_at: int = 0
    ends: Callable[[], None] = interrupt
    lasts: int = 0
    """Above 0: it ends as this window's load begins."""
    effects: int = 0
    names: list[str] = field(default_factory=list)
    """What each effect was."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.source = MortalSource(self)

    def effect(self, name: str) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # the checkpoints' writer comes and goes in real time
        self.effects += 1
        self.names.append(name)
        if self.effects == self.ends_at:
            self.ends()

    def serve(self, mode: RoutingMode, run_id: str) -> None:
        self.effect("serve")
        self.windows.append((mode, run_id))
        if len(self.windows) == self.lasts:
            self.ends()

    def calls_of(self, name: str) -> tuple[int, int, int]:
        """(same-zone calls, cross-zone calls, seed) of a window, by its name."""
        mode = RoutingMode.TAR if name.endswith("-tar") else RoutingMode.OFF
        seed = zlib.crc32(name.encode()) % 997
        same = min(CALLS, round(CALLS * self.shares[mode]) + seed % 3)
        return same, CALLS - same, seed

    def session(self) -> Session:
        made = super().session()
        traffic = made.traffic

        def say(text: str) -> None:
            self.effect("say")
            traffic.say(text)

        def clock() -> float:
            self.effect("clock")
            return traffic.clock()

        def sleep(seconds: float) -> None:
            self.effect("sleep")
            traffic.sleep(seconds)

        return replace(made, traffic=replace(traffic, say=say, clock=clock, sleep=sleep))


@dataclass
class MortalSource(ShopSource):
    """It keeps what it saw, also of another process; asked, it may be the last thing that happens."""

    shop: MortalShop

    def ask(self, question: Question) -> Answers:
        self.shop.effect("ask")
        if self.shop.is_dark:
            return super().ask(question)
        same, cross, _ = self.shop.calls_of(name_of(question))
        return (worlds.whole_graph(same, cross).pages(),)

    def sample(self, question: Question, most: int) -> Drawn:
        self.shop.effect("sample")
        same, cross, seed = self.shop.calls_of(name_of(question))
        traces = worlds.traces_of(same, cross, seed=seed)
        return Drawn(rows=tuple(random.Random(seed).sample(traces, min(most, len(traces)))))


def name_of(question: Question) -> str:
    """Of a window; two runs of it have other ids."""
    return question.run_id.partition("-")[2]


def request(folder: Path, *, blocks: str = "ABBA", design: Design | None = None) -> ExperimentRequest:
    design = design or Design(arms=ARMS, order=order_of(ARMS, blocks), block_s=200.0, null_s=200.0)
    return ExperimentRequest(design=design, load=LOAD, runs=folder / "runs")


def conducted(shop: MortalShop, asked: ExperimentRequest | None = None) -> Conducted:
    return experiment.conduct(shop.session(), asked or request(shop.folder))


def killed(run: Callable[[], object]) -> None:
    """Run in a process of its own, which dies on the way."""
    pid = os.fork()
    if pid == 0:
        try:
            run()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 9, "it came to its end"


def resumed(folder: Path, *, later_s: float = 600.0, load: int = 0) -> tuple[Conducted, MortalShop]:
    """Go on in another process's place: a shop that knows nothing, *later_s* seconds after the last write.

    Above 0, the *load* of so many windows is begun, and the last one interrupted.
    """
    (trial,) = (folder / "runs").iterdir()
    shop = MortalShop(folder=folder, lasts=load)
    shop.cluster.now_s = _latest_s(trial) + later_s
    return experiment.resume(shop.session(), trial), shop


def _latest_s(folder: Path) -> float:
    kept = experiment.open_journal(folder)
    return max(
        [kept.created_s, *(one.ended_s for one in kept.sittings), *(one.ended_s for one in kept.windows)]
    )


def numbers(trial: Trial) -> Trial:
    """What an experiment found, without when and where its files are, and what it took."""
    return replace(
        trial,
        windows=tuple(replace(one, folder="", start_s=0.0) for one in trial.windows),
        contests=tuple(_nowhere(one) for one in trial.contests),
        measuring=replace(trial.measuring, seconds=0.0, traces=0, usd=0.0),
        caveats=tuple(one for one in trial.caveats if not one.code.startswith(("interrupted", "given-up"))),
    )


def _nowhere(contest: Contest) -> Contest:
    """Without the folders that its gates name."""
    verdict = contest.verdict
    return replace(
        contest, verdict=replace(verdict, gates=tuple(replace(gate, run="") for gate in verdict.gates))
    )


def on_file(folder: Path) -> Trial:
    return rundir.read_json(folder / TRIAL, Trial, schema=1)
