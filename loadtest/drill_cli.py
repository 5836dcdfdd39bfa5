"""``samezone drill``: each routing mode through a zone's failure, on the lab."""

import argparse
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

import loadtest.cli
from k8s.commandline.json_text import as_json
from k8s.commandline.quantities import some_seconds
from k8s.console import Io, Parser, Verbs, add_json, verb
from k8s.errors import ExitCode, UsageError
from k8s.lab import life_cli
from k8s.lab.design import marks
from k8s.model import figures
from k8s.routing.modes import parse_mode
from k8s.topology import Zone
from loadtest.drill import Drill
from loadtest.drill_run import DrillRequest, run_drills


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verb."""
    parser = verb(
        verbs,
        "drill",
        drill_command,
        summary="Let a zone of the lab fail under load, in each mode.",
        description="Take a zone's power away after a quarter of the window, and see what share of the "
        "requests fails, and how soon they are answered again. The zone is healed after each mode.",
    )
    parser.add_argument("zone", type=Zone, metavar="ZONE", help="the zone that fails, e.g. eu-west-1b")
    add_json(parser)
    failing = parser.section("the failure")
    failing.add_argument(
        "--modes", default="off,tar,prefer-same-zone", metavar="MODE,MODE,...", help="routing modes to try"
    )
    how = failing.add_mutually_exclusive_group()
    how.add_argument("--pods-only", action="store_true", help="the pods hang, the nodes stay Ready")
    how.add_argument(
        "--shift", action="store_true", help="nothing fails: a zonal shift takes the zone's endpoints out"
    )
    loadtest.cli.add_load(parser)
    # It is of the lab alone, but make's variables may say so.
    parser.hide("platform", "context", "kubeconfig", "yes", "recycle", "target_unchecked")
    parser.section("load").add_argument(
        "--request-timeout", type=some_seconds, default=2.0, metavar="TIME", help="how long a caller waits"
    )


def drill_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone drill ZONE``: a run folder with ``drill.json`` for each mode; prints the table."""
    if args.platform != "lab":
        raise UsageError("drill lets a zone fail, which only the lab can heal again; use --platform lab")
    request = DrillRequest(
        zone=args.zone,
        outage=marks.SHIFT if args.shift else marks.PODS if args.pods_only else marks.NODES,
        modes=tuple(parse_mode(name.strip()) for name in args.modes.split(",")),
        load=loadtest.cli.load_of(args),
        runs=args.runs,
        arm=args.arm,
    )
    open_zones = partial(life_cli.life_of, io, timeout_s=life_cli.TIMEOUT_S)
    drills = run_drills(loadtest.cli.session_of(args, io), request, open_zones=open_zones)
    if args.json:
        io.write(as_json(drills))
    else:
        Console(file=io.out, highlight=False).print(table(drills))
    return ExitCode.DONE


_HAPPENS = {marks.NODES: "loses power", marks.PODS: "hangs", marks.SHIFT: "is shifted away"}


def table(drills: Sequence[Drill]) -> Table:
    """One row a mode."""
    made = Table(title=f"Zone {drills[0].zone} {_HAPPENS[drills[0].outage]} under load", title_justify="left")
    for column in ("mode", "requests", "failed since then", "endpoints gone after", "last failure after"):
        made.add_column(column, justify="left" if column == "mode" else "right")
    for one in drills:
        share, back, gone = one.failed_share, one.recovered_after_s, one.noticed_after_s
        made.add_row(
            one.mode,
            f"{one.requests:,}",
            figures.percent(share),
            "never" if gone is None else f"{gone:.1f} s",
            "they still fail" if back is None else f"{back:.1f} s",
        )
    return made
