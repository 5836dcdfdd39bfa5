"""``samezone status``: where things stand, and what to do next."""

import argparse
import shlex
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analysis.history import Run
from analysis.jobs import rows, standing
from analysis.jobs.standing import PlaceFound
from analysis.report.units import percent_interval
from k8s.cli import add_where, service_key
from k8s.cli import open_cluster as open_named
from k8s.commandline.json_text import as_json
from k8s.console import Io, Parser, Verbs, add_json, path, verb
from k8s.errors import ExitCode, InvalidRunError, SamezoneError
from k8s.lab import state as lab_state
from k8s.lab.bring_cli import addresses
from k8s.lab.run import supervisor
from k8s.lab.run.supervisor import Health, LabStatus
from k8s.lab.state import LabState
from k8s.live import opening
from k8s.live.opening import ClusterChoice
from k8s.live.originals import Originals
from k8s.live.this_process import ORIGINALS
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import ServiceKey

_STORE: Final = "ui/ui"
"""What a person looks at, where it is the store that runs."""
_CATALOG: Final = ServiceKey(namespace="catalog", name="catalog")
"""What is looked at where nobody names a Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a person types behind a verb to mean the same place and Services."""

    variables: str = ""
    """Of make, with a blank before each."""
    options: str = ""
    """Of samezone, likewise."""
    place: str = ""
    """Those of them that say where."""
    context: str = ""
    """The option that names the context, as kubectl takes it, too."""
    is_store: bool = True
    """Whether they mean the store's Service, which nobody had to name."""


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verb."""
    parser = verb(verbs, "status", status_command, summary="Where things stand, and what to do next.")
    add_where(parser)
    where = parser.section("where")
    where.add_argument(
        "--service",
        action="append",
        type=service_key,
        metavar="NS/NAME",
        help="may be repeated; default: all of the lab's, on a cluster that of the last run",
    )
    where.add_argument(
        "--client", type=service_key, default=_STORE, metavar="NS/NAME", help="who calls it, on a cluster"
    )
    add_json(parser)
    parser.add_argument(
        "--runs", type=path, default=Path("runs"), metavar="FOLDER", help="where run folders are"
    )


def status_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone status``: exit 5 where the place does not answer."""
    return _of_lab(args, io) if args.platform == "lab" else _of_cluster(args, io)


def _of_lab(args: argparse.Namespace, io: Io) -> int:
    lab = supervisor.status(io.lab_dir)
    state = lab.state if lab.health is Health.UP else None
    found = PlaceFound(is_up=False, code=ExitCode.UNREACHABLE) if state is None else _standing_of(state, args)
    run = newest(args.runs, lab_state.CONTEXT)
    then = next_step(is_up=found.is_up, modes=found.modes, run=run)
    trouble = "; ".join(found.troubles) or lab.detail
    if args.json:
        io.write(_json({"lab": lab.health.value}, found, trouble, run, then))
    else:
        _write(io, f"lab       {_health(lab, trouble)}", found, run, then)
    return found.code


def _standing_of(state: LabState, args: argparse.Namespace) -> PlaceFound:
    """Of each Service that the app has, or of those that are named."""
    modes: dict[str, RoutingMode] = {}
    troubles = []
    try:
        choice = ClusterChoice(
            kubeconfig=args.kubeconfig or state.kubeconfig, context=args.context, is_lab=True
        )
        cluster = opening.open_cluster(choice)
        for key in dict.fromkeys(args.service or [one.service for one in state.services]):
            modes[str(key)] = mode_of(cluster.service(key))
    except SamezoneError as error:
        troubles.append(str(error))
    return PlaceFound(is_up=True, troubles=tuple(troubles), store=store_address(state), modes=modes)


def _health(lab: LabStatus, trouble: str) -> str:
    return f"{lab.health.value}{': ' + trouble if trouble else ''}"


def _of_cluster(args: argparse.Namespace, io: Io) -> int:
    cluster = open_named(args, io)
    run = newest(args.runs, cluster.context, args.service)
    named = args.service or [_CATALOG if run is None else service_key(run.service)]
    found = standing.of_cluster(
        cluster,
        tuple(dict.fromkeys(named)),
        args.client,
        recall=Originals(io.home / ORIGINALS).recall,
        now_s=io.clock(),
    )
    then = next_on_cluster(found, run, typed(args, named))
    trouble = "; ".join(found.troubles)
    health = "up" if found.is_up else "down"
    where = {"context": cluster.context, "server": cluster.server}
    if args.json:
        io.write(_json({"cluster": health, **where}, found, trouble, run, then))
    else:
        told = f"context {cluster.context}, API server {cluster.server}"
        line = f"cluster   {health}: {told}{': ' + trouble if trouble else ''}"
        _write(io, line, found, run, then)
    return found.code


def typed(args: argparse.Namespace, services: Sequence[ServiceKey]) -> Typed:
    """What leads to the same cluster again, and to the same Services where they are not the store's."""
    context = "" if args.context is None else f" --context {shlex.quote(args.context)}"
    place = f" --platform cluster{context}"
    if args.kubeconfig is not None:
        place += f" --kubeconfig {shlex.quote(str(args.kubeconfig))}"
    variables, options = f" PLATFORM=cluster{context.replace(' --context ', ' CONTEXT=')}", place
    is_store = list(services) == [_CATALOG]
    if not is_store:
        variables += f" SERVICE={shlex.quote(' '.join(map(str, services)))}"
        options += "".join(f" --service {one}" for one in services)
    if str(args.client) != _STORE:
        variables, options = f"{variables} CLIENT={args.client}", f"{options} --client {args.client}"
    return Typed(variables=variables, options=options, place=place, context=context, is_store=is_store)


def _json(head: Mapping[str, Any], found: PlaceFound, detail: str, run: Run | None, then: str) -> str:
    told = {**head, "detail": detail, "store": found.store, "modes": found.modes}
    return as_json({**told, "last_run": run, "next": then})


def _write(io: Io, head: str, found: PlaceFound, run: Run | None, then: str) -> None:
    io.write(head)
    if found.store is not None:
        io.write(f"store     {found.store}")
    if found.modes:
        io.lay(f"mode      {', '.join(f'{key} {mode.value}' for key, mode in found.modes.items())}")
    io.write(f"last run  {'none yet' if run is None else told(run)}")
    io.write(f"next      {then}")


def store_address(state: LabState) -> str | None:
    """Where a browser finds the store, or else the app's first Service; None for an app without one."""
    urls = addresses(state)
    return urls.get(_STORE) or next(iter(urls.values()), None)


def newest(
    runs: Path, context: str | None = None, services: Collection[ServiceKey] | None = None
) -> Run | None:
    """The last run that was collected; None where there is none, or nobody made its row yet.

    Of *context* alone, and of these *services*, where they are given.
    """
    if not runs.is_dir():
        return None
    named = {str(one) for one in services or ()}
    folders = sorted((one for one in runs.iterdir() if one.is_dir()), reverse=True)
    for folder in folders:
        with suppress(InvalidRunError):  # it is no evidence, so an earlier one is the last
            found = rows.read(folder)
            if found is None or context not in {None, found.context}:
                continue
            if not named or found.service in named:
                return found
    return None


def told(run: Run) -> str:
    """Its share, in a line."""
    decided = "" if run.decision is None else f", {run.decision.value}"
    return f"{run.service} under {run.mode}: same-zone {percent_interval(run.share)}{decided}"


def next_step(*, is_up: bool, modes: Mapping[str, RoutingMode], run: Run | None) -> str:
    """What a person does now with the lab, as typed."""
    if not is_up:
        return "make up (samezone lab up); or all at once: make demo"
    on = [key for key, mode in modes.items() if mode is not RoutingMode.OFF]
    if on:
        return f"put {on[0]} back: samezone routing restore --service {on[0]}"
    return _measured(run, Typed())


def next_on_cluster(found: PlaceFound, run: Run | None, how: Typed) -> str:
    """The same on a cluster, where only what we set is ours to put back."""
    if not found.is_up:
        return f"see why it does not answer: kubectl{how.context} get nodes"
    if found.code is ExitCode.UNREACHABLE:
        return "have the rights that are missing given to you: k8s/manifests/base/access names them"
    if not found.modes and how.is_store:
        deploy = f"make deploy{how.context.replace(' --context ', ' CONTEXT=')}"
        return (
            f"{deploy} (samezone cluster deploy{how.context}); for Services of your own: --service NS/NAME "
            "--client NS/NAME"
        )
    if not found.modes:
        return f"name a Service that is there: kubectl{how.context} get services -A"
    if found.held:
        return f"wait until it is done: {found.held}"
    if found.ours:
        return f"put {found.ours[0]} back: samezone routing restore --service {found.ours[0]}{how.place}"
    return _measured(run, how)


def _measured(run: Run | None, how: Typed) -> str:
    """What is measured next."""
    if run is None:
        return f"make baseline{how.variables} (samezone baseline{how.options})"
    if run.mode == RoutingMode.OFF:
        return f"make enable-tar{how.variables} (samezone enable tar{how.options})"
    return "make report (samezone report --open)"
