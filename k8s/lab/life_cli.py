"""``samezone lab zone|pod|scale|node|delay``: things that happen to a running lab."""

import argparse

from k8s.commandline.quantities import seconds
from k8s.console import Io, Parser, Verbs, group, verb
from k8s.effects import Patience
from k8s.errors import ExitCode
from k8s.lab import processes, state
from k8s.lab.apiclient.api import LabApi
from k8s.lab.asking import delays_of
from k8s.lab.design import marks
from k8s.lab.life import Life
from k8s.lab.nodes.kubelet import rfc3339_now
from k8s.model import names
from k8s.model.quantity import cpu_milli
from k8s.topology import ServiceKey, Zone

TIMEOUT_S = 30.0
_FAIL = (
    "Power loss in a zone. Its pods stand still: connections to them, open and new, get no answer, so that "
    "callers run into their own time-outs, until after a second the node is found NotReady and its endpoints "
    "leave the rules. What the pods held is lost. Relays, and the workers of a load test, go on."
)


def add(verbs: "Verbs[Parser]") -> None:
    """Add these verbs to those of ``lab``."""
    fail, heal = _add_zone(verbs)
    pod = group(verbs, "pod", summary="Let a pod die.")
    kill = verb(pod, "kill", pod_kill, summary="SIGKILL a pod's process; its kubelet starts it again.")
    kill.add_argument("pod", metavar="POD", help="its name, as kubectl get pods -A shows it")
    kill.add_argument(
        "-n", "--namespace", metavar="NS", help="its namespace, if pods of several have the name"
    )
    scale = verb(verbs, "scale", lab_scale, summary="Change the number of a workload's pods.")
    scale.add_argument(
        "service", type=_service, metavar="SERVICE", help="as NS/NAME, or NAME if both are the same"
    )
    scale.add_argument("replicas", type=int, metavar="N", help="how many pods")
    node = group(verbs, "node", summary="Add a node, or take its zone label.")
    add_ = verb(node, "add", node_add, summary="A new machine joins the lab.")
    add_.add_argument("--zone", type=Zone, required=True, metavar="ZONE", help="where it stands")
    add_.add_argument("--cpu", default="4", metavar="CPU", help="allocatable CPU, e.g. 2 or 1930m")
    add_.add_argument("--name", type=_name, metavar="NODE", help="default: the next node-LETTER-NUMBER")
    unlabel = verb(
        node, "unlabel", node_unlabel, summary="Take a node's zone label: hints go for all Services."
    )
    unlabel.add_argument("node", type=_name, metavar="NODE", help="e.g. node-a-1")
    delay = verb(verbs, "delay", lab_delay, summary="Set the one-way latency between two zones.")
    delay.add_argument("one", type=Zone, metavar="ZONE", help="e.g. eu-west-1a")
    delay.add_argument("other", type=Zone, metavar="ZONE", help="e.g. eu-west-1b")
    delay.add_argument(
        "seconds", type=seconds, metavar="TIME", help="of each way, for new connections; e.g. 5ms"
    )
    for parser in (fail, heal, scale, add_, delay):
        parser.add_argument(
            "--timeout", type=seconds, default=TIMEOUT_S, metavar="TIME", help="how long to wait"
        )


def _add_zone(verbs: "Verbs[Parser]") -> tuple[Parser, Parser]:
    """What fails, and what heals it."""
    zone = group(verbs, "zone", summary="Let a zone fail, or heal it.")
    fail = verb(
        zone,
        "fail",
        zone_fail,
        summary="Power loss in a zone: its nodes fall silent.",
        description=_FAIL,
    )
    what = fail.add_mutually_exclusive_group()
    what.add_argument(
        "--nodes",
        dest="outage",
        action="store_const",
        const=marks.NODES,
        default=marks.NODES,
        help="the nodes lose power: what happens by default",
    )
    what.add_argument(
        "--pods",
        dest="outage",
        action="store_const",
        const=marks.PODS,
        help="the pods hang and the nodes stay Ready: three failed probes later their endpoints leave",
    )
    what.add_argument(
        "--shift",
        dest="outage",
        action="store_const",
        const=marks.SHIFT,
        help="nothing fails: a zonal shift cordons the nodes and takes their endpoints out of the slices",
    )
    heal = verb(zone, "heal", zone_heal, summary="Power is back: the pods start anew (after --pods: go on).")
    for parser in (fail, heal):
        parser.add_argument("zone", type=Zone, metavar="ZONE", help="e.g. eu-west-1b")
    return fail, heal


def zone_fail(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab zone fail ZONE``."""
    names = ", ".join(_life(args, io).fail_zone(args.zone, args.outage))
    if args.outage == marks.NODES:
        io.say(f"zone {args.zone} has failed: {names} NotReady, no pod there is ready")
    elif args.outage == marks.SHIFT:
        io.say(f"traffic is shifted away from {args.zone}: {names} cordoned and Ready, no endpoint there")
    else:
        io.say(f"the pods in zone {args.zone} hang: none is ready; {names} stay Ready")
    return ExitCode.DONE


def zone_heal(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab zone heal ZONE``."""
    names = _life(args, io).heal_zone(args.zone)
    io.say(f"zone {args.zone} is back: {', '.join(names)} and their pods are ready")
    return ExitCode.DONE


def pod_kill(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab pod kill POD``."""
    process = _life(args, io).kill_pod(args.pod, args.namespace)
    io.say(f"pod {args.pod}: process {process.pid} killed; its kubelet starts it again")
    return ExitCode.DONE


def lab_scale(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab scale SERVICE N``."""
    before = _life(args, io).scale(args.service, args.replicas)
    io.say(f"Deployment {args.service}: {before} -> {args.replicas} pods, all available")
    return ExitCode.DONE


def node_add(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab node add --zone ZONE``."""
    milli = cpu_milli(args.cpu)
    name = _life(args, io).add_node(args.zone, milli, args.name, rfc3339_now())
    io.say(f"node {name} has joined in {args.zone} with {milli}m CPU; the next pods may go there")
    return ExitCode.DONE


def node_unlabel(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab node unlabel NODE``."""
    zone = _life(args, io).unlabel_node(args.node)
    io.say(
        f"node {args.node} has no zone label any more; back with: "
        f"kubectl label node {args.node} topology.kubernetes.io/zone={zone}"
    )
    return ExitCode.DONE


def lab_delay(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab delay ZONE ZONE SECONDS``."""
    _life(args, io).set_delay(args.one, args.other, args.seconds)
    io.say(f"{args.one} <-> {args.other}: {args.seconds * 1000:g} ms one way, for new connections")
    return ExitCode.DONE


def _life(args: argparse.Namespace, io: Io) -> Life:
    return life_of(io, timeout_s=getattr(args, "timeout", TIMEOUT_S))


def life_of(io: Io, *, timeout_s: float) -> Life:
    """The running lab, to be changed."""
    found = state.load(io.lab_dir)
    patience = Patience(timeout_s=timeout_s, clock=io.clock, monotonic=io.monotonic, sleep=io.sleep)
    return Life(
        api=LabApi(found.api_url, found.token),
        state=found,
        patience=patience,
        send=processes.send,
        wires=delays_of,
    )


def _service(text: str) -> ServiceKey:
    """``name`` stands for ``name/name``; an argparse type."""
    namespace, slash, name = text.partition("/")
    name = name if slash else namespace
    if not (names.is_dns_label(namespace) and names.is_dns_label(name)):
        raise argparse.ArgumentTypeError(
            f"{names.shown(text)} is neither a name nor NAMESPACE/NAME, e.g. catalog"
        )
    return ServiceKey(namespace=namespace, name=name)


def _name(text: str) -> str:
    """Of a node; an argparse type."""
    if not names.is_label(text):
        raise argparse.ArgumentTypeError(f"{names.shown(text)} is no name: {names.LABEL}")
    return text
