"""How often the instrument errs, on a running lab: equal arms called different, true shifts not found.

``python -m analysis.calibrate null 20`` measures twenty pairs of equal arms; ``... shift 10`` runs ten
experiments on a lab where the candidate moves 5 % of the calls (``lab up --ui 1,0,9 --catalog 3,3,0``). Bring
the lab up first; each takes minutes, so neither is a test.
"""

import argparse
import sys
from pathlib import Path

from analysis import cli
from analysis.statistics import blocks
from analysis.trial import cli as trial_cli
from analysis.trial import run as trial_run
from analysis.trial.cli import CliBench
from k8s.console import Io
from loadtest import rundir

_LOAD = ("--arms", "off,prefer-same-zone", "--warmup", "1", "--users", "24")


def main(argv: list[str]) -> int:
    """One line a trial, then the count; further options are those of ``samezone experiment``."""
    parser = argparse.ArgumentParser(prog="python -m analysis.calibrate", description=__doc__)
    parser.add_argument("what", choices=("null", "shift"))
    parser.add_argument("count", type=int)
    asked, rest = parser.parse_known_args(argv)
    args = cli.parser().parse_args(["experiment", *_LOAD, *rest])
    io = Io()
    folder = rundir.create(args.runs, f"calibrate-{asked.what}", now_s=io.clock())
    one = _null if asked.what == "null" else _shift
    changed = sum(one(args, io, folder, number) for number in range(1, asked.count + 1))
    word = "equal pairs called changed" if asked.what == "null" else "experiments found the shift"
    print(f"{changed} of {asked.count} {word}")
    return 0


def _null(args: argparse.Namespace, io: Io, folder: Path, number: int) -> bool:
    """Whether two equal arms are called different at the 5 % level."""
    bench = CliBench(args, io, folder)
    left, right = (bench.measure("off", label=f"pair {number}{half}", seconds=args.duration) for half in "ab")
    gain = blocks.share_difference([(left.share, right.share)]).interval
    changed = not gain.low <= 0 <= gain.high
    print(
        f"pair {number}: {gain.estimate * 100:+.1f} pp [{gain.low * 100:+.1f}, {gain.high * 100:+.1f}], "
        f"{left.design_effect:.1f} calls a connection, effective n {left.share.effective_n:.0f}"
        f"{', called changed' if changed else ''}",
        flush=True,
    )
    return changed


def _shift(args: argparse.Namespace, io: Io, folder: Path, number: int) -> bool:
    """Whether an experiment finds that the candidate changed anything."""
    found = trial_run.run(trial_cli.design_of(args), CliBench(args, io, folder))
    gain = found.contests[0].gain
    print(
        f"experiment {number}: {gain.estimate * 100:+.1f} pp [{gain.low * 100:+.1f}, {gain.high * 100:+.1f}] "
        f"after {len(found.order)} of {found.planned.blocks} blocks of {found.planned.block_s:.0f} s",
        flush=True,
    )
    return not gain.low <= 0 <= gain.high


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
