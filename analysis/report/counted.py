"""What was counted, in a reader's words: calls, connections or bytes, and between what."""

from collections.abc import Iterator, Sequence

from analysis.model import PairResult
from analysis.report import units
from analysis.report.tables import Table, columns, row

CALLS = "calls"
X_RAY = "X-Ray"
TRACED = frozenset({X_RAY, "aws/spans"})
"""Sources, by title, that count what is traced; of the others no load needs a trace."""
REQUESTS = "requests"
POD = "pod"


def many(unit: str) -> str:
    """Several of what was counted, e.g. ``calls`` where requests were."""
    return CALLS if unit == REQUESTS else unit


def one(unit: str) -> str:
    """A single one."""
    return many(unit).removesuffix("s")


def share(pair: PairResult) -> str:
    """The same-zone share with its interval; alone, and saying so, where none can be given."""
    if pair.share is not None or pair.same_share is None:
        return units.percent_interval(pair.share)
    return f"{units.percent(pair.same_share)} (no interval)"


def by_whom(source: str, unit: str, grain: str) -> str:
    """Who counted what between what, e.g. ``X-Ray, in requests between pods``."""
    return f"{source}, in {unit} between {grain}s"


def meter(text: str) -> str:
    """What tells how much was lost."""
    return text or "what its records lack: a call without a callee, a request without a caller"


def queries(asked: Sequence[str], key: str = "queries") -> Iterator[Table]:
    """What the source was asked, each question once; nothing where that is not told."""
    if asked:
        yield Table(
            key=key,
            title="Queries sent",
            about="As they were sent; what was answered stands in graph.json beside the run.",
            columns=columns("Query"),
            rows=tuple(row(text) for text in dict.fromkeys(asked)),
        )
