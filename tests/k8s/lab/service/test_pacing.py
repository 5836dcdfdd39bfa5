"""What is done at a rate."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.lab.service.pacing import keep_doing, next_turn


@given(st.integers(0, 1000), st.floats(-5, 1))
def test_a_turn_that_is_a_little_late_is_taken(turn: int, late_s: float) -> None:
    """So that a rate is kept on a busy machine."""
    assert next_turn(turn, late_s, 4.0) == turn


@given(st.integers(0, 1000), st.floats(1.01, 600), st.floats(0.1, 500))
def test_turns_of_a_long_sleep_are_left_out(turn: int, late_s: float, rate_per_s: float) -> None:
    """The next one is not due yet, and due within one interval."""
    skipped_s = (next_turn(turn, late_s, rate_per_s) - turn) / rate_per_s
    assert late_s - 1e-6 <= skipped_s <= late_s + 1 / rate_per_s + 1e-6


def test_a_slow_act_does_not_delay_the_next() -> None:
    """Each takes longer than the interval; they begin at the schedule's times, and end where that is soon."""

    async def run() -> tuple[list[float], int]:
        loop = asyncio.get_running_loop()
        began: list[float] = []
        ended = 0
        enough = asyncio.Event()

        async def act() -> None:
            nonlocal ended
            began.append(loop.time())
            if len(began) == 8:
                enough.set()
            await asyncio.sleep(0.2)
            ended += 1

        start_s = loop.time()
        task = asyncio.create_task(keep_doing(act, 20.0, first_s=0.1))
        await enough.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [one - start_s for one in began], ended

    began, ended = asyncio.run(run())
    assert all(at_s >= 0.1 + turn / 20 - 1e-3 for turn, at_s in enumerate(began))
    assert began[7] < 8 * 0.2  # one after the other they would have taken that long
    assert ended == len(began)
