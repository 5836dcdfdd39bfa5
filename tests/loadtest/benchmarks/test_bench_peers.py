"""What the benchmark beside other generators makes of its figures."""

import sys

import pytest

from loadtest.benchmarks.bench_peers import (
    ANEW,
    HEY,
    HEY_ANEW,
    OTEL,
    TRACED,
    UNTRACED,
    WRK,
    Taken,
    as_json,
    by_command,
    verdict,
)


def taken(requests: int, **changed: int) -> list[Taken]:
    """Three turns of a CPU second each, of which the middle one counts."""
    return [
        Taken(requests=one, seconds=2.0, cpu_s=1.0, **changed) for one in (1, requests, 1_000_000 * requests)
    ]


FINE = {
    TRACED: taken(900),
    UNTRACED: taken(1000),
    ANEW: taken(60),
    HEY: taken(1800),
    HEY_ANEW: taken(100),
    OTEL: taken(60),
    WRK: taken(5000),
}


def test_the_least_that_is_asked_passes():
    """Fifteen times Locust's own, half of hey, nine tenths of ourselves without tracing."""
    assert verdict(FINE) == ()
    assert as_json(FINE)["times_as_much_as"][OTEL] == 15.0


def test_who_is_not_installed_is_not_compared():
    """On a machine with nothing else."""
    assert verdict({TRACED: FINE[TRACED]}) == ()


@pytest.mark.parametrize(
    ("name", "turns", "fault"),
    [
        (OTEL, taken(61), "samezone does 14.75 times what locust --otel does; at least 15"),
        (HEY, taken(1900), "samezone does 0.47 times what hey does; at least 0.5"),
        (HEY_ANEW, taken(120), "samezone, new connections does 0.50 times what hey, new connections does"),
        (UNTRACED, taken(1100), "samezone does 0.82 times what samezone, not traced does"),
        (TRACED, taken(900, spans_missing=2), "samezone: 6 spans were not delivered"),
        (TRACED, taken(900, failures=1), "samezone: 3 requests failed"),
    ],
    ids=["otel", "hey", "new-connections", "tracing", "spans", "failures"],
)
def test_each_ratio_and_each_loss_is_named(name: str, turns: list[Taken], fault: str):
    """One line a fault."""
    (said,) = verdict(FINE | {name: turns})

    assert said.startswith(fault)


def test_a_programs_own_cpu_time_is_what_counts():
    """The number that it prints, over the time that it used."""
    script = "import time\nwhile time.process_time() < 0.3: pass\nprint('  [200]\\t70 responses')"
    one = by_command((sys.executable, "-c", script), r"\[200\]\s+(\d+) responses", 1.0)

    assert one.requests == 70
    assert one.cpu_s >= 0.3
