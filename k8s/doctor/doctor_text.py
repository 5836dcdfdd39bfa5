"""Diagnoses and surveys as text for a person, and as data for a machine (pure)."""

from collections.abc import Iterator, Sequence
from typing import Any

from k8s.doctor.examination import Diagnosis
from k8s.doctor.finding import Finding
from k8s.doctor.shares import Range
from k8s.doctor.survey import BASIS, SurveyRow
from k8s.model import figures
from k8s.routing.modes import RoutingMode

SCHEMA = 1
"""Of both JSON outputs. 1: first."""

FIX = "     fix      "
"""How a line begins that is a command."""

_COLUMNS = (RoutingMode.OFF, RoutingMode.TAR, RoutingMode.PREFER_SAME_ZONE)
"""Modes in the table; PreferClose and PreferSameNode have the share of PreferSameZone."""


def as_text(diagnosis: Diagnosis, *, source: str, gaps: Sequence[str] = ()) -> Iterator[str]:
    """Lines: the verdict, then each finding with its evidence and its fix."""
    verdict = "healthy" if diagnosis.healthy else "not healthy"
    yield f"Service {diagnosis.service} in {source}: {verdict}, mode {diagnosis.mode.value}"
    for gap in gaps:
        yield f"not read: {gap}"
    for finding in diagnosis.findings:
        yield ""
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.code}  {finding.severity.value:<8} {finding.meaning}"
    for one in finding.evidence:
        yield f"     seen     {one.object}: {one.field} = {one.value}"
    if finding.fix:
        yield f"{FIX}{finding.fix}"


def as_data(diagnosis: Diagnosis, *, source: str, gaps: Sequence[str] = ()) -> dict[str, Any]:
    """The same, for ``--json``."""
    return {
        "schema": SCHEMA,
        "source": source,
        "gaps": list(gaps),
        "service": str(diagnosis.service),
        "mode": diagnosis.mode.value,
        "healthy": diagnosis.healthy,
        "findings": [
            {
                "code": one.code,
                "severity": one.severity.value,
                "meaning": one.meaning,
                "evidence": [
                    {"object": seen.object, "field": seen.field, "value": seen.value} for seen in one.evidence
                ],
                "fix": one.fix,
                "blocks_hints": one.blocks_hints,
            }
            for one in diagnosis.findings
        ],
    }


def table(rows: Sequence[SurveyRow], *, source: str, gaps: Sequence[str] = ()) -> Iterator[str]:
    """One line a Service, under a heading that says what the shares assume."""
    unwell = sum(not row.healthy for row in rows)
    yield f"{len(rows)} Services with endpoints in {source}, {unwell} with a problem; {BASIS}"
    for gap in gaps:
        yield f"not read: {gap}"
    if not rows:
        return
    heading = (
        "SERVICE",
        "MODE",
        "HINTED",
        "NOW",
        *(mode.value.upper() for mode in _COLUMNS),
        "FINDING",
        "AUTO",
    )
    yield from _aligned([heading, *map(_cells, rows)])


def _cells(row: SurveyRow) -> tuple[str, ...]:
    shares = dict(row.shares)
    return (
        str(row.service),
        row.mode.value,
        f"{row.hinted}/{row.endpoints}",
        "?" if row.share_now is None else figures.percent(row.share_now),
        *(_range(shares[mode]) if mode in shares else "?" for mode in _COLUMNS),
        row.finding or "-",
        "possible" if row.refusal is None else row.refusal,
    )


def _range(share: Range) -> str:
    return figures.percent_range(*share)


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def table_data(rows: Sequence[SurveyRow], *, source: str, gaps: Sequence[str] = ()) -> dict[str, Any]:
    """The table for ``--json``."""
    return {
        "schema": SCHEMA,
        "source": source,
        "gaps": list(gaps),
        "basis": BASIS,
        "services": [
            {
                "service": str(row.service),
                "mode": row.mode.value,
                "endpoints": row.endpoints,
                "hinted": row.hinted,
                "auto_refusal": row.refusal,
                "same_zone_now": row.share_now,
                "same_zone": {
                    mode.value: {"least": least, "greatest": greatest}
                    for mode, (least, greatest) in row.shares
                },
                "finding": row.finding,
                "healthy": row.healthy,
            }
            for row in rows
        ],
    }
