"""``samezone observe``: what crosses zones now, with no load and nothing changed."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

import k8s.cli
import loadtest.cli
from analysis import terms_cli
from analysis.observe import contrast, moments, stored_graphs
from analysis.observe.live_place import LivePlace
from analysis.observe.nowhere import Nowhere
from analysis.observe.observed import Observation, Scope
from analysis.observe.observing import (
    Looked,
    ObservedPlace,
    ObserveRequest,
    ObserveSession,
    keep,
    observe,
    read_observation,
)
from analysis.observe.reading import FILES, Gathered, keys_missing, observation
from analysis.observe.stored_graphs import StoredGraph
from analysis.report import formats
from analysis.report.observation import console
from analysis.source import cli as source_cli
from analysis.source.choice import SourceChoice
from analysis.source.collect import GraphFile
from analysis.source.facts import Facts
from analysis.source.registry import READERS, reader_of
from k8s.commandline.json_text import as_json
from k8s.console import Io, Parser, Verbs, add_json, add_open, path, verb
from k8s.effects import steady
from k8s.errors import ExitCode, UnreachableError, UsageError
from k8s.lab import state as lab_state
from k8s.model import names
from k8s.model.scene import Scene
from k8s.predict.cli import add_files
from k8s.topology import Snapshot
from loadtest import rundir
from loadtest.record import Place, Window
from loadtest.swarm.cluster_platform import REGION_LABEL, ClusterPlatform
from loadtest.swarm.lab_platform import LabPlatform

_DEFAULT_SINCE: Final = "10m"


def add(verbs: "Verbs[Parser]") -> None:
    """The verb."""
    parser = verb(
        verbs,
        "observe",
        observe_command,
        summary="Only look at the traffic there is; nothing is changed.",
        description="Which calls cross zones, what they cost and whether a Service setting would change it, "
        "from the traces and the cluster as they are: no load, nothing changed. Observed, not controlled.",
    )
    k8s.cli.add_where(parser)
    _add_options(parser)


def _add_options(parser: Parser) -> None:
    add_json(parser)
    add_open(parser)
    when = parser.section("when").add_mutually_exclusive_group()
    when.add_argument("--for", dest="wait", metavar="TIME", help="from now on for so long, e.g. 10m")
    when.add_argument(
        "--since", metavar="TIME", help=f"from so long ago until now; default: {_DEFAULT_SINCE}"
    )
    when.add_argument("--window", metavar="FROM/TO", help="between two times, e.g. 2026-11-28T10:00:00Z/...")
    which = parser.section("which calls")
    which.add_argument(
        "--service",
        type=k8s.cli.service_key,
        action="append",
        default=[],
        metavar="NS/NAME",
        help="only calls of this Service; may be repeated",
    )
    which.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        type=_namespace,
        metavar="NS",
        help="only calls in this namespace; may be repeated",
    )
    which.add_argument("--all-namespaces", action="store_true", help="every namespace, as without -n")
    files = parser.section("from files")
    files.add_argument(
        "--graph", type=path, metavar="FILE", help="a saved service graph, instead of a live one"
    )
    files.add_argument("--traces", type=path, metavar="FILE", help="saved traces that belong to --graph")
    add_files(parser)
    kept = parser.section("what is kept")
    kept.add_argument(
        "--against", type=path, metavar="FOLDER", help="an earlier observation, to compare with"
    )
    kept.add_argument(
        "--runs", type=path, default=Path("runs"), metavar="FOLDER", help="where run folders are made"
    )
    terms_cli.add_byte_options(parser)
    source_cli.add_options(parser)


def _namespace(text: str) -> str:
    if not names.is_dns_label(text):
        raise argparse.ArgumentTypeError(f"{names.shown(text)} is no namespace: {names.DNS_LABEL}")
    return text


def observe_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone observe``; with ``--against`` the differences follow."""
    earlier = None if args.against is None else read_observation(args.against)
    looked = _stored(args, io) if args.graph is not None else _live(args, io)
    beside = None if earlier is None else contrast.contrast(earlier, looked.observation)
    finish(looked.observation, looked.folder, io, is_json=args.json, is_open=args.open, beside=beside)
    return ExitCode.DONE


def finish(
    found: Observation,
    folder: Path,
    io: Io,
    *,
    is_json: bool = False,
    is_open: bool = False,
    beside: contrast.Contrast | None = None,
) -> int:
    """Write the reports, print the table or all data, say where they are; *beside* an earlier one, too."""
    for name, content in formats.documents(found, formats.OBSERVATION):
        rundir.write_bytes(folder / name, content)
    if is_json:
        io.write(as_json(found if beside is None else {"observation": found, "against": beside}))
    else:
        Console(file=io.out, highlight=False).print(console.observation(found))
    io.show(folder / formats.PAGE, is_wanted=is_open)
    if beside is not None and not is_json:
        _print_contrast(beside, io)
    return ExitCode.DONE


def compare_observations(before: Path, afters: Sequence[Path], io: Io, *, is_json: bool) -> int:
    """Observed folders beside an earlier one: the caveat first, then each pair's difference.

    As JSON, one is an object, and several are a list.
    """
    earlier = read_observation(before)
    found = [contrast.contrast(earlier, read_observation(one)) for one in afters]
    if is_json:
        io.write(as_json(found[0] if len(found) == 1 else found))
    else:
        for one in found:
            _print_contrast(one, io)
    return ExitCode.DONE


def _print_contrast(found: contrast.Contrast, io: Io) -> None:
    Console(file=io.out, highlight=False).print(console.contrast(found))


def _scope(args: argparse.Namespace) -> Scope:
    if args.all_namespaces and args.namespace:
        raise UsageError("observe: give -n or --all-namespaces, not both")
    return Scope(namespaces=tuple(dict.fromkeys(args.namespace)), services=tuple(dict.fromkeys(args.service)))


def _live(args: argparse.Namespace, io: Io) -> Looked:
    if args.saved or args.traces:
        raise UsageError("observe: --from and --traces belong to --graph; give the saved graph, too")
    clock = steady(io.clock, io.monotonic)
    wait_s, window = _when(args, clock())
    request = ObserveRequest(
        wait_s=wait_s,
        window=window,
        scope=_scope(args),
        assumed=terms_cli.assumed_of(args),
        runs=args.runs,
        reach=_reach(args),
    )
    opener = source_cli.opener_of(args, io)
    session = ObserveSession(
        open_place=partial(_place_or_none, args, io, opener.choice, clock),
        open_source=opener,
        clock=clock,
        sleep=io.sleep,
        say=io.say,
        versions=loadtest.cli.versions(),
    )
    return observe(session, request)


def _reach(args: argparse.Namespace) -> tuple[str, ...]:
    """The options that say where the place is and who counts, as they would be typed again."""
    where = [("platform", args.platform if args.platform != "lab" else None)]
    where += [(name, getattr(args, name)) for name in ("context", "kubeconfig")]
    given = [*where, *source_cli.choice_of(args).options()]
    return tuple(
        word
        for name, value in given
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    )


def _when(args: argparse.Namespace, now_s: float) -> tuple[float | None, Window | None]:
    if args.wait is not None:
        return moments.span_s("--for", args.wait), None
    if args.window is not None:
        return None, moments.window(args.window, now_s)
    return None, moments.since(moments.span_s("--since", args.since or _DEFAULT_SINCE), now_s)


def _place_or_none(
    args: argparse.Namespace, io: Io, choice: SourceChoice, clock: Callable[[], float]
) -> ObservedPlace:
    """The place; none where there is none to be had, and the source has an address of its own.

    Such a source may state the zones itself.
    """
    try:
        place = _place(args, io)
        place.facts()
    except (UnreachableError, UsageError) as error:
        if choice.prometheus is None:
            raise
        io.say(f"no cluster is looked at ({error}); zones are those that the source states")
        return Nowhere(why=str(error), region=choice.region or "", clock=clock)
    return place


def _place(args: argparse.Namespace, io: Io) -> LivePlace:
    cluster = k8s.cli.open_cluster(args, io)
    platform: LabPlatform | ClusterPlatform
    if args.platform == "lab":
        platform = LabPlatform(
            state=lab_state.load(io.lab_dir),
            cluster=cluster,
            clock=io.clock,
            monotonic=io.monotonic,
            sleep=io.sleep,
        )
    else:
        platform = ClusterPlatform(
            cluster=cluster,
            environment=io.environment,
            clock=io.clock,
            monotonic=io.monotonic,
            sleep=io.sleep,
        )
    return LivePlace(cluster=cluster, read_facts=platform.place, clock=io.clock)


def _region(snapshot: Snapshot) -> str:
    """The one that the nodes' labels name; empty where they name none, or several."""
    found = {dict(node.labels).get(REGION_LABEL, "") for node in snapshot.nodes} - {""}
    return found.pop() if len(found) == 1 else ""


def _scene(
    args: argparse.Namespace, graph: StoredGraph, window: Window
) -> tuple[Scene, tuple[Snapshot, ...], bool]:
    """The cluster's objects; none where none are given, and the graph itself states the zones of calls."""
    if args.saved:
        return stored_graphs.scene_of(args.saved)
    counts = reader_of(graph.source, READERS).read(stored_graphs.received(graph, ()), Facts())
    if not counts.members_only or not any(one.client_zone and one.server_zone for one in counts.calls):
        raise UsageError(
            "observe --graph: give the cluster's objects, too, with --from; save them with: "
            "kubectl get nodes,pods,services,endpointslices -A -o json > saved.json"
        )
    scene = Nowhere(why="no --from is given", region="", clock=lambda: window.end_s).scene()
    return scene, (scene.snapshot,), False


def _stored(args: argparse.Namespace, io: Io) -> Looked:
    """Files alone: no cluster, no source."""
    if args.wait is not None or args.since is not None:
        raise UsageError("observe --graph: a file is of one window; --for and --since have no meaning here")
    graph = stored_graphs.graph_of(args.graph)
    window = moments.window(args.window) if args.window is not None else graph.window
    if window is None:
        raise UsageError(
            f"observe --graph {args.graph}: it does not say its window; give --window FROM/TO, since calls a "
            "second depend on it"
        )
    rows = () if args.traces is None else stored_graphs.traces_of(args.traces)
    scene, snapshots, watched = _scene(args, graph, window)
    scope = _scope(args)
    if missing := keys_missing(scene, scope):
        raise UsageError(f"observe: no Service {', '.join(map(str, missing))} in {scene.source}")
    material = Gathered(
        place=Place(
            platform=FILES,
            context=f"{args.graph}, {scene.source}",
            server="",
            version="",
            region=args.region or _region(scene.snapshot),
            zones=(),
        ),
        scene=scene,
        snapshots=snapshots,
        watched=watched,
        window=window,
        reader=reader_of(graph.source, READERS),
        received=stored_graphs.received(graph, rows),
        stable=graph.stable,
        scope=scope,
        assumed=terms_cli.assumed_of(args),
        created_s=io.clock(),
        versions=loadtest.cli.versions(),
    )
    found = observation(material)
    file = GraphFile(
        source=graph.source,
        window=window,
        queries=tuple(tuple(dict(page) for page in query) for query in graph.answers),
        polls=(),
        stable=graph.stable,
        reconciled=False,
        sampled=len(rows),
    )
    return Looked(observation=found, folder=keep(args.runs, found, graph=file, material=material))
