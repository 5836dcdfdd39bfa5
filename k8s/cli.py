"""The verbs of the place: ``lab`` and ``routing``."""

import argparse
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from k8s.console import Io, Parser, Verbs, group, path, verb
from k8s.doctor import cli as doctor_cli
from k8s.effects import Patience, Talk
from k8s.eks import cli as eks_cli
from k8s.eks import kind_cli
from k8s.errors import ExitCode, UsageError
from k8s.lab import life_cli, scenario_files, xray_cli
from k8s.lab import state as lab_state
from k8s.lab.design import scenario
from k8s.lab.design.settings import DEFAULT_API_PORT, DEFAULT_XRAY_PORT, LabSettings
from k8s.lab.processes import is_running
from k8s.lab.run import bringing, supervisor
from k8s.lab.run.bringing import LabSession
from k8s.lab.run.supervisor import Health
from k8s.live import opening, switching, this_process
from k8s.live.cluster import LiveCluster
from k8s.live.holding import Holds
from k8s.live.opening import ClusterChoice
from k8s.live.originals import Originals
from k8s.live.switching import RoutingSession, SwitchRequest
from k8s.model import names
from k8s.predict import cli as predict_cli
from k8s.routing.modes import choices, parse_mode
from k8s.topology import ServiceKey, Zone

PLATFORMS = ("lab", "cluster")
HINTS_TIMEOUT_S = 30.0


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs of this room."""
    _add_lab(group(verbs, "lab", summary="The embedded place: emulated zones on this machine."))
    routing = group(verbs, "routing", summary="How a Service prefers endpoints.")
    setter = verb(routing, "set", routing_set, summary="Put a routing mode in force and wait for its hints.")
    setter.add_argument("mode", help=choices())
    setter.add_argument("--timeout", type=float, default=HINTS_TIMEOUT_S, help="seconds to wait for hints")
    restorer = verb(routing, "restore", routing_restore, summary="Give the Service back what it had.")
    restorer.add_argument(
        "--force",
        action="store_true",
        help="also what somebody else changed since, and while a run has the Service",
    )
    restorer.add_argument(
        "--expect-off", action="store_true", help="exit 4 where zone routing is on afterwards, and say why"
    )
    shower = verb(routing, "show", routing_show, summary="Print the mode in force and the hints seen.")
    for parser in (setter, restorer, shower):
        add_place(parser)
    predict_cli.add(routing, add_place=add_place, open_cluster=open_cluster)
    doctor_cli.add(routing, add_place=add_place, open_cluster=open_cluster)
    eks_cli.add(verbs)
    kind_cli.add(verbs)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Options that say where, and which Service."""
    parser.add_argument("--platform", choices=PLATFORMS, default="lab")
    parser.add_argument("--context", help="a cluster is changed only if this is the current context")
    parser.add_argument("--yes", action="store_true", help="change a cluster without asking")
    parser.add_argument("--kubeconfig", type=path, help="default: the lab's, or kubectl's own rules")
    parser.add_argument("--service", type=service_key, default="catalog/catalog", metavar="NS/NAME")


def service_key(text: str) -> ServiceKey:
    """``namespace/name``; an argparse type."""
    namespace, _, name = text.partition("/")
    if not (names.is_dns_label(namespace) and names.is_dns_label(name)):
        raise argparse.ArgumentTypeError(
            f"{names.shown(text)} is not NAMESPACE/NAME, e.g. catalog/catalog; for each {names.DNS_LABEL}"
        )
    return ServiceKey(namespace=namespace, name=name)


def label(text: str) -> str:
    """A name of the user's for what is measured; an argparse type."""
    if not names.is_label(text):
        raise argparse.ArgumentTypeError(f"{names.shown(text)} is no label: {names.LABEL}")
    return text


def choice_of(args: argparse.Namespace, io: Io) -> ClusterChoice:
    """The API server that the options of ``add_place`` name."""
    is_lab = args.platform == "lab"
    kubeconfig = args.kubeconfig
    if is_lab and kubeconfig is None:
        kubeconfig = lab_state.load(io.lab_dir).kubeconfig
    return ClusterChoice(kubeconfig=kubeconfig, context=args.context, is_lab=is_lab)


def open_cluster(args: argparse.Namespace, io: Io, *, changing: bool = False) -> LiveCluster:
    """The API server that the options name, as ``opening.open_cluster`` opens it."""
    return opening.open_cluster(choice_of(args, io), changing=changing)


def routing_session(args: argparse.Namespace, io: Io) -> RoutingSession:
    """The place that the options name, to be changed; a cluster is changed only if somebody agrees."""

    def agree(lines: Sequence[str]) -> None:
        if args.platform != "lab":
            io.agree(lines, yes=args.yes)

    return RoutingSession(
        cluster=open_cluster(args, io, changing=True),
        holds=holds_of(args, io),
        talk=Talk(say=io.say, agree=agree),
    )


def holds_of(args: argparse.Namespace, io: Io) -> Holds:
    """How Services are held on the place that the options name."""
    return this_process.holds(
        io.home,
        clock=io.clock,
        monotonic=io.monotonic,
        sleep=io.sleep,
        say=io.say,
        command=partial(restore_command, args),
    )


def restore_command(args: argparse.Namespace, key: ServiceKey) -> str:
    """What puts the Service back, as it is typed for the place that the options name."""
    options = ["--service", str(key)]
    for name in ("platform", "context", "kubeconfig"):
        value = getattr(args, name)
        if value is not None:
            options += [f"--{name}", str(value)]
    return shlex.join(["samezone", "routing", "restore", *options])


def lab_session(io: Io) -> LabSession:
    """What bringing a lab up or down uses here."""
    return LabSession(
        records=originals(io), say=io.say, monotonic=io.monotonic, as_typed=lambda path: _relative(path, io)
    )


def originals(io: Io) -> Originals:
    """The records of what Services had."""
    return Originals(io.home / this_process.ORIGINALS)


def _add_lab(verbs: "Verbs[Parser]") -> None:
    add_lab_options(verb(verbs, "up", lab_up, summary="Start the lab; returns when every part is ready."))
    verb(verbs, "down", lab_down, summary="Stop the lab; leaves no process and no port.")
    verb(verbs, "status", lab_status, summary="Print what runs and where.")
    xray_cli.add(verbs)
    life_cli.add(verbs)


def add_lab_options(up: argparse.ArgumentParser) -> None:
    """Options that describe a lab to be started."""
    up.add_argument(
        "--scenario", metavar="NAME", help=f"a .yaml file, or one of {', '.join(scenario_files.names())}"
    )
    up.add_argument("--zones", default="eu-west-1a,eu-west-1b,eu-west-1c", help="comma-separated")
    up.add_argument("--nodes-per-zone", type=int, default=1)
    up.add_argument("--ui", default="3", help="pods, or pods in each zone, e.g. 1,1,1")
    up.add_argument("--catalog", default="6", help="pods, or pods in each zone, e.g. 5,2,2")
    up.add_argument("--cross-zone-delay-ms", type=float, default=0.6, help="extra one-way latency")
    up.add_argument("--keep-alive", action="store_true", help="ui keeps its connections to catalog")
    up.add_argument("--no-sql-spans", action="store_true", help="catalog makes no spans of its queries")
    up.add_argument("--api-port", type=int, default=DEFAULT_API_PORT, help="0: any free one")
    up.add_argument("--xray-port", type=int, default=DEFAULT_XRAY_PORT, help="0: any free one")
    up.add_argument("--lab-seed", type=int, default=1, help="of pod names and the controller's choices")


def lab_settings(args: argparse.Namespace, io: Io) -> LabSettings:
    """The lab the options describe."""
    ui, catalog = _replicas("--ui", args.ui), _replicas("--catalog", args.catalog)
    settings = LabSettings(
        zones=tuple(Zone(name) for name in args.zones.split(",")),
        nodes_per_zone=args.nodes_per_zone,
        ui_replicas=sum(ui),
        catalog_replicas=sum(catalog),
        ui_per_zone=ui if len(ui) > 1 else (),
        catalog_per_zone=catalog if len(catalog) > 1 else (),
        cross_zone_delay_s=args.cross_zone_delay_ms / 1000,
        keep_alive=args.keep_alive,
        sql_spans=not args.no_sql_spans,
        api_port=args.api_port,
        xray_port=args.xray_port,
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
    return ExitCode.DONE


def lab_down(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab down``."""
    del args
    bringing.take_down(lab_session(io), io.lab_dir)
    return ExitCode.DONE


def lab_status(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab status``."""
    del args
    status = supervisor.status(io.lab_dir)
    state = status.state
    io.write(f"lab         {status.health.value}{': ' + status.detail if status.detail else ''}")
    if state is not None:
        io.write(f"API server  {state.api_url}")
        io.write(f"X-Ray       {state.xray_url}")
        io.write(f"logs        {_relative(io.lab_dir / 'logs', io)}")
        for child in state.children:
            process = "running" if is_running(child.process) else "ended"
            io.write(f"process     {child.name:<28} {process} (pid {child.process.pid})")
        for pod in state.pods:
            ready = "ready" if pod.ready else "not ready"
            io.write(f"pod         {pod.name:<28} {pod.zone} {ready}, {pod.restarts} restarts")
    return ExitCode.DONE if status.health is Health.UP else ExitCode.UNREACHABLE


def routing_set(args: argparse.Namespace, io: Io) -> int:
    """``samezone routing set MODE``."""
    mode = parse_mode(args.mode)
    io.require_home("originals")
    session = routing_session(args, io)
    patience = Patience(timeout_s=args.timeout, clock=io.clock, monotonic=io.monotonic, sleep=io.sleep)
    outcome = switching.switch(session, SwitchRequest(service=args.service, mode=mode, patience=patience))
    io.say(
        f"Service {args.service} in context {session.cluster.context}: {mode.value} is in force after "
        f"{outcome.waited_s:.1f} s, {outcome.hints.hinted} of {outcome.hints.endpoints} endpoints hinted"
    )
    return ExitCode.DONE


def routing_restore(args: argparse.Namespace, io: Io) -> int:
    """``samezone routing restore``: exit 4 where somebody else's setting was left."""
    session = routing_session(args, io)
    done = switching.restore(session, args.service, force=args.force)
    where = f"Service {args.service} in context {session.cluster.context}"
    for changed, manager in done.changed:
        io.say(
            f"{where}: {changed}, as {manager or 'somebody that the object does not name'} set it since: "
            f"left; to overrule: {restore_command(args, args.service)} --force"
        )
    if not done.had_record:
        io.say(f"{where}: nothing recorded, nothing changed (mode {done.mode.value})")
    elif not done.changed:
        io.say(f"{where} has what it had: mode {done.mode.value}")
    if args.expect_off or not done.had_record:
        for one in done.on:
            io.say(f"{where}: zone routing is still on: {one}; to clear it: {one.command}")
    return ExitCode.INVALID if done.changed or (args.expect_off and done.on) else ExitCode.DONE


def routing_show(args: argparse.Namespace, io: Io) -> int:
    """``samezone routing show``."""
    cluster = open_cluster(args, io)
    shown = switching.show(cluster, args.service, clock=io.clock)
    zones = ", ".join(f"{zone} {count}" for zone, count in shown.hints.by_zone) or "none"
    io.write(f"service  {args.service} (context {cluster.context})")
    io.write(f"mode     {shown.mode.value}")
    io.write(f"hints    {shown.hints.hinted} of {shown.hints.endpoints} ready endpoints; by zone: {zones}")
    for event in shown.events:
        io.write(f"event    {event.type} {event.reason}: {event.message} (x{event.count})")
    return ExitCode.DONE


def _relative(path: Path, io: Io) -> Path:
    return path.relative_to(io.folder) if path.is_relative_to(io.folder) else path
