"""``samezone routing predict``: what each routing mode would do, from a cluster or from saved files."""

import argparse
import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import ExitCode, UsageError
from k8s.live import live_scene, saved
from k8s.live.cluster import LiveCluster
from k8s.model.scene import Scene
from k8s.predict.clients import Clients, by_cpu, by_zone, of_pods, pods_of, pods_with
from k8s.predict.predict_text import as_data, as_text
from k8s.predict.prediction import predict_all, situation
from k8s.topology import Pod, ServiceKey, Zone

DEFAULT_CLIENT = ServiceKey(namespace="ui", name="ui")
"""Whose pods are taken as clients where there are such and nobody is named; else CPU decides."""
_SHARE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?|\.\d{1,12})%?", re.ASCII)

OpenCluster = Callable[[argparse.Namespace, Io], LiveCluster]


def add(
    verbs: "Verbs[Parser]",
    *,
    add_place: Callable[[argparse.ArgumentParser], None],
    open_cluster: OpenCluster,
) -> None:
    """Add the verb to those of ``routing``; *add_place* and *open_cluster* are the ones of ``k8s/cli.py``."""

    def command(args: argparse.Namespace, io: Io) -> int:
        return routing_predict(args, io, open_cluster)

    parser = verb(
        verbs,
        "predict",
        command,
        summary="What each routing mode would do here; changes nothing.",
        description="What each routing mode would do to a Service: hints, expected same-zone share of new "
        "connections, load of the endpoints. Reads the cluster, or files saved with: " + saved.SAVE,
    )
    add_place(parser)
    parser.add_argument(
        "--client",
        metavar="NS/NAME",
        help="who calls it: a Service's or workload's name, or labels as NS/key=value,...; "
        f"default: {DEFAULT_CLIENT} where it runs, else clients in proportion to CPU",
    )
    parser.add_argument(
        "--weights", metavar="ZONE=SHARE,...", help="share of the calls that come from each zone"
    )
    parser.add_argument(
        "--from", dest="saved", type=Path, nargs="+", action="extend", metavar="FILE", help="saved files"
    )
    parser.add_argument("--json", action="store_true", help="print data instead of tables")


def routing_predict(args: argparse.Namespace, io: Io, open_cluster: OpenCluster) -> int:
    """``samezone routing predict``."""
    if args.saved:
        scene = saved.read(args.saved)
    else:
        scene = live_scene.read(open_cluster(args, io), taken_at_s=io.clock())
    found = situation(scene, args.service, _clients(args, scene))
    predictions = predict_all(found)
    if args.json:
        io.write(json.dumps(as_data(scene.source, found, predictions), indent=2))
    else:
        for line in as_text(scene.source, found, predictions):
            io.write(line)
    return ExitCode.DONE


def _clients(args: argparse.Namespace, scene: Scene) -> Clients:
    nodes = scene.snapshot.nodes
    if args.weights is not None:
        return by_zone(weights_of(args.weights), nodes, _named(args.client, scene) if args.client else ())
    if args.client:
        return of_pods(_named(args.client, scene), nodes, args.client)
    usual = () if args.service == DEFAULT_CLIENT else pods_of(scene.snapshot, DEFAULT_CLIENT)
    if any(pod.ready and pod.node for pod in usual):
        return of_pods(usual, nodes, str(DEFAULT_CLIENT))
    return by_cpu(nodes)


def _named(text: str, scene: Scene) -> tuple[Pod, ...]:
    """The pods that ``--client`` names."""
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name):
        raise UsageError(f"--client {text!r}: give NAMESPACE/NAME or NAMESPACE/key=value,... e.g. ui/ui")
    if "=" not in name:
        return pods_of(scene.snapshot, ServiceKey(namespace=namespace, name=name))
    labels = [part.partition("=") for part in name.split(",")]
    return pods_with(scene.snapshot, namespace, tuple((key, value) for key, _, value in labels))


def weights_of(text: str) -> dict[Zone, Fraction]:
    """The ``--weights``: ``eu-west-1a=0.7,eu-west-1b=0.3``, on any scale; UsageError says what is off."""
    weights: dict[Zone, Fraction] = {}
    for part in text.split(","):
        zone, equals, share = part.strip().partition("=")
        number = _SHARE.fullmatch(share.strip())
        if not (zone and equals and number) or zone in weights:
            raise UsageError(f"--weights: {part!r}: give each zone once, as ZONE=SHARE, e.g. eu-west-1a=0.7")
        weights[Zone(zone)] = Fraction(number[1])
    return weights
