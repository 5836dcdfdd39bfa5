"""Graphs and traces from files: ours, or as ``aws xray`` prints them."""

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from analysis.source import collect
from analysis.source.collect import GraphFile
from analysis.source.interface import Answers, Raw, Received
from analysis.source.registry import DEFAULT
from analysis.source.xray.service_graph import seconds_of
from k8s.errors import UsageError
from k8s.live import saved
from k8s.model.scene import Scene
from k8s.topology import Snapshot
from loadtest import rundir
from loadtest.record import Window

_PRINT_GRAPH: Final = "aws xray get-service-graph --start-time FROM --end-time TO > graph.json"
_PRINT_TRACES: Final = "aws xray batch-get-traces --trace-ids ... > traces.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGraph:
    """What a file holds of a window."""

    source: str
    """The key of its reader."""
    answers: Answers
    window: Window | None
    """None where the file does not say."""
    stable: bool


def graph_of(path: Path) -> StoredGraph:
    """Our own ``graph.json``, or the pages of GetServiceGraph; UsageError for anything else."""
    data = _json(path)
    if isinstance(data, dict) and "queries" in data:
        file = rundir.read_json(path, GraphFile, schema=collect.SCHEMA)
        return StoredGraph(source=file.source, answers=file.queries, window=file.window, stable=file.stable)
    pages = _objects(data)
    if pages is None or not any("Services" in page for page in pages):
        raise UsageError(
            f"reading {path}: it holds no Services of a service graph; save one with: {_PRINT_GRAPH}"
        )
    starts = [at for page in pages if (at := seconds_of(page.get("StartTime"))) is not None]
    ends = [at for page in pages if (at := seconds_of(page.get("EndTime"))) is not None]
    window = Window(start_s=min(starts), end_s=max(ends)) if starts and ends else None
    if window is not None and window.length_s <= 0:
        window = None
    return StoredGraph(source=DEFAULT, answers=(tuple(pages),), window=window, stable=True)


def traces_of(path: Path) -> tuple[Raw, ...]:
    """Our ``traces.jsonl.gz``, or what BatchGetTraces answers; UsageError for anything else."""
    if ".jsonl" in path.suffixes:
        return rundir.read_lines(path, dict[str, Any])
    found = _objects(_json(path))
    rows = [] if found is None else [one for page in found for one in _traces_in(page)]
    if not rows:
        raise UsageError(f"reading {path}: it holds no Traces; save some with: {_PRINT_TRACES}")
    return tuple(rows)


def scene_of(paths: list[Path]) -> tuple[Scene, tuple[Snapshot, ...], bool]:
    """The cluster as it was saved, its snapshots, and whether they were taken over the window.

    One file named ``topology.jsonl`` is a run's or an observation's own.
    """
    if len(paths) == 1 and paths[0].name == rundir.TOPOLOGY:
        snapshots = rundir.read_topology(paths[0].parent)
        if not snapshots:
            raise UsageError(f"reading {paths[0]}: it holds no snapshot")
        gap = "agents, events and versions: a topology log holds none"
        scene = Scene(source=str(paths[0]), snapshot=snapshots[-1], gaps=(gap,))
        return scene, snapshots, True
    scene = saved.read(paths)
    return scene, (scene.snapshot,), False


def received(graph: StoredGraph, rows: tuple[Raw, ...]) -> Received:
    """Both together, as a reader takes them."""
    return Received(answers=graph.answers, rows=rows, window=graph.window)


def _json(path: Path) -> Any:
    """One JSON value, or several of them one after the other in a list; unpacked where its name says so."""
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise UsageError(f"reading {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        try:
            return [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
        except msgspec.DecodeError:
            raise UsageError(f"reading {path}: not valid JSON ({error}); it may be truncated") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"reading {path}: not valid JSON ({error})") from error


def _objects(data: Any) -> list[dict[str, Any]] | None:
    """A page, or a list of pages; None for anything else."""
    found = data if isinstance(data, list) else [data]
    return found if found and all(isinstance(one, dict) for one in found) else None


def _traces_in(page: Mapping[str, Any]) -> Iterator[Raw]:
    if isinstance(traces := page.get("Traces"), list):
        yield from (one for one in traces if isinstance(one, dict))
    elif "Segments" in page:
        yield page
