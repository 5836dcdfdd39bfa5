"""``samezone lab up|down|status``: a lab that comes and goes."""

import argparse
from pathlib import Path
from typing import Any

from k8s.commandline.json_text import as_json
from k8s.commandline.quantities import some_seconds
from k8s.console import Io, Parser, Verbs, add_json, verb
from k8s.errors import ExitCode, UsageError
from k8s.lab import life_cli, scenario_files, xray_cli
from k8s.lab.design import scenario
from k8s.lab.design.settings import (
    DEFAULT_API_PORT,
    DEFAULT_SCRAPE_S,
    DEFAULT_XRAY_PORT,
    LabSettings,
)
from k8s.lab.design.store_app import store
from k8s.lab.processes import is_running
from k8s.lab.run import bringing, supervisor
from k8s.lab.run.bringing import LabSession
from k8s.lab.run.scraper import PROMETHEUS
from k8s.lab.run.supervisor import Health, LabStatus
from k8s.lab.state import LabState
from k8s.live import this_process
from k8s.live.originals import Originals
from k8s.topology import Zone


def lab_session(io: Io) -> LabSession:
    """What bringing a lab up or down uses here."""
    return LabSession(
        records=Originals(io.home / this_process.ORIGINALS),
        say=io.say,
        monotonic=io.monotonic,
        as_typed=lambda path: _relative(path, io),
    )


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs of the lab."""
    up = verb(verbs, "up", lab_up, summary="Start the lab; returns when every part is ready.")
    add_lab_options(up)
    add_scraping(up)
    add_json(up)
    verb(verbs, "down", lab_down, summary="Stop the lab; leaves no process and no port.")
    add_json(verb(verbs, "status", lab_status, summary="Print what runs, and where."))
    xray_cli.add(verbs)
    life_cli.add(verbs)


def add_lab_options(parser: Parser) -> None:
    """Options that describe a lab to be started."""
    up = parser.section("the lab")
    up.add_argument(
        "--scenario", metavar="NAME", help=f"one of {', '.join(scenario_files.names())}, or a .yaml file"
    )
    up.add_argument(
        "--zones", default="eu-west-1a,eu-west-1b,eu-west-1c", metavar="A,B,...", help="names of its zones"
    )
    up.add_argument("--nodes-per-zone", type=int, default=1, metavar="N", help="nodes in each zone")
    up.add_argument(
        "--ui", default="3", metavar="N|N,N,...", help="the store's ui pods: in all, or in each zone"
    )
    up.add_argument(
        "--catalog", default="6", metavar="N|N,N,...", help="its catalog pods: in all, or in each zone"
    )
    up.add_argument(
        "--cross-zone-delay-ms",
        type=float,
        default=0.6,
        metavar="MS",
        help="milliseconds added to each way between zones",
    )
    up.add_argument("--keep-alive", action="store_true", help="let ui keep its connections to catalog")
    up.add_argument("--no-sql-spans", action="store_true", help="let catalog trace no database queries")
    up.add_argument(
        "--api-port",
        type=int,
        default=DEFAULT_API_PORT,
        metavar="PORT",
        help="of its API server; 0 takes any free one",
    )
    up.add_argument(
        "--xray-port",
        type=int,
        default=DEFAULT_XRAY_PORT,
        metavar="PORT",
        help="of its X-Ray; 0 takes any free one",
    )
    up.add_argument(
        "--lab-seed",
        type=int,
        default=1,
        metavar="N",
        help="the same number gives the same pod names and choices of the controller",
    )


def add_scraping(parser: Parser) -> None:
    """Options of the Prometheus beside a lab to be started."""
    up = parser.section("a Prometheus beside it")
    up.add_argument(
        "--prometheus",
        dest="lab_prometheus",
        action="store_true",
        help="start one that scrapes the relays, which count as a service mesh does; has to be installed",
    )
    up.add_argument(
        "--prometheus-scrape",
        type=some_seconds,
        metavar="TIME",
        help=f"how often, e.g. 5s or 500ms; implies --prometheus; default: {DEFAULT_SCRAPE_S:g}s",
    )
    up.add_argument(
        "--prometheus-port", type=int, default=0, metavar="PORT", help="default: 0, which is any free one"
    )


def lab_settings(args: argparse.Namespace, io: Io) -> LabSettings:
    """The lab the options describe."""
    ui, catalog = _replicas("--ui", args.ui), _replicas("--catalog", args.catalog)
    settings = LabSettings(
        zones=tuple(Zone(name) for name in args.zones.split(",")),
        nodes_per_zone=args.nodes_per_zone,
        app=store(
            ui=ui[0] if len(ui) == 1 else ui,
            catalog=catalog[0] if len(catalog) == 1 else catalog,
            keep_alive=args.keep_alive,
            sql_spans=not args.no_sql_spans,
        ),
        cross_zone_delay_s=args.cross_zone_delay_ms / 1000,
        api_port=args.api_port,
        xray_port=args.xray_port,
        prometheus_scrape_s=args.prometheus_scrape or (DEFAULT_SCRAPE_S if args.lab_prometheus else None),
        prometheus_port=args.prometheus_port,
        seed=args.lab_seed,
        state_dir=str(io.lab_dir),
    )
    return settings if args.scenario is None else scenario.apply(scenario_files.read(args.scenario), settings)


def _replicas(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"lab up: {option} {text!r}: give a number, or one for each zone, e.g. 5,2,2"
        ) from None


def lab_up(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab up``."""
    settings = lab_settings(args, io)
    io.require_home("lab", "originals")
    bringing.bring_up(lab_session(io), settings)
    if args.json:
        io.write(as_json(status_data(supervisor.status(io.lab_dir))))
    return ExitCode.DONE


def lab_down(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab down``."""
    del args
    bringing.take_down(lab_session(io), io.lab_dir)
    return ExitCode.DONE


def lab_status(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab status``."""
    status = supervisor.status(io.lab_dir)
    state = status.state
    code = ExitCode.DONE if status.health is Health.UP else ExitCode.UNREACHABLE
    if args.json:
        io.write(as_json(status_data(status)))
        return code
    io.write(f"lab         {status.health.value}{': ' + status.detail if status.detail else ''}")
    if state is not None:
        io.write(f"API server  {state.api_url}")
        io.write(f"X-Ray       {state.xray_url}")
        for service, url in addresses(state).items():
            io.write(f"Service     {service}: {url}")
        if state.prometheus_url is not None:
            io.write(f"Prometheus  {state.prometheus_url}, {_prometheus_state(state)}")
        io.write(f"logs        {_relative(io.lab_dir / 'logs', io)}")
        for child in state.children:
            process = "running" if is_running(child.process) else "ended"
            io.write(f"process     {child.name:<28} {process} (pid {child.process.pid})")
        for pod in state.pods:
            ready = "ready" if pod.ready else "not ready"
            io.write(f"pod         {pod.name:<28} {pod.zone} {ready}, {pod.restarts} restarts")
    return code


def status_data(status: LabStatus) -> dict[str, Any]:
    """The same for a program; the lab's key is not in it."""
    state = status.state
    found: dict[str, Any] = {"health": status.health.value, "detail": status.detail}
    if state is not None:
        found |= {
            "api_url": state.api_url,
            "xray_url": state.xray_url,
            "prometheus_url": state.prometheus_url,
            "zones": state.zones,
            "services": addresses(state),
            "processes": [
                {"name": one.name, "pid": one.process.pid, "running": is_running(one.process)}
                for one in state.children
            ],
            "pods": state.pods,
        }
    return found


def addresses(state: LabState) -> dict[str, str]:
    """Where each Service of the app answers on the first node that has it."""
    found: dict[str, str] = {}
    for one in state.services:
        found.setdefault(str(one.service), one.url)
    return found


def _prometheus_state(state: LabState) -> str:
    """It alone may be away while the lab is up."""
    runs = any(child.name == PROMETHEUS and is_running(child.process) for child in state.children)
    return f"{'running' if runs else 'ended, and soon started again'}, {state.prometheus_restarts} restarts"


def _relative(path: Path, io: Io) -> Path:
    return path.relative_to(io.folder) if path.is_relative_to(io.folder) else path
