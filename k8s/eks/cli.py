"""``samezone cluster``: an EKS cluster made, filled and taken away."""

import argparse
import ipaddress
import re

from k8s.commandline.json_text import as_json
from k8s.commandline.quantities import seconds, workers_each
from k8s.console import Io, Parser, Verbs, add_json, group, path, verb
from k8s.effects import Talk
from k8s.eks import manifests, session
from k8s.eks.lifecycle import ClusterRequest
from k8s.eks.programs import Programs
from k8s.eks.session import DeployRequest, DestroyRequest, EksSession
from k8s.errors import ExitCode, UsageError

DEFAULT_NAME = "tar-demo-cluster"
DEFAULT_REGION = "eu-west-1"
DEFAULT_OVERLAY = "simple"
DEFAULT_TIMEOUT_S = 900.0
PRIVATE = "none"
WIDEST_PREFIX = 20
"""Bits of the widest range that the module opens the API to."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}")


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs."""
    cluster = group(verbs, "cluster", summary="An EKS cluster to measure on, by Terraform.")
    creator = _add_creator(cluster)
    deployer = verb(cluster, "deploy", deploy_command, summary="Apply the manifests and wait for the pods.")
    deployer.add_argument(
        "--overlay", default=DEFAULT_OVERLAY, metavar="NAME", help=f"one of {', '.join(manifests.overlays())}"
    )
    deployer.add_argument(
        "--place",
        type=path,
        metavar="FILE",
        help="a place.env, for a cluster that was not made here; default: what Terraform says",
    )
    deployer.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="TIME",
        help="how long to wait for the operator, and then for the Deployments",
    )
    deployer.add_argument(
        "--locustfile", type=path, metavar="FILE", help="your own Locust users, for loads that ask for them"
    )
    deployer.add_argument(
        "--workers",
        type=workers_each,
        default=1,
        metavar="N",
        help="load generators a zone, a core each",
    )
    destroyer = verb(
        cluster,
        "destroy",
        destroy_command,
        summary="Remove manifests and cluster; says what it leaves, then asks.",
    )
    remover = verb(cluster, "undeploy", undeploy_command, summary="Remove the manifests; the cluster stays.")
    shower = verb(cluster, "status", status_command, summary="Print our pods and their zones.")
    add_json(shower)
    for parser in (deployer, remover):
        parser.add_argument("--yes", action="store_true", help="do not ask")
    for parser in (remover, shower):
        parser.add_argument("--context", metavar="NAME", help="only if this is kubectl's current context")
    for parser in (creator, deployer, destroyer):
        parser.add_argument(
            "--name", type=cluster_name, default=DEFAULT_NAME, metavar="NAME", help="of the cluster"
        )
    for parser in (creator, destroyer):
        parser.add_argument("--yes", action="store_true", help="do not ask")
    for parser in (deployer, destroyer):
        parser.add_argument("--context", metavar="NAME", help="only if this is kubectl's current context")


def _add_creator(cluster: "Verbs[Parser]") -> Parser:
    creator = verb(
        cluster,
        "create",
        create_command,
        summary="Make the cluster; shows what it costs, then asks.",
    )
    creator.add_argument(
        "--cidr",
        type=cidr,
        action="append",
        metavar="RANGE",
        help=f"who may reach the API, e.g. 203.0.113.7/32; may be repeated; {PRIVATE}: nobody from outside",
    )
    creator.add_argument("--region", default=DEFAULT_REGION, metavar="NAME", help="of AWS")
    creator.add_argument(
        "--nodes", type=int, metavar="N", help="nodes in each of the three zones; default: 2"
    )
    creator.add_argument(
        "--instance-type", metavar="TYPE", help="kind of machine for the nodes; default: m6i.xlarge"
    )
    creator.add_argument(
        "--var-file", type=path, metavar="FILE", help="more variables for the Terraform module"
    )
    return creator


def cidr(text: str) -> str:
    """An IPv4 range that the API may be opened to, or ``none``; an argparse type."""
    if text == PRIVATE:
        return text
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{error}; give a range such as 203.0.113.7/32, or {PRIVATE}"
        ) from None
    if network.prefixlen < WIDEST_PREFIX:
        raise argparse.ArgumentTypeError(
            f"{text} is wider than /{WIDEST_PREFIX}: name who may reach the API, e.g. 203.0.113.7/32"
        )
    return str(network)


def cluster_name(text: str) -> str:
    """A cluster's name, which is a folder's too; an argparse type."""
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: a lower-case letter, then at most 38 lower-case letters, digits and hyphens"
        )
    return text


def create_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone cluster create``."""
    if not args.cidr:
        raise UsageError(
            "cluster create: say who may reach the cluster's API: --cidr RANGE (make cluster CIDR=RANGE), "
            "e.g. your own address as 203.0.113.7/32 (curl https://checkip.amazonaws.com), or none"
        )
    if PRIVATE in args.cidr and len(args.cidr) > 1:
        raise UsageError(f"cluster create: --cidr {PRIVATE} and ranges contradict each other")
    request = ClusterRequest(
        name=args.name,
        region=args.region,
        cidrs=tuple(one for one in args.cidr if one != PRIVATE),
        nodes=args.nodes,
        instance_type=args.instance_type,
        var_file=args.var_file,
    )
    session.create(_session(args, io), request)
    return ExitCode.DONE


def deploy_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone cluster deploy``."""
    request = DeployRequest(
        name=args.name,
        overlay=args.overlay,
        place=args.place,
        context=args.context,
        timeout_s=args.timeout,
        locustfile=args.locustfile,
        workers=args.workers,
    )
    session.deploy(_session(args, io), request)
    return ExitCode.DONE


def destroy_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone cluster destroy``."""
    session.destroy(_session(args, io), DestroyRequest(name=args.name, context=args.context))
    return ExitCode.DONE


def undeploy_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone cluster undeploy``."""
    session.undeploy(_session(args, io), args.context)
    return ExitCode.DONE


def status_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone cluster status``: one line a pod of ours, by the zone it is in."""
    shown = session.pods(_session(args, io), args.context)
    if args.json:
        data = {"context": shown.cluster.context, "server": shown.cluster.server, "pods": shown.lines}
        io.write(as_json(data))
        return ExitCode.DONE
    io.write(f"context  {shown.cluster.context}")
    io.write(f"cluster  {shown.cluster.server}")
    for line in shown.lines:
        io.write(line)
    return ExitCode.DONE


def _session(args: argparse.Namespace, io: Io) -> EksSession:
    """The verbs that change nothing have no ``--yes``."""
    yes = getattr(args, "yes", False)
    return EksSession(
        clusters=io.home / "clusters",
        programs=Programs(io.environment),
        talk=Talk(say=io.say, agree=lambda lines: io.agree(lines, yes=yes)),
        clock=io.clock,
        monotonic=io.monotonic,
        sleep=io.sleep,
    )
