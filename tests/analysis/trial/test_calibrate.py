"""Calibration calls its own library: equal pairs and shifts over fakes, one value each."""

from pathlib import Path

import pytest

from analysis.trial import calibrate_cli
from analysis.trial.calibrate import CalibrateRequest, equal_pair, equal_pairs, shifts
from analysis.trial.design import Design, order_of
from k8s.routing.modes import RoutingMode
from tests.analysis.shops import LOAD, Shop
from tests.analysis.trial.test_run import FakeBench

ARMS = ("off", "tar")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(folder=tmp_path)


def test_equal_pairs_are_measured_one_after_the_other(shop: Shop):
    """Two windows a pair, routing off, in one folder; equal arms are not called different."""
    pairs = list(equal_pairs(shop.session(), CalibrateRequest(count=2, load=LOAD, runs=shop.folder)))

    assert [pair.number for pair in pairs] == [1, 2]
    assert [mode for mode, _ in shop.windows] == [RoutingMode.OFF] * 4
    assert not any(pair.is_called_changed for pair in pairs)
    assert all(pair.gain.low < 0 < pair.gain.high for pair in pairs)
    assert [folder.name.split("-", 1)[1] for folder in shop.folder.glob("*-calibrate-null")] == [
        "calibrate-null"
    ]


def test_a_pair_that_differs_is_an_error_of_the_instrument():
    """A bench whose second window loses ten points: called changed, with the sign."""
    bench = FakeBench()
    shares = iter((0.45, 0.35))
    bench.shares = _Falling(shares)

    pair = equal_pair(bench, 1, seconds=40.0)

    assert pair.is_called_changed
    assert pair.gain.high < 0
    assert bench.labels == ["pair 1a", "pair 1b"]


class _Falling(dict):
    """The share is another at each look."""

    def __init__(self, values) -> None:
        super().__init__()
        self._values = values

    def __getitem__(self, mode: str) -> float:
        return next(self._values)


def test_a_shift_that_is_there_is_found(shop: Shop):
    """One experiment by the design given; the shop's Topology Aware Routing moves two thirds of the calls."""
    design = Design(arms=ARMS, order=order_of(ARMS, "AB"), block_s=200.0, null_s=200.0)
    request = CalibrateRequest(count=1, load=LOAD, runs=shop.folder)

    (one,) = shifts(shop.session(), request, design)

    assert one.is_found
    assert one.gain.estimate == pytest.approx(2 / 3, abs=0.02)
    assert len(shop.windows) == 4


def test_the_command_takes_the_options_of_an_experiment():
    """With defaults of its own; what is given wins."""
    args = calibrate_cli.parser().parse_args(["null", "20", "--users", "12", "--duration", "8"])

    assert (args.what, args.count, args.arms, args.warmup) == ("null", 20, "off,prefer-same-zone", 1.0)
    assert (args.users, args.duration) == (12, 8.0)
