"""An experiment under live traffic: nothing is sent, arms alternate, and a broken guard ends it at once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from analysis.report import formats
from analysis.source.interface import Answers, Drawn, Patience, Question, Raw
from analysis.trial.design import Design, order_of
from analysis.trial.experiment import TRIAL, ExperimentRequest, conduct, read_trial
from analysis.trial.values import Trial
from analysis.verdict.judged import Decision
from k8s.errors import UnreachableError, UsageError
from k8s.routing.modes import RoutingMode, mode_of
from loadtest import rundir
from loadtest.record import RunStatus, Traffic
from tests.analysis.graphs import CLIENT, Graph, call, port, trace
from tests.analysis.shops import LOAD, Shop, ShopCluster, ShopSource, raw_items

ARMS = ("off", "tar")
CALLS_PER_S = 18.0
"""Of each ui pod."""


PATIENCE = replace(ShopSource.patience, poll_s=2.0)


def made(client: str, server: str, count: int, *, first: int, is_near: bool) -> Iterator[Raw]:
    """A trace for each of these calls, all over connections of their own; those nearby are faster."""
    rng = np.random.default_rng(first + count)
    for number, took in enumerate(rng.gamma(20.0, 0.05, count), start=first):
        caller, callee = call(f"ui-{client}", f"catalog-{server}", port(number), number)
        caller["subsegments"][0]["end_time"] = 100.0 + (0.001 if is_near else 0.003) * took
        yield trace(caller, callee)


@dataclass
class HistoryCluster(ShopCluster):
    """Remembers which mode was in force when."""

    was: list[tuple[float, RoutingMode]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.was.append((self.now_s, mode_of(self.current)))
        super().sleep(seconds)


@dataclass
class LiveSource(ShopSource):
    """Shows what people did in a window, by the mode that was in force in its middle."""

    failing: float = 0.0
    """Share of the calls that fail under TAR."""
    fails_always: bool = False
    """Whether as many fail under any mode."""
    is_hot: bool = False
    """Whether TAR sends four of five calls to one endpoint."""
    patience: Patience = PATIENCE
    questions: list[Question] = field(default_factory=list)

    def ask(self, question: Question) -> Answers:
        self.questions.append(question)
        self._made(question)
        return (self.shop.graph,)

    def _made(self, question: Question) -> None:
        window = question.window
        middle_s = (window.start_s + window.end_s) / 2
        cluster = self.shop.cluster
        assert isinstance(cluster, HistoryCluster)
        mode = [mode for at_s, mode in cluster.was if at_s <= middle_s][-1]
        calls = round(CALLS_PER_S * window.length_s)
        same = round(calls * self.shop.shares[mode]) + round(window.start_s) % 3
        same = min(same, calls)
        traces: list[Raw] = []
        graph = Graph()
        is_hot = self.is_hot and mode is RoutingMode.TAR
        for client, other in (("1", "2"), ("2", "1")):
            graph.edge((f"customer-{client}", CLIENT), f"ui-{client}", calls)
            near, far, split = ("1", "2", calls * 4 // 5) if is_hot else (client, other, same)
            faults = round(calls * self.failing) if mode is RoutingMode.TAR or self.fails_always else 0
            for server, count, failed in ((near, split, faults), (far, calls - split, 0)):
                if count:
                    graph.edge(f"ui-{client}", f"catalog-{server}", count, faults=failed)
                traces += made(client, server, count, first=len(traces), is_near=client == server)
        self.shop.traces = tuple(traces)
        self.shop.graph = graph.pages()

    def sample(self, question: Question, most: int) -> Drawn:
        assert question.run_id is None
        traces: tuple[Raw, ...] = self.shop.traces
        rows = random.Random(str(question.window)).sample(traces, min(most, len(traces)))
        return Drawn(rows=tuple(rows))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    found = Shop(folder=tmp_path, cluster=HistoryCluster(items=raw_items()))
    found.source = LiveSource(found)
    return found


def source(shop: Shop) -> LiveSource:
    assert isinstance(shop.source, LiveSource)
    return shop.source


def experiment(shop: Shop) -> ExperimentRequest:
    design = Design(arms=ARMS, order=order_of(ARMS, "AB"), block_s=100.0, null_s=100.0)
    load = replace(LOAD, traffic=Traffic.LIVE, plan=replace(LOAD.plan, warmup_s=5.0))
    return ExperimentRequest(design=design, load=load, runs=shop.folder / "runs")


def test_live_traffic_is_measured_without_sending_anything(shop: Shop):
    """TAR's effect is found; no generator was made, nobody's own run was asked for, no request is billed."""
    done = conduct(shop.session(), experiment(shop))

    assert done.trial.decision is Decision.PASS, done.trial.reasons
    (contest,) = done.trial.contests
    assert contest.gain.low > 0.6
    assert (done.trial.traffic, done.trial.breach) == (Traffic.LIVE, None)
    assert shop.platform.swarms == []
    assert {one.run_id for one in source(shop).questions} == {None}
    assert done.trial.measuring.traces == 0
    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    for window in done.trial.windows:
        record = rundir.read_record(done.folder / window.folder)
        assert record.status is RunStatus.COMPLETE
        assert record.asked.is_live
        assert record.seen.measured is not None
        assert record.seen.measured.workers == ()
        assert "live-traffic" in {one.code for one in record.caveats}
    for name, content in formats.documents(done.trial, formats.TRIAL):
        if name.endswith(".html"):
            assert b"live traffic, 100" in content
            assert b"Requests sent" not in content


@pytest.mark.parametrize(
    ("harm", "said"),
    [({"failing": 0.2}, "error rate gained"), ({"is_hot": True}, "busiest endpoint over the mean")],
)
def test_a_broken_guard_ends_the_block_and_puts_the_service_back(
    shop: Shop, harm: dict[str, float | bool], said: str
):
    """Long before the window's end; the trial fails with that reason, and says the same when read again."""
    for name, value in harm.items():
        setattr(shop.source, name, value)

    done = conduct(shop.session(), experiment(shop))

    breach = done.trial.breach
    assert breach is not None
    assert said in breach.text
    assert breach.restored_s is not None
    assert breach.restored_s - breach.at_s < 5.0
    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    under_tar_s = [at_s for at_s, mode in shop.cluster.was if mode is RoutingMode.TAR]
    assert max(under_tar_s) - min(under_tar_s) < 60.0
    assert done.trial.decision is Decision.FAIL
    assert done.trial.stopped == "a guard was broken in block 1 of 1, tar"
    assert [one.arm for one in done.trial.windows] == ["off"] * 3
    (broken,) = (one for one in done.folder.iterdir() if one.name.endswith("-tar"))
    record = rundir.read_record(broken)
    assert (record.status, record.seen.breach) == (RunStatus.BREACHED, breach)
    assert "hints-changed" not in {one.code for one in record.caveats}
    again = read_trial(done.folder)
    assert again == rundir.read_json(done.folder / TRIAL, Trial, schema=1)
    for name, content in formats.documents(done.trial, formats.TRIAL):
        assert b"guard broken in block 1 of 1, tar" in content, name


def test_what_was_as_bad_before_is_not_the_modes_doing(shop: Shop):
    """Under the reference, too, every fifth call fails: then no guard ends the block."""
    found = source(shop)
    found.failing, found.fails_always = 0.2, True
    assert conduct(shop.session(), experiment(shop)).trial.breach is None


def test_nobody_is_left_under_a_mode_that_nobody_can_watch(shop: Shop):
    """The source goes away under TAR: the block ends within a minute, the Service has what it had."""

    def away() -> bool:
        return any(mode is RoutingMode.TAR for _, mode in shop.cluster.was)

    class Leaving(LiveSource):
        def ask(self, question: Question) -> Answers:
            if away():
                raise UnreachableError("calling get_service_graph: no answer")
            return super().ask(question)

    shop.source = Leaving(shop)
    with pytest.raises(UnreachableError, match="nobody could look at the guards for 3"):
        conduct(shop.session(), experiment(shop))
    under_tar_s = [at_s for at_s, mode in shop.cluster.was if mode is RoutingMode.TAR]
    assert max(under_tar_s) - min(under_tar_s) < 60.0
    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    (folder,) = (shop.folder / "runs").iterdir()
    assert read_trial(folder).is_interrupted


def test_no_candidate_before_there_is_something_to_hold_it_against(shop: Shop):
    """Without a null pair the first block begins with the reference; refused before anything is measured."""
    asked = experiment(shop)
    first = replace(asked.design, null_pairs=0, order=order_of(ARMS, "BA"))
    with pytest.raises(UsageError, match="the first block has to begin with off"):
        conduct(shop.session(), replace(asked, design=first))
    assert not (shop.folder / "runs").exists()
    assert source(shop).questions == []
