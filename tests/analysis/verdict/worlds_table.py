"""The whole table: ``python -m tests.analysis.verdict.worlds_table [PAIRS] [TRIALS] [WORLD ...]``."""

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np

from tests.analysis.verdict import judged_crowds
from tests.analysis.verdict.crowds import WORLDS, Crowd
from tests.analysis.verdict.judged_crowds import Ended

_COLUMNS = "| world | of | n | changed | claimed | certified | coverage: share / gain | decisions | unit |"


def row(name: str, kind: str, judge: Callable[..., Ended], crowd: Crowd, count: int) -> str:
    """A line of the table; *claimed* is changed by a certified instrument."""
    rng = np.random.default_rng(1)
    found = [judge(crowd, rng) for _ in range(count)]

    def part(hits: Callable[[Ended], bool]) -> str:
        return f"{100 * sum(map(hits, found)) / count:.1f}"

    decisions = Counter(one.decision.value for one in found)
    units = Counter(one.unit for one in found)
    return " | ".join(
        (
            f"| {name}",
            kind,
            str(count),
            part(lambda one: one.changed),
            part(lambda one: one.changed and one.certified),
            part(lambda one: one.certified),
            f"{part(lambda one: one.share_covered)} / {part(lambda one: one.gain_covered)}",
            ", ".join(f"{word} {many}" for word, many in decisions.most_common()),
            f"{', '.join(f'{word} {many}' for word, many in units.most_common())} |",
        )
    )


def main(arguments: list[str]) -> None:
    """Print the table, a line as it is done."""
    pairs, trials = (int(one) for one in (arguments + ["600", "300"][len(arguments) :])[:2])
    print(f"{_COLUMNS}\n|{'---|' * 9}")
    for name, crowd in WORLDS.items():
        if arguments[2:] and name not in arguments[2:]:
            continue
        for kind, judge, count in (
            ("pair", judged_crowds.pair, pairs),
            ("trial", judged_crowds.trial, trials),
        ):
            if count:
                print(row(name, kind, judge, crowd, count), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
