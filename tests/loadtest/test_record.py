"""What a record says of the load."""

import pytest

from loadtest.record import LoadSeen
from loadtest.worker.tally import NO_SEAT, WorkerLoss, WorkerTally


def tally(name: str, requests: int, first_s: float, last_s: float, *, seat: int = NO_SEAT) -> WorkerTally:
    return WorkerTally(
        worker=name, zone="a", node="n", requests=requests, first_s=first_s, last_s=last_s, seat=seat
    )


def loss(seat: int, back_s: float) -> WorkerLoss:
    return WorkerLoss(worker="w", zone="a", seat=seat, turn=0, lost_s=10.0, back_s=back_s)


def test_the_rate_of_workers_that_took_turns_is_one_workers():
    """Two that follow each other in a seat do not double its rate; the gap between them lowers it."""
    whole = tally("w0", 401, 100.0, 140.0, seat=1)
    turns = (tally("w1", 101, 100.0, 110.0, seat=2), tally("w1", 250, 115.0, 140.0, seat=2))
    load = LoadSeen(seconds=40.0, workers=(whole, *turns), losses=(loss(2, 115.0),))

    assert load.rate_per_s == pytest.approx(10.0 + 350 / 40)


def test_a_seat_that_stayed_vacant_is_as_slow_as_its_whole_window():
    """What it sent until it was lost, over all seconds of load."""
    load = LoadSeen(seconds=40.0, workers=(tally("w0", 101, 100.0, 110.0, seat=1),), losses=(loss(1, 0.0),))

    assert load.rate_per_s == pytest.approx(101 / 40)


def test_workers_of_an_older_record_count_each_for_itself():
    """Nobody told of seats then."""
    load = LoadSeen(seconds=9.0, workers=(tally("w0", 11, 1.0, 6.0), tally("w1", 21, 1.0, 6.0)))

    assert load.rate_per_s == pytest.approx(2.0 + 4.0)
