"""``samezone drill``: each routing mode through a zone's failure, on the lab."""

import argparse
import threading
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

import loadtest.cli
from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import ExitCode, SamezoneError, UsageError
from k8s.lab import life_cli
from k8s.lab import state as lab_state
from k8s.lab.design import marks
from k8s.lab.life import Life
from k8s.routing.modes import parse_mode
from k8s.topology import Zone
from loadtest import rundir
from loadtest.drill import Drill, Tick
from loadtest.swarm.interface import Progress

DRILL = "drill.json"
FAILS_AFTER = 0.25
"""Of the window: the rest shows whether traffic comes back."""


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verb."""
    parser = verb(
        verbs,
        "drill",
        drill_command,
        summary="Let a zone of the lab fail under load, in each routing mode.",
        description="Power loss in a zone after a quarter of the window; which share of the requests fails, "
        "and how soon they are answered again. The zone is healed after each mode.",
    )
    parser.add_argument("zone", type=Zone, metavar="ZONE")
    parser.add_argument("--modes", default="off,tar,prefer-same-zone", help="routing modes, by commas")
    parser.add_argument("--pods-only", action="store_true", help="the pods hang, the nodes stay Ready")
    loadtest.cli.add_load(parser)
    parser.add_argument("--request-timeout", type=float, default=2.0, help="seconds a shopper waits")


@dataclass(slots=True)
class _Saboteur:
    """Fails the zone when its time has come, without holding up the load; remembers what it saw."""

    args: argparse.Namespace
    io: Io
    ticks: list[Tick] = field(default_factory=list)
    failed_at_s: float | None = None
    noticed_after_s: float | None = None
    trouble: SamezoneError | None = None
    thread: threading.Thread | None = None

    def look(self, step: str, done_s: float, total_s: float, progress: Progress | None) -> None:
        """Called twice a second."""
        if step != "measuring" or progress is None:
            return
        self.ticks.append(Tick(at_s=done_s, requests=progress.requests, failures=progress.failures))
        if self.thread is None and done_s >= FAILS_AFTER * total_s:
            self.failed_at_s = done_s
            self.thread = threading.Thread(target=self._fail, daemon=True)
            self.thread.start()

    def heal(self) -> None:
        """Power is back; nothing if there was no failure."""
        if self.thread is not None:
            self.thread.join()
            self._life().heal_zone(self.args.zone)

    def _fail(self) -> None:
        began_s = self.io.clock()
        try:
            self._life().fail_zone(self.args.zone, marks.PODS if self.args.pods_only else marks.NODES)
        except SamezoneError as error:
            self.trouble = error
        else:
            self.noticed_after_s = self.io.clock() - began_s

    def _life(self) -> Life:
        return life_cli.life_of(self.io, timeout_s=life_cli.TIMEOUT_S)


def drill_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone drill ZONE``: a run folder with ``drill.json`` for each mode; prints the table."""
    if args.platform != "lab":
        raise UsageError("drill lets a zone fail, which only the lab can heal again; use --platform lab")
    state = lab_state.load(io.lab_dir)
    if args.zone not in state.zones:
        raise UsageError(f"drill: the lab has no zone {args.zone}; it has {', '.join(state.zones)}")
    modes = [parse_mode(name.strip()).value for name in args.modes.split(",")]
    drills = [_one(args, io, mode) for mode in modes]
    Console(file=io.out, highlight=False).print(table(drills))
    return ExitCode.DONE


def _one(args: argparse.Namespace, io: Io, mode: str) -> Drill:
    saboteur = _Saboteur(args, io)
    try:
        folder, record = loadtest.cli.run_arm(args, io, mode=mode, keep=False, on_tick=saboteur.look)
    finally:
        saboteur.heal()
    if saboteur.trouble is not None:
        raise saboteur.trouble
    seen = record.seen.measured
    drill = Drill(
        mode=mode,
        zone=args.zone,
        failed_at_s=saboteur.failed_at_s or 0.0,
        noticed_after_s=saboteur.noticed_after_s,
        timeout_s=record.asked.plan.timeout_s,
        ticks=tuple(saboteur.ticks),
        requests=seen.requests if seen else 0,
        failures=seen.failures if seen else 0,
    )
    rundir.write_json(Path(folder) / DRILL, drill)
    io.say(f"{mode}: drill kept in {folder}")
    return drill


def table(drills: list[Drill]) -> Table:
    """One row a mode."""
    made = Table(title=f"Zone {drills[0].zone} fails under load", title_justify="left")
    for column in ("mode", "requests", "failed after it", "endpoints gone after", "last failure after"):
        made.add_column(column, justify="left" if column == "mode" else "right")
    for one in drills:
        share, back, gone = one.failed_share, one.recovered_after_s, one.noticed_after_s
        made.add_row(
            one.mode,
            f"{one.requests:,}",
            "-" if share is None else f"{share:.1%}",
            "never" if gone is None else f"{gone:.1f} s",
            "they still fail" if back is None else f"{back:.1f} s",
        )
    return made
