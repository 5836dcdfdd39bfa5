"""Run folders as the analysis reads and writes them."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from analysis import stages
from analysis.arm.inputs import ArmInputs, arm_inputs
from analysis.arm.integrity import Noted
from analysis.source import collect
from analysis.source.choice import counted_by
from analysis.source.collect import Collected, GraphNotes, PackedGraphFile
from analysis.source.interface import Received
from analysis.source.registry import READERS, Readers, reader_of
from analysis.verdict import compared
from analysis.verdict.compare import unlike
from analysis.verdict.compared import Comparison
from k8s.errors import UsageError
from k8s.topology import ServiceKey
from loadtest import bounds, rundir, truthfile
from loadtest.record import Caveat, RunRecord, RunStatus, Window
from loadtest.truthfile import TruthFile

SET_ASIDE: Final = "set-aside"
"""Code of the caveat that marks a run whose window was measured once more."""


def save_collected(folder: Path, collected: Collected) -> None:
    """Write the graph and the trace sample of a run."""
    rundir.write_lines(folder / rundir.TRACES, collected.traces)
    rundir.write_packed(folder / rundir.GRAPH, collected.graph)


def read_arm(folder: Path, readers: Readers = READERS) -> ArmInputs:
    """All artifacts of a run, read once.

    UsageError for a folder that is not one, is not collected yet, or whose source none of *readers* knows.
    """
    with uncollected():
        return _arm(folder, readers)


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for unreachable objects meanwhile.

    What is read refers to nothing that refers to it; to find that out again and again while pods and calls
    come in by the ten thousand takes a tenth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _arm(folder: Path, readers: Readers) -> ArmInputs:
    record = rundir.read_record(folder)
    if not (folder / rundir.GRAPH).is_file():
        raise UsageError(f"reading run {folder}: {_missing(rundir.GRAPH, record)}; run: {advice(folder)}")
    truth = folder / rundir.TRUTH
    traces = folder / rundir.TRACES
    graph = rundir.read_json(folder / rundir.GRAPH, PackedGraphFile, schema=collect.SCHEMA)
    _refuse_wrong(folder / rundir.GRAPH, (graph.window, graph.polls))
    relays = rundir.read_json(truth, TruthFile, schema=truthfile.SCHEMA) if truth.is_file() else None
    _refuse_wrong(truth, relays)
    try:
        reader = reader_of(graph.source, readers)
    except UsageError as error:
        raise UsageError(f"reading {folder / rundir.GRAPH}: {error}") from error
    topology = rundir.read_topology(folder)
    rows = rundir.read_lines(traces, dict[str, Any]) if traces.is_file() else ()
    try:
        found = arm_inputs(
            folder=folder.name,
            record=record,
            topology=topology,
            reader=reader,
            received=Received(answers=graph.answers, rows=rows, window=graph.window),
            stable=graph.stable,
            truth=relays,
            noted=Noted(
                window=graph.window,
                wanted=_wanted(record, graph),
                polls=tuple((one.calls, one.requests) for one in graph.polls),
                stable=graph.stable,
                reconciled=graph.reconciled,
                rows=graph.sampled,
                has_sample=traces.is_file(),
            ),
        )
    except UsageError as error:
        words = stages.of_run(str(error), str(folder))
        raise UsageError(f"reading run {folder}: {words}") from error
    flaws = tuple(replace(one, text=stages.of_run(one.text, str(folder))) for one in found.flaws)
    return replace(found, path=str(folder), flaws=flaws)


def _wanted(record: RunRecord, graph: GraphNotes) -> Window:
    """The window that collecting asks for by this record; the graph's own where nothing was measured."""
    if record.measured is None:
        return graph.window
    return collect.query_window(record.measured, quiet_s=record.asked.plan.quiet_s)


def _refuse_wrong(path: Path, value: object) -> None:
    """UsageError for a number that nothing real could have."""
    if (wrong := bounds.wrong_number(value)) is not None:
        raise UsageError(f"reading {path}: {wrong}; it was damaged or edited")


def set_aside(folder: Path, *, instead: Path, why: str) -> None:
    """Mark a run in its record: its window was no evidence, and *instead* was measured for it."""
    record = rundir.read_record(folder)
    mark = Caveat(code=SET_ASIDE, text=f"Set aside: {why}. Measured once more as {instead.name}.")
    rundir.write_json(folder / rundir.RECORD, replace(record, caveats=(*record.caveats, mark)))


def is_set_aside(record: RunRecord) -> bool:
    """Whether another run was measured in this one's place."""
    return any(one.code == SET_ASIDE for one in record.caveats)


def read_comparison(folder: Path) -> Comparison:
    """The comparison of a run folder; UsageError where there is none."""
    if not folder.is_dir():
        raise UsageError(f"reading run {folder}: no such folder; see the folders under runs/")
    if not (folder / rundir.COMPARISON).is_file():
        record = rundir.read_record(folder)
        raise UsageError(
            f"reading run {folder}: {_missing(rundir.COMPARISON, record)}; run: {advice(folder)}"
        )
    path = folder / rundir.COMPARISON
    comparison = rundir.read_json(path, Comparison, schema=compared.SCHEMA)
    if (wrong := bounds.wrong_number(comparison, signed=True)) is not None:
        raise UsageError(f"reading {path}: {wrong}; it was damaged or edited")
    for name, arm in (("baseline", comparison.baseline), ("candidate", comparison.candidate)):
        if not arm.pairs or (arm.pairs[0].client, arm.pairs[0].server) != comparison.focus:
            raise UsageError(
                f"reading {path}: {name}.pairs does not begin with {' to '.join(comparison.focus)}, the pair "
                "under study; it was damaged or edited"
            )
    return comparison


def latest_comparison(root: Path) -> Path | None:
    """The newest run folder with a comparison."""
    return rundir.find(root, lambda folder: _holds(folder, rundir.COMPARISON))


TWIN_WITHIN_S = 24 * 3600.0
"""Two runs further apart may have seen different places."""


def twin_of(folder: Path, *, candidate: Path | None = None) -> Path | None:
    """The nearest other collected run of the same arm under the same load, of the same day; None without.

    Two runs of one arm show what the instrument calls a change where there is none; what *folder* is compared
    with, the *candidate*, cannot show that.
    """
    own = rundir.read_record(folder)
    judged = {one.resolve() for one in (folder, candidate) if one is not None}
    found: list[tuple[float, Path]] = []
    for other in folder.resolve().parent.iterdir():
        seen = glance(other)
        if seen is None or other.resolve() in judged or not _holds(other, rundir.GRAPH):
            continue
        gap_s = abs(seen.created_s - own.created_s)
        if seen.asked.mode != own.asked.mode or not seen.is_complete or gap_s > TWIN_WITHIN_S:
            continue
        record = _record(other)
        if record is not None and not is_set_aside(record) and not unlike(record, own):
            found.append((gap_s, other))
    return min(found)[1] if found else None


def latest_baseline(
    root: Path,
    *,
    context: str,
    services: Sequence[ServiceKey],
    like: RunRecord | None = None,
    source: str | None = None,
) -> Path | None:
    """The newest complete and collected run with routing off, of this context and these Services.

    With *like*, one that a run with that record can be compared with; with *source*, one that it counted.
    """

    def accept(folder: Path) -> bool:
        seen = glance(folder)
        if seen is None or not _holds(folder, rundir.GRAPH):
            return False
        asked = seen.asked
        of = (asked.service, *asked.also)
        is_it = (asked.mode, seen.place.context, of) == ("off", context, tuple(services))
        if not is_it or not seen.is_complete:
            return False
        record = _record(folder)
        if record is None or is_set_aside(record):
            return False
        if source is not None and counted_by(record.counting) != source:
            return False
        return like is None or not unlike(record, like)

    return rundir.find(root, accept)


class _Asked(msgspec.Struct):
    mode: str
    service: ServiceKey
    also: tuple[ServiceKey, ...] = ()


class _Place(msgspec.Struct):
    context: str


class Glance(msgspec.Struct):
    """The part of a record that says whether to read all of it: a folder may hold ten thousand."""

    schema: int
    run_id: str
    status: str
    created_s: float
    asked: _Asked
    place: _Place

    @property
    def is_complete(self) -> bool:
        """Whether the run came to its end."""
        return self.status == RunStatus.COMPLETE


_GLANCES: Final = msgspec.json.Decoder(Glance)


def glance(folder: Path) -> Glance | None:
    """Of a run folder; None for another tool's folder, or a broken one."""
    try:
        return _GLANCES.decode((folder / rundir.RECORD).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _record(folder: Path) -> RunRecord | None:
    try:
        return rundir.read_record(folder)
    except UsageError:
        return None


def _holds(folder: Path, name: str) -> bool:
    """False, too, where it may not be looked at."""
    return os.path.isfile(folder / name)  # noqa: PTH113 - Path's own raises there


def advice(folder: Path) -> str:
    """The command that takes a run on from where it is; UsageError where its record cannot be read."""
    record = rundir.read_record(folder)
    stage = stages.stage_of(
        record,
        is_collected=_holds(folder, rundir.GRAPH),
        is_judged=_holds(folder, rundir.COMPARISON),
    )
    services, context = record.asked.services, record.place.context
    found = None
    if stage is stages.Stage.COLLECTED and record.asked.mode != "off":
        found = latest_baseline(folder.absolute().parent, context=context, services=services, like=record)
    baseline = None if found is None else str(folder.parent / found.name)
    return stages.next_step(str(folder), record, stage, baseline=baseline)


def _missing(name: str, record: RunRecord) -> str:
    """Why a run folder does not hold an artifact."""
    if record.measured is None or record.seen.measured is None:
        return stages.why_unmeasured(record)
    return f"no {name} yet" if name == rundir.GRAPH else f"no {name}"
