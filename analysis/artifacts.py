"""Run folders as the analysis reads and writes them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from analysis.arm.inputs import ArmInputs, arm_inputs
from analysis.arm.integrity import Noted
from analysis.source import collect
from analysis.source.collect import Collected, GraphFile
from analysis.source.interface import Received
from analysis.source.registry import READERS, Readers, reader_of
from analysis.verdict import compared
from analysis.verdict.compare import unlike
from analysis.verdict.compared import Comparison
from k8s.errors import UsageError
from loadtest import bounds, rundir, truthfile
from loadtest.record import Caveat, RunRecord, RunStatus, Window
from loadtest.truthfile import TruthFile

SET_ASIDE: Final = "set-aside"
"""Code of the caveat that marks a run whose window was measured once more."""


def save_collected(folder: Path, collected: Collected) -> None:
    """Write the graph and the trace sample of a run."""
    rundir.write_lines(folder / rundir.TRACES, collected.traces)
    rundir.write_json(folder / rundir.GRAPH, collected.graph)


def read_arm(folder: Path, readers: Readers = READERS) -> ArmInputs:
    """All artifacts of a run, read once.

    UsageError for a folder that is not one, is not collected yet, or whose source none of *readers* knows.
    """
    record = rundir.read_record(folder)
    if not (folder / rundir.GRAPH).is_file():
        raise UsageError(f"reading run {folder}: no {rundir.GRAPH} yet; run: samezone collect {folder}")
    truth = folder / rundir.TRUTH
    traces = folder / rundir.TRACES
    graph = rundir.read_json(folder / rundir.GRAPH, GraphFile, schema=collect.SCHEMA)
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
        return arm_inputs(
            folder=folder.name,
            record=record,
            topology=topology,
            reader=reader,
            received=Received(answers=graph.queries, rows=rows, window=graph.window),
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
        raise UsageError(f"reading run {folder}: {error}") from error


def _wanted(record: RunRecord, graph: GraphFile) -> Window:
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
        raise UsageError(
            f"reading run {folder}: no {rundir.COMPARISON}; run: samezone compare BASELINE {folder}"
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
    return rundir.find(root, lambda folder: (folder / rundir.COMPARISON).is_file())


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
        if other.resolve() in judged or not (other / rundir.GRAPH).is_file():
            continue
        try:
            record = rundir.read_record(other)
        except UsageError:
            continue  # another tool's folder, or a broken one: no twin
        gap_s = abs(record.created_s - own.created_s)
        same = record.asked.mode == own.asked.mode and record.status is RunStatus.COMPLETE
        if same and not is_set_aside(record) and gap_s <= TWIN_WITHIN_S and not unlike(record, own):
            found.append((gap_s, other))
    return min(found)[1] if found else None


def latest_baseline(root: Path, *, context: str, service: str) -> Path | None:
    """The newest complete and collected run with routing off, of this context and Service."""

    def accept(folder: Path) -> bool:
        if not (folder / rundir.RECORD).is_file() or not (folder / rundir.GRAPH).is_file():
            return False
        try:
            record = rundir.read_record(folder)
        except UsageError:
            return False  # another tool's folder, or a broken one: not a baseline
        return (
            record.asked.mode == "off"
            and record.status is RunStatus.COMPLETE
            and not is_set_aside(record)
            and record.place.context == context
            and str(record.asked.service) == service
        )

    return rundir.find(root, accept)
