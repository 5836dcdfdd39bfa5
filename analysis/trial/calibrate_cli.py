"""How often the instrument errs, on a running lab: equal arms called different, true shifts not found.

``python -m analysis.trial.calibrate_cli null 20`` measures twenty pairs of equal arms; ``... shift 10`` runs
ten experiments on a lab where the candidate moves 5 % of the calls (``lab up --ui 1,0,9 --catalog 3,3,0``).
Bring the lab up first; each takes minutes, so neither is a test.
"""

import argparse
import sys
from collections.abc import Sequence

import loadtest.cli
from analysis import terms_cli
from analysis.jobs import session_cli
from analysis.trial import calibrate
from analysis.trial import cli as trial_cli
from analysis.trial.calibrate import CalibrateRequest, EqualPair, Shifted
from k8s.console import Io, Parser
from k8s.errors import ExitCode, SamezoneError
from k8s.model import figures


def parser() -> Parser:
    """The options of ``samezone experiment``, with a load that suits this."""
    made = Parser(prog="python -m analysis.trial.calibrate_cli", description=__doc__)
    made.add_argument("what", choices=("null", "shift"))
    made.add_argument("count", type=int, help="pairs, or experiments")
    trial_cli.add_options(made)
    made.set_defaults(arms="off,prefer-same-zone", warmup=1.0, users=24)
    return made


def main(argv: Sequence[str], io: Io) -> int:
    """One line a trial, then the count; the exit code."""
    try:
        return _calibrate(parser().parse_args(argv), io)
    except SamezoneError as error:
        io.say(f"calibrate: {error}")
        return error.exit_code


def _calibrate(args: argparse.Namespace, io: Io) -> int:
    session = session_cli.session_of(args, io)
    request = CalibrateRequest(
        count=args.count,
        load=loadtest.cli.load_of(args),
        runs=args.runs,
        assumed=terms_cli.assumed_of(args),
    )
    hits = 0
    if args.what == "null":
        for pair in calibrate.equal_pairs(session, request):
            io.write(_pair_line(pair))
            hits += pair.is_called_changed
        io.write(f"{hits} of {args.count} equal pairs called changed")
    else:
        for one in calibrate.shifts(session, request, trial_cli.design_of(args)):
            io.write(_shift_line(one))
            hits += one.is_found
        io.write(f"{hits} of {args.count} experiments found the shift")
    return ExitCode.DONE


def _pair_line(pair: EqualPair) -> str:
    gain = pair.gain
    return (
        f"pair {pair.number}: {figures.points_within(gain.estimate, gain.low, gain.high)}, "
        f"{pair.calls_a_connection:.1f} calls a connection, effective n {pair.effective_n:.0f}"
        f"{', called changed' if pair.is_called_changed else ''}"
    )


def _shift_line(one: Shifted) -> str:
    gain, found = one.gain, one.found
    planned = found.planned
    plan = "" if planned is None else f" of {planned.blocks} blocks of {planned.block_s:.0f} s"
    return (
        f"experiment {one.number}: "
        f"{figures.points_within(gain.estimate, gain.low, gain.high)} after {len(found.order)}{plan}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Io()))
