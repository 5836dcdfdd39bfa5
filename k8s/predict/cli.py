"""``samezone routing predict``: what each routing mode would do, from a cluster or from saved files."""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from k8s.console import Io, Parser, Verbs, add_json, path, verb
from k8s.errors import ExitCode, UsageError
from k8s.live import live_scene, saved
from k8s.live.cluster import LiveCluster
from k8s.live.saved_files import Progress
from k8s.model.scene import Scene
from k8s.predict.carriage import carriage_of
from k8s.predict.clients import (
    DEFAULT_CLIENT,
    Clients,
    by_zone,
    of_pods,
    pods_of,
    pods_with,
    usual_clients,
)
from k8s.predict.predict_text import Forecast, as_data, as_text, forecast
from k8s.predict.starting_point import StartingPoint, families_of, serves_outside, shifted, starting_point
from k8s.topology import Pod, ServiceKey, Zone

_SHARE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?|\.\d{1,12})(%?)", re.ASCII)

DEFAULT_SERVICE = ServiceKey(namespace="catalog", name="catalog")
"""What is meant where nobody names a Service: the one of the lab."""
_BAR = 30
"""Characters of a progress bar."""

OpenCluster = Callable[[argparse.Namespace, Io], LiveCluster]


def add(
    verbs: "Verbs[Parser]",
    *,
    add_place: Callable[[Parser], None],
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
    add_target(parser)
    parser.add_argument(
        "--client",
        metavar="NS/NAME",
        help="who calls it: a Service or workload, or labels as NS/key=value,...; "
        f"default: {DEFAULT_CLIENT} if it is there, else clients spread like the CPUs",
    )
    parser.add_argument(
        "--weights", metavar="ZONE=SHARE,...", help="what share of the calls comes from each zone"
    )
    parser.add_argument(
        "--shift",
        metavar="ZONE",
        type=Zone,
        help="what happens during a zonal shift away from this zone (EKS, ARC)",
    )
    add_files(parser)
    add_json(parser)


def add_target(parser: Parser) -> None:
    """The Service, as kubectl's users name one; called after what adds ``--service``."""
    parser.add_argument(
        "target", nargs="?", metavar="SERVICE", help=f"as NS/NAME; default: {DEFAULT_SERVICE}"
    )
    # None tells a Service that somebody typed from the one that is meant where nobody is named.
    parser.set_defaults(service=None)
    parser.add_argument("-n", "--namespace", metavar="NS", help="its namespace, if SERVICE is only its name")


def add_files(parser: Parser) -> None:
    """Where a saved place lies."""
    parser.section("from files").add_argument(
        "--from",
        dest="saved",
        type=path,
        nargs="+",
        action="extend",
        metavar="FILE",
        help="files or folders saved from a cluster (e.g. a must-gather); - is standard input",
    )


def scene_of(args: argparse.Namespace, io: Io, open_cluster: OpenCluster) -> Scene:
    """The place that the options name."""
    if args.saved:
        return saved.read(args.saved, progress=progress_on(io))
    return live_scene.read(open_cluster(args, io), taken_at_s=io.clock())


def progress_on(io: Io) -> Progress | None:
    """A bar on the terminal for a large file; None where nobody sits before one."""
    if not io.err.isatty():
        return None

    def show(name: str, share: float) -> None:
        done = round(share * _BAR)
        end = "\n" if share >= 1 else ""
        print(
            f"\rreading {name} [{'#' * done}{'.' * (_BAR - done)}] {share:.0%}",
            end=end,
            file=io.err,
            flush=True,
        )

    return show


def target_of(args: argparse.Namespace, verb_name: str) -> ServiceKey:
    """The Service that was asked for; UsageError for what is no name of one, or two that differ."""
    namespace: str | None = args.namespace
    typed: ServiceKey | None = args.service
    if args.target is None:
        if namespace is not None and typed is None:
            raise UsageError(f"routing {verb_name}: -n {namespace}: name the SERVICE, too")
        key = typed or DEFAULT_SERVICE
    elif namespace is not None and "/" not in args.target:
        key = key_of("SERVICE", f"{namespace}/{args.target}", verb_name)
    else:
        key = key_of("SERVICE", args.target, verb_name)
    if namespace not in (None, key.namespace):
        raise UsageError(f"routing {verb_name}: {key} is not in the namespace of -n {namespace}; give one")
    if typed not in (None, key):
        raise UsageError(f"routing {verb_name}: SERVICE {key} and --service {typed} differ; give one")
    return key


def key_of(what: str, text: str, verb_name: str = "doctor") -> ServiceKey:
    """``namespace/name``; UsageError names *what* it was given for."""
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise UsageError(
            f"routing {verb_name}: {what} {text!r} is not NAMESPACE/NAME, e.g. catalog/catalog"
            + (" (or give -n NAMESPACE)" if what == "SERVICE" and not slash else "")
        )
    return ServiceKey(namespace=namespace, name=name)


def routing_predict(args: argparse.Namespace, io: Io, open_cluster: OpenCluster) -> int:
    """``samezone routing predict``."""
    scene = scene_of(args, io, open_cluster)
    key = target_of(args, "predict")
    first, *others = _forecasts(args, scene, key)
    if args.json:
        data = as_data(scene.source, first)
        data["other_families"] = [as_data(scene.source, one) for one in others]
        io.write(json.dumps(data, indent=2))
        return ExitCode.DONE
    for line in as_text(scene.source, first):
        io.lay(line)
    for one in others:
        io.write(f"\n{one.start.address_type}:")
        for line in as_text(scene.source, one):
            io.lay(line)
    return ExitCode.DONE


def _forecasts(args: argparse.Namespace, scene: Scene, key: ServiceKey) -> list[Forecast]:
    """One for each address family, the Service's first one first."""
    clients = _clients(args, scene, key)
    first = starting_point(scene, key, clients)
    families = families_of(first.service, scene.snapshot)
    starts = [first, *(starting_point(scene, key, clients, family=family) for family in families[1:])]
    if args.shift is not None:
        starts = _under_shift(starts, args.shift)
    return [forecast(one) for one in starts]


def _under_shift(starts: Sequence[StartingPoint], zone: Zone) -> list[StartingPoint]:
    """The first must have endpoints elsewhere; of another family that has none it is said."""
    first, *others = starts
    kept, notes = [shifted(first, zone)], list[str]()
    for one in others:
        if serves_outside(one, zone):
            kept.append(shifted(one, zone))
        else:
            notes.append(
                f"{one.address_type}: no endpoint outside {zone}, so connections by it are refused then"
            )
    return [replace(kept[0], notes=(*kept[0].notes, *notes)), *kept[1:]]


def _clients(args: argparse.Namespace, scene: Scene, key: ServiceKey) -> Clients:
    nodes, carriage = scene.snapshot.nodes, carriage_of(scene)
    if args.weights is not None:
        named = _named(args.client, scene) if args.client else ()
        return by_zone(weights_of(args.weights), nodes, named, carriage)
    if args.client:
        return of_pods(_named(args.client, scene), nodes, args.client, carriage)
    return usual_clients(scene.snapshot, key, carriage)


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
    signs: set[str] = set()
    for part in text.split(","):
        zone, equals, share = part.strip().partition("=")
        number = _SHARE.fullmatch(share.strip())
        if not (zone and equals and number) or zone in weights:
            raise UsageError(f"--weights: {part!r}: give each zone once, as ZONE=SHARE, e.g. eu-west-1a=0.7")
        weights[Zone(zone)] = Fraction(number[1])
        signs.add(number[2])
    if len(signs) > 1:
        raise UsageError(f"--weights {text!r}: give all shares with a percent sign, or none")
    return weights
