"""``samezone status``: where things stand, and what to do next."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from analysis.history import Run
from analysis.jobs import rows
from k8s.commandline.json_text import as_json
from k8s.console import Io, Parser, Verbs, add_json, path, verb
from k8s.errors import ExitCode, SamezoneError
from k8s.lab.bring_cli import addresses
from k8s.lab.run import supervisor
from k8s.lab.run.supervisor import Health
from k8s.lab.state import LabState
from k8s.live import opening
from k8s.live.opening import ClusterChoice
from k8s.routing.modes import RoutingMode, mode_of

_STORE: Final = "ui/ui"
"""What a person looks at, where it is the store that runs."""


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verb."""
    parser = verb(
        verbs, "status", status_command, summary="Where things stand on the lab, and what to do next."
    )
    add_json(parser)
    parser.add_argument(
        "--runs", type=path, default=Path("runs"), metavar="FOLDER", help="where run folders are"
    )


def status_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone status``: exit 5 where no lab is up."""
    lab = supervisor.status(io.lab_dir)
    state = lab.state if lab.health is Health.UP else None
    modes: Mapping[str, RoutingMode] = {}
    trouble, address = lab.detail, None
    if state is not None:
        address = store_address(state)
        try:
            modes = _modes(state)
        except SamezoneError as error:
            trouble = str(error)
    run = newest(args.runs)
    then = next_step(is_up=state is not None, modes=modes, run=run)
    code = ExitCode.UNREACHABLE if state is None else ExitCode.DONE
    if args.json:
        found = {"lab": lab.health.value, "detail": trouble, "store": address, "modes": modes}
        io.write(as_json({**found, "last_run": run, "next": then}))
        return code
    io.write(f"lab       {lab.health.value}{': ' + trouble if trouble else ''}")
    if address is not None:
        io.write(f"store     {address}")
    if modes:
        io.write(f"mode      {', '.join(f'{key} {mode.value}' for key, mode in modes.items())}")
    io.write(f"last run  {'none yet' if run is None else told(run)}")
    io.write(f"next      {then}")
    return code


def _modes(state: LabState) -> dict[str, RoutingMode]:
    """Of each Service that the app has."""
    choice = ClusterChoice(kubeconfig=state.kubeconfig, context=None, is_lab=True)
    cluster = opening.open_cluster(choice)
    keys = [one.service for one in state.services]
    return {str(key): mode_of(cluster.service(key)) for key in dict.fromkeys(keys)}


def store_address(state: LabState) -> str | None:
    """Where a browser finds the store, or else the app's first Service; None for an app without one."""
    urls = addresses(state)
    return urls.get(_STORE) or next(iter(urls.values()), None)


def newest(runs: Path) -> Run | None:
    """The last run that was collected; None where there is none, or nobody made its row yet."""
    if not runs.is_dir():
        return None
    folders = sorted((one for one in runs.iterdir() if one.is_dir()), reverse=True)
    for folder in folders:
        if (found := rows.read(folder)) is not None:
            return found
    return None


def told(run: Run) -> str:
    """Its share, in a line."""
    share = run.share
    decided = "" if run.decision is None else f", {run.decision.value}"
    return (
        f"{run.service} under {run.mode}: {share.estimate:.1%} same-zone "
        f"[{share.low:.1%}, {share.high:.1%}]{decided}"
    )


def next_step(*, is_up: bool, modes: Mapping[str, RoutingMode], run: Run | None) -> str:
    """What a person does now, as typed."""
    if not is_up:
        return "make up (samezone lab up); or all at once: make demo"
    on = [key for key, mode in modes.items() if mode is not RoutingMode.OFF]
    if on:
        return f"put {on[0]} back: samezone routing restore --service {on[0]}"
    if run is None:
        return "make baseline (samezone baseline)"
    if run.mode == RoutingMode.OFF:
        return "make enable-tar (samezone enable tar)"
    return "make report (samezone report --open)"
