"""An experiment whose modes are set on several Services: each pair is judged at the same looks."""

from dataclasses import dataclass, replace

import pytest

from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.trial import run as trial_run
from analysis.trial.design import Design, order_of
from analysis.trial.run import Found
from analysis.verdict.judged import Decision
from loadtest.record import RunStatus
from tests.analysis.chain import Chain


@dataclass
class ChainBench:
    """Windows of the chain; what tar does to the second hop is given."""

    payments: float = 1.0
    number: int = 0
    broken_at: int = 0
    settle_s: float = 10.0

    def say(self, text: str) -> None:
        del text

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        del broken, instead, why

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        del seconds
        self.number += 1
        chain = Chain(mode=mode, run=self.number)
        if mode == "tar":
            chain = replace(chain, orders=1.0, payments=self.payments)
        inputs = chain.inputs()
        if self.number == self.broken_at:
            inputs = replace(inputs, record=replace(inputs.record, status=RunStatus.FAILED))
        return again.attempt(inputs, label=label)


def conducted(bench: ChainBench) -> Found:
    design = Design(arms=("off", "tar"), null_s=100.0, block_s=100.0, order=order_of(("off", "tar"), "ABBA"))
    return trial_run.run(design, bench)


@pytest.mark.parametrize(("payments", "decision"), [(1.0, Decision.PASS), (0.1, Decision.FAIL)])
def test_each_pair_is_judged_and_the_worst_decides(payments: float, decision: Decision):
    """By the same windows, at the same looks; the reasons of a further pair name it."""
    found = conducted(ChainBench(payments=payments))

    (pair,) = found.further
    (first,), (second,) = found.contests, pair.contests
    assert (pair.service, pair.client, pair.server) == ("payments/payments", "orders", "payments")
    assert [one.after_blocks for one in second.looks] == [one.after_blocks for one in first.looks]
    assert second.effects.share_after.estimate == pytest.approx(payments)
    assert (first.verdict.decision, second.verdict.decision) == (Decision.PASS, decision)
    assert found.decision is decision
    assert any(one.startswith("orders to payments: ") for one in found.reasons)


def test_a_window_measured_again_is_of_every_pair():
    """The broken one is in none of them."""
    found = conducted(ChainBench(broken_at=4))

    assert found.decision is Decision.PASS
    assert found.further[0].contests[0].looks[-1].after_blocks == len(found.order)
