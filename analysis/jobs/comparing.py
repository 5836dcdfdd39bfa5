"""Two collected run folders -> the comparison in the candidate's folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis import artifacts
from analysis.arm.result import AssumedBytes
from analysis.verdict.compare import Terms, compare
from analysis.verdict.compared import Comparison
from loadtest import rundir


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How arms are weighed and judged."""

    assumed: AssumedBytes = field(default_factory=AssumedBytes)
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """Two runs to be compared."""

    baseline: Path
    candidate: Path
    null: Path | None = None
    """Another run of the baseline's arm; None: the nearest one beside it, if there is any
    that is not the candidate."""
    judging: Judging = field(default_factory=Judging)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A candidate's run folder, and its comparison with a baseline."""

    folder: Path
    comparison: Comparison


def compare_runs(
    request: CompareRequest, *, created_s: float, versions: Sequence[tuple[str, str]]
) -> Comparison:
    """The comparison, which is also written; UsageError for folders that are no alike, collected runs.

    *created_s* is seconds since the epoch; *versions* say what compares.
    """
    null = request.null or artifacts.twin_of(request.baseline, candidate=request.candidate)
    with artifacts.uncollected():
        comparison = compare(
            artifacts.read_arm(request.baseline),
            artifacts.read_arm(request.candidate),
            created_s=created_s,
            versions=versions,
            assumed=request.judging.assumed,
            null=None if null is None else artifacts.read_arm(null),
            terms=request.judging.terms,
        )
    rundir.write_json(request.candidate / rundir.COMPARISON, comparison)
    return comparison
