"""The verbs of the traffic: ``run`` and ``web``."""

import argparse
import math
import platform as python_platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from k8s.cli import add_place, open_cluster, originals, service_key
from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import ExitCode, UsageError
from k8s.lab import state as lab_state
from k8s.routing.modes import RoutingSettings, parse_mode
from loadtest import experiment, rundir
from loadtest.experiment import Setup
from loadtest.record import Asked, Place, RunRecord
from loadtest.swarm.cluster_platform import RECYCLE, ClusterPlatform
from loadtest.swarm.interface import Progress as SwarmProgress
from loadtest.swarm.lab_platform import LabPlatform
from loadtest.swarm.platforms import Platform
from loadtest.worker.plan import LoadPlan

DEFAULTS = LoadPlan()
WEB_PORT = 8089


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs of this room."""
    run = verb(verbs, "run", run_command, summary="Measure one arm and leave a run folder.")
    run.add_argument("mode", help="off, tar, prefer-close, prefer-same-zone or prefer-same-node")
    run.add_argument("--keep", action="store_true", help="leave the mode in force afterwards")
    add_load(run)
    web = verb(verbs, "web", web_command, summary="The Locust web UI with the workers of all zones.")
    web.add_argument("--web-port", type=int, default=WEB_PORT, help="0: any free one")
    add_place(web)
    web.add_argument("--client", type=service_key, default="ui/ui", metavar="NS/NAME")
    _add_recycle(web)


def add_load(parser: argparse.ArgumentParser) -> None:
    """Options that say where, how much and how long."""
    add_place(parser)
    parser.add_argument("--client", type=service_key, default="ui/ui", metavar="NS/NAME", help="who calls it")
    parser.add_argument("--rate", type=float, default=DEFAULTS.rate_per_s, help="requests/s over all zones")
    parser.add_argument("--users", type=int, default=DEFAULTS.users, help="most requests in flight")
    parser.add_argument("--duration", type=float, default=DEFAULTS.duration_s, help="measured seconds")
    parser.add_argument("--warmup", type=float, default=DEFAULTS.warmup_s, help="seconds before it")
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="of the page mix")
    parser.add_argument("--arm", help="label of the arm; default: the mode")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the run folders")
    _add_recycle(parser)


def _add_recycle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recycle", choices=RECYCLE, default="auto", help="restart clients that pool connections (cluster)"
    )


def plan_of(args: argparse.Namespace) -> LoadPlan:
    """The load the options ask for; UsageError names the option that is off."""
    for name in ("rate", "duration", "warmup"):
        value = getattr(args, name)
        if not math.isfinite(value) or value < 0 or (value == 0 and name != "warmup"):
            raise UsageError(f"--{name} {value:g}: give a number above 0")
    return LoadPlan(
        rate_per_s=args.rate,
        users=args.users,
        duration_s=args.duration,
        warmup_s=args.warmup,
        seed=args.seed,
        timeout_s=getattr(args, "request_timeout", DEFAULTS.timeout_s),
    )


def versions() -> tuple[tuple[str, str], ...]:
    """What measured: recorded with every run."""
    return (
        ("samezone", version("samezone")),
        ("locust", version("locust")),
        ("python", python_platform.python_version()),
    )


def platform_of(args: argparse.Namespace, io: Io) -> Platform:
    """The place that the options name."""
    cluster = open_cluster(args, io, changing=True)
    if args.platform == "lab":
        return LabPlatform(state=lab_state.load(io.lab_dir), cluster=cluster)
    return ClusterPlatform(cluster=cluster, environment=io.environment, recycle=args.recycle)


def run_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone run MODE``: prints the run folder."""
    folder, _ = run_arm(args, io, mode=args.mode, keep=args.keep)
    io.write(str(folder))
    return ExitCode.DONE


def run_arm(
    args: argparse.Namespace,
    io: Io,
    *,
    mode: str,
    keep: bool,
    preflight: Callable[[Place], None] = lambda _: None,
    on_tick: Callable[[str, float, float, SwarmProgress | None], None] = lambda *_: None,
) -> tuple[Path, RunRecord]:
    """Measure one arm into a new run folder; raises what went wrong after everything is written.

    *preflight* may refuse the place before anything is changed; *on_tick* hears the progress.
    """
    parse_mode(mode)
    asked = Asked(mode=mode, service=args.service, client=args.client, plan=plan_of(args))
    platform = platform_of(args, io)
    place = platform.place()
    preflight(place)
    checked = platform.check(asked)
    if checked.announcement:
        io.agree(("this changes a cluster:", *checked.announcement, _afterwards(keep=keep)), yes=args.yes)
        args.yes = True  # asked once for a command that measures several arms
    arm = args.arm or mode
    stamp_s = io.clock()
    run_id = f"{int(stamp_s)}-{arm}"
    known = originals(io)
    new_record = False

    def remember(original: RoutingSettings) -> None:
        nonlocal new_record
        new_record = known.remember(place.context, args.service, original)

    log_dir = io.home / "logs" / run_id
    with _progress(io) as show:

        def on_progress(step: str, done_s: float, total_s: float, swarm: SwarmProgress | None) -> None:
            show(step, done_s, total_s, swarm)
            on_tick(step, done_s, total_s, swarm)

        setup = Setup(
            cluster=platform.cluster,
            swarm=platform.swarm(args.client, name=f"{int(stamp_s):x}", log_dir=log_dir),
            clock=io.clock,
            sleep=io.sleep,
            remember=remember,
            recycle=checked.recycle,
            truth=platform.read_truth,
            on_progress=on_progress,
        )
        try:
            outcome = experiment.run(
                setup,
                asked,
                place,
                run_id=run_id,
                arm=arm,
                keep_mode=keep,
                versions=versions(),
                caveats=checked.caveats,
            )
        except BaseException:
            if new_record:
                known.forget(place.context, args.service)
            raise
    if new_record and (outcome.error is not None or not keep):
        known.forget(place.context, args.service)
    folder = rundir.create(args.runs, arm, now_s=stamp_s)
    rundir.write_lines(folder / rundir.TOPOLOGY, outcome.topology)
    if outcome.truth_before is not None and outcome.truth_after is not None:
        truth_file = platform.truth_file(outcome.truth_before, outcome.truth_after)
        rundir.write_json(folder / rundir.TRUTH, truth_file)
    rundir.write_json(folder / rundir.RECORD, outcome.record)
    if outcome.error is not None:
        io.say(f"what was measured is kept in {folder}, marked {outcome.record.status.value}")
        raise outcome.error
    return folder, outcome.record


def _afterwards(*, keep: bool) -> str:
    if keep:
        return "the Service keeps the mode afterwards; to put it back: make disable-tar PLATFORM=cluster"
    return "the Service gets back what it had afterwards"


@contextmanager
def _progress(io: Io) -> Iterator[Any]:
    """A progress bar with time left, achieved rate and failures on the words stream."""
    console = Console(file=io.err)
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, refresh_per_second=4, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def update(step: str, done_s: float, total_s: float, swarm: SwarmProgress | None) -> None:
            if not total_s:
                bars.console.print(step, highlight=False, markup=False)
                return
            note = ""
            if swarm is not None and done_s > 0:
                note = f"{swarm.requests / done_s:6.1f}/s  {swarm.requests} requests  {swarm.failures} failed"
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total_s, note=note)
                if bars.disable:
                    io.say(f"{step} for {total_s:g} s")
            bars.update(tasks[step], completed=done_s, note=note)
            if bars.disable and done_s >= total_s:
                io.say(f"{step}: done, {note.strip()}")

        yield update


def web_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone web``: runs until Ctrl-C."""
    platform = platform_of(args, io)
    log_dir = io.home / "logs" / "web"
    swarm = platform.swarm(args.client, name=f"{int(io.clock()):x}", log_dir=log_dir, web_port=args.web_port)
    try:
        zones = ", ".join(sorted({tally.zone for tally in swarm.open()}))
        io.say(f"Locust web UI: {swarm.web_url} (workers in {zones}); Ctrl-C ends it")
        while not swarm.progress().lost:
            io.sleep(1.0)
        io.say(f"a worker is gone; see its log{f' in {log_dir}' if args.platform == 'lab' else ''}")
    except KeyboardInterrupt:
        io.say("ending")
    finally:
        swarm.close()
    return ExitCode.DONE
