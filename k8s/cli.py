"""The verbs of the place: ``lab`` and ``routing``."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from k8s.commandline.json_text import as_json
from k8s.commandline.quantities import lower, seconds
from k8s.console import Io, Parser, Verbs, add_json, group, path, verb
from k8s.doctor import cli as doctor_cli
from k8s.effects import Patience, Talk
from k8s.eks import cli as eks_cli
from k8s.eks import kind_cli
from k8s.errors import ExitCode
from k8s.lab import bring_cli
from k8s.lab import state as lab_state
from k8s.live import opening, switching, this_process
from k8s.live.cluster import LiveCluster
from k8s.live.holding import Holds
from k8s.live.opening import ClusterChoice
from k8s.live.several import each_of, switch_services
from k8s.live.switching import PutBack, RoutingSession, RoutingShown
from k8s.model import names
from k8s.predict import cli as predict_cli
from k8s.routing.modes import RoutingMode, choices, parse_mode
from k8s.topology import ServiceKey

PLATFORMS = ("lab", "cluster")
HINTS_TIMEOUT_S = 30.0


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs of this room."""
    elsewhere = {"fail": "zone fail", "heal": "zone heal", "kill": "pod kill"}
    summary = "The lab: three zones with an app, on this machine."
    bring_cli.add(group(verbs, "lab", summary=summary, elsewhere=elsewhere))
    routing = group(verbs, "routing", summary="Which endpoints a Service prefers: set, show, explain.")
    setter = verb(routing, "set", routing_set, summary="Set a routing mode and wait for its hints.")
    add_mode(setter)
    setter.add_argument(
        "--timeout", type=seconds, default=HINTS_TIMEOUT_S, metavar="TIME", help="how long to wait for hints"
    )
    restorer = verb(routing, "restore", routing_restore, summary="Give the Service back what it had.")
    restorer.add_argument(
        "--force",
        action="store_true",
        help="also undo what somebody else changed since, even while a run holds the Service",
    )
    restorer.add_argument(
        "--expect-off",
        action="store_true",
        help="end with 4 if zone routing is still on afterwards, and say why",
    )
    shower = verb(routing, "show", routing_show, summary="Print the mode in force, and its hints.")
    add_place(setter, several=True)
    add_place(restorer, several=True)
    add_place(shower, several=True, changing=False)
    for one in (setter, restorer, shower):
        add_json(one)
    looking = partial(add_place, changing=False)
    predict_cli.add(routing, add_place=looking, open_cluster=open_cluster)
    doctor_cli.add(routing, add_place=looking, open_cluster=open_cluster)
    eks_cli.add(verbs)
    kind_cli.add(verbs)


def add_mode(parser: Parser, *, without: RoutingMode | None = None) -> None:
    """The routing mode that a verb is about; a shell completes it."""
    action = parser.add_argument("mode", metavar="MODE", help=choices(without=without))
    known = [mode.value for mode in RoutingMode if mode is not without]
    action.completer = lambda **_: known  # type: ignore[attr-defined]  # argcomplete looks for it there


class FirstAndFurther(argparse.Action):
    """An option that may be repeated: its first value is its own, further ones are under the name *const*."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep one more value."""
        del parser, option_string
        further = getattr(namespace, self.const, None)
        if further is None:
            setattr(namespace, self.dest, values)
        setattr(namespace, self.const, () if further is None else (*further, values))


def add_where(parser: Parser) -> None:
    """Options that say where."""
    where = parser.section("where")
    where.add_argument(
        "--platform",
        type=lower,
        choices=PLATFORMS,
        default="lab",
        help="the lab on this machine, or a cluster",
    )
    where.add_argument(
        "--context",
        metavar="NAME",
        help="of the kubeconfig; default: the current one, and no other may be changed",
    )
    where.add_argument(
        "--kubeconfig", type=path, metavar="FILE", help="default: the lab's own, or the one kubectl uses"
    )


def add_place(parser: Parser, *, several: bool = False, changing: bool = True) -> None:
    """Options that say where, and which Service, or which ones; *changing*: whether it may be asked first."""
    add_where(parser)
    where = parser.section("where")
    if changing:
        where.add_argument("--yes", action="store_true", help="change a cluster without asking")
    plain: dict[str, Any] = {"type": service_key, "default": "catalog/catalog", "metavar": "NS/NAME"}
    told = "the Service whose routing is meant"
    if several:
        parser.set_defaults(also=None)
        more = f"{told}; may be repeated, for several at once"
        where.add_argument("--service", action=FirstAndFurther, const="also", help=more, **plain)
    else:
        where.add_argument("--service", help=told, **plain)


def services_of(args: argparse.Namespace) -> tuple[ServiceKey, ...]:
    """The Services that the options of ``add_place`` name, each once."""
    return tuple(dict.fromkeys((args.service, *(getattr(args, "also", None) or ()))))


def service_key(text: str) -> ServiceKey:
    """``namespace/name``; an argparse type."""
    namespace, _, name = text.partition("/")
    if not (names.is_dns_label(namespace) and names.is_dns_label(name)):
        each = f"; for each {names.DNS_LABEL}" if namespace and name else ""
        raise argparse.ArgumentTypeError(
            f"{names.shown(text)} is not NAMESPACE/NAME, e.g. catalog/catalog{each}"
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


def routing_set(args: argparse.Namespace, io: Io) -> int:
    """``samezone routing set MODE``."""
    mode = parse_mode(args.mode)
    io.require_home("originals")
    session = routing_session(args, io)
    patience = Patience(timeout_s=args.timeout, clock=io.clock, monotonic=io.monotonic, sleep=io.sleep)
    found = switch_services(session, services_of(args), mode, patience)
    for service, outcome in found.items():
        io.say(
            f"Service {service} in context {session.cluster.context}: {mode.value} is in force after "
            f"{outcome.waited_s:.1f} s, {outcome.hints.hinted} of {outcome.hints.endpoints} endpoints hinted"
        )
    if args.json:
        _answer(
            session.cluster.context,
            [
                {"service": str(one), "mode": mode, "waited_s": outcome.waited_s, "hints": outcome.hints}
                for one, outcome in found.items()
            ],
            io,
        )
    return ExitCode.DONE


def routing_restore(args: argparse.Namespace, io: Io) -> int:
    """``samezone routing restore``: exit 4 where somebody else's setting was left."""
    session = routing_session(args, io)
    found = each_of(services_of(args), partial(_restored, session, args, io))
    if args.json:
        services = [
            {"service": str(one), "mode": done.mode, "restored": done.had_record and not done.changed}
            | {"changed_since": [str(knob) for knob, _ in done.changed], "still_on": done.on}
            for one, done in found.items()
        ]
        _answer(session.cluster.context, services, io)
    is_short = [bool(done.changed or (args.expect_off and done.on)) for done in found.values()]
    return ExitCode.INVALID if any(is_short) else ExitCode.DONE


def _restored(session: RoutingSession, args: argparse.Namespace, io: Io, service: ServiceKey) -> PutBack:
    """Give one back what it had, and say so."""
    done = switching.restore(session, service, force=args.force)
    where = f"Service {service} in context {session.cluster.context}"
    for changed, manager in done.changed:
        io.say(
            f"{where}: {changed}, as {manager or 'somebody that the object does not name'} set it since: "
            f"left; to overrule: {restore_command(args, service)} --force"
        )
    if not done.had_record:
        io.say(f"{where}: nothing recorded, nothing changed (mode {done.mode.value})")
    elif not done.changed:
        io.say(f"{where} has what it had: mode {done.mode.value}")
    if args.expect_off or not done.had_record:
        for one in done.on:
            io.say(f"{where}: zone routing is still on: {one}; to clear it: {one.command}")
    return done


def _answer(context: str, services: Sequence[Mapping[str, Any]], io: Io) -> None:
    """What the verbs of ``routing`` tell a program: the place, and each Service."""
    io.write(as_json({"context": context, "services": services}))


def routing_show(args: argparse.Namespace, io: Io) -> int:
    """``samezone routing show``."""
    cluster = open_cluster(args, io)
    found = {one: switching.show(cluster, one, clock=io.clock) for one in services_of(args)}
    if args.json:
        services = [{"service": str(one), "mode": shown.mode, "seen": shown} for one, shown in found.items()]
        _answer(cluster.context, services, io)
        return ExitCode.DONE
    for service, shown in found.items():
        _show(shown, f"{service} (context {cluster.context})", io)
    return ExitCode.DONE


def _show(shown: RoutingShown, title: str, io: Io) -> None:
    zones = ", ".join(f"{zone} {count}" for zone, count in shown.hints.by_zone) or "none"
    io.write(f"service  {title}")
    io.write(f"mode     {shown.mode.value}")
    io.lay(f"hints    {shown.hints.hinted} of {shown.hints.endpoints} ready endpoints; by zone: {zones}")
    for event in shown.events:
        io.lay(f"event    {event.type} {event.reason}: {event.message} (x{event.count})")
