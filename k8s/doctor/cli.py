"""``samezone routing doctor``: why zone routing does not work, from a cluster or from saved files."""

import argparse
import json
from collections.abc import Callable

from k8s.commandline.quantities import lower
from k8s.console import Io, Parser, Verbs, add_json, verb
from k8s.doctor.doctor_text import FIX, as_data, as_text, table, table_data
from k8s.doctor.examination import diagnose
from k8s.doctor.place import place_of
from k8s.doctor.survey import survey_of, unhealthy
from k8s.errors import ExitCode, UsageError
from k8s.live import saved
from k8s.model.scene import Scene
from k8s.predict.cli import OpenCluster, add_files, add_target, key_of, scene_of, target_of
from k8s.routing.modes import RoutingMode, choices, parse_mode

_POOLS = {"yes": True, "no": False, "unknown": None}


def add(
    verbs: "Verbs[Parser]",
    *,
    add_place: Callable[[Parser], None],
    open_cluster: OpenCluster,
) -> None:
    """Add the verb to those of ``routing``; *add_place* and *open_cluster* are the ones of ``k8s/cli.py``."""

    def command(args: argparse.Namespace, io: Io) -> int:
        return routing_doctor(args, io, open_cluster)

    parser = verb(
        verbs,
        "doctor",
        command,
        summary="Why zone routing does not work, with the smallest fix; changes nothing.",
        description="Examine a Service: what is wrong, how it shows, and what mends it. Ends with 4 if there "
        "is a problem, with 0 if there are only risks and notes. Reads the cluster, or files saved with: "
        + saved.SAVE,
    )
    add_place(parser)
    add_target(parser)
    parser.add_argument("--all", action="store_true", help="one line for each Service that has endpoints")
    parser.add_argument(
        "--client", metavar="NS/NAME", help="who calls it: a pod or a workload; default: anybody"
    )
    parser.add_argument(
        "--mode",
        type=_mode,
        metavar="MODE",
        help=f"as if this mode were set: {choices()}",
    )
    parser.add_argument(
        "--pools",
        type=lower,
        choices=sorted(_POOLS),
        default="unknown",
        help="do clients keep connections open?",
    )
    add_files(parser)
    add_json(parser)


def _mode(text: str) -> RoutingMode:
    try:
        return parse_mode(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def routing_doctor(args: argparse.Namespace, io: Io, open_cluster: OpenCluster) -> int:
    """``samezone routing doctor``."""
    if args.all and (args.target or args.service or args.client or args.mode):
        raise UsageError("routing doctor: --all takes no SERVICE, --service, --client or --mode")
    scene = scene_of(args, io, open_cluster)
    return examine_all(scene, args, io) if args.all else examine_one(scene, args, io)


def examine_all(scene: Scene, args: argparse.Namespace, io: Io) -> int:
    """The table."""
    place = place_of(scene)
    rows = survey_of(place, namespace=args.namespace)
    blind = [gap for gap in scene.gaps if gap.startswith(("nodes:", "endpointslices:", "services:"))]
    if args.json:
        io.write(json.dumps(table_data(rows, source=scene.source, gaps=scene.gaps), indent=2))
    else:
        for line in table(rows, source=scene.source, gaps=scene.gaps):
            io.lay(line)
    # Without them nothing decides: an empty table is then no clean bill.
    return ExitCode.INVALID if unhealthy(rows) or blind else ExitCode.DONE


def examine_one(scene: Scene, args: argparse.Namespace, io: Io) -> int:
    """One Service."""
    diagnosis = diagnose(
        place_of(scene),
        target_of(args, "doctor"),
        key_of("--client", args.client) if args.client else None,
        store_pools=_POOLS[args.pools],
        wanted=args.mode,
    )
    if args.json:
        io.write(json.dumps(as_data(diagnosis, source=scene.source, gaps=scene.gaps), indent=2))
    else:
        for line in as_text(diagnosis, source=scene.source, gaps=scene.gaps):
            # A command is copied as it stands.
            (io.write if line.startswith(FIX) else io.lay)(line)
    return ExitCode.DONE if diagnosis.healthy else ExitCode.INVALID
