"""One arm, measured and collected: what every command that measures does."""

import argparse
from pathlib import Path

import loadtest.cli
from analysis import artifacts
from analysis.source import cli as source_cli
from analysis.source.collect import CLOUD_PATIENCE, LAB_PATIENCE, Poll, collect
from k8s.console import Io
from k8s.errors import UnreachableError
from k8s.routing.modes import RoutingMode
from loadtest import rundir
from loadtest.record import Place


def measure(args: argparse.Namespace, io: Io, *, mode: RoutingMode, keep: bool) -> Path:
    """The run's folder; what was measured is kept when X-Ray cannot be read."""

    def preflight(place: Place) -> None:
        if place.platform != "lab":
            with source_cli.xray_of(args, io, place) as xray:
                xray.preflight()

    folder, _ = loadtest.cli.run_arm(args, io, mode=mode.value, keep=keep, preflight=preflight)
    try:
        collect_run(args, io, folder)
    except (UnreachableError, KeyboardInterrupt):
        io.say(f"the run is kept; go on with: samezone collect {folder}")
        raise
    return folder


def collect_run(args: argparse.Namespace, io: Io, folder: Path) -> None:
    """Read the run's graph and traces into its folder."""
    record = rundir.read_record(folder)

    def say(poll: Poll, expected: int) -> None:
        io.say(f"X-Ray shows {poll.requests} of {expected} requests, {poll.calls} calls between pods")

    with source_cli.xray_of(args, io, record.place) as xray:
        collected = collect(
            xray,
            record,
            LAB_PATIENCE if xray.is_stand_in else CLOUD_PATIENCE,
            clock=io.clock,
            sleep=io.sleep,
            on_poll=say,
        )
    artifacts.save_collected(folder, collected)
