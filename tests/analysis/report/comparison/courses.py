"""Comparisons whose windows have a course, with everything that can happen in one."""

from dataclasses import replace

from analysis.model import ArmResult
from analysis.statistics import stats
from analysis.statistics.stretches import Course, Happening, Stretch
from analysis.verdict.compared import Comparison
from tests.analysis.report.comparison import samples


def stretch(start_s: float, same: int, cross: int, *, unknown: int = 0, failed: int = 0) -> Stretch:
    """Two seconds of calls; none where all are 0."""
    known, calls = same + cross, same + cross + unknown
    return Stretch(
        start_s=start_s,
        length_s=2.0,
        same_zone=same,
        cross_zone=cross,
        unknown=unknown,
        failed=failed,
        share=stats.wilson(same, known) if known else None,
        mean_s=0.002 + 0.001 * cross / known if calls and known else None,
    )


def with_course(comparison: Comparison) -> Comparison:
    """20 stretches an arm; a silent one, failures, and three things that happened close together."""
    return replace(
        comparison,
        baseline=_along(comparison.baseline, same=60, cross=120),
        candidate=_along(comparison.candidate, same=180, cross=0),
    )


def _along(arm: ArmResult, *, same: int, cross: int) -> ArmResult:
    start = arm.window.start_s
    found = [stretch(start + 2 * place, same + place, cross) for place in range(20)]
    found[7] = stretch(start + 14, 0, 0)
    found[11] = stretch(start + 22, same, cross, unknown=5, failed=9)
    happened = tuple(
        Happening(at_s=start + at_s, text=f"{samples.HOSTILE} went at {at_s} s.")
        for at_s in (21.0, 22.0, 36.0)
    )
    return replace(arm, course=Course(stretches=tuple(found), happenings=happened, untimed=2))
