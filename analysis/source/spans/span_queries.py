"""The queries to ``aws/spans``, as texts: OpenSearch SQL as CloudWatch Logs Insights takes it (pure).

It has one JOIN a SELECT, one level of subqueries, 10,000 characters and 10,000 rows (OpenSearch developer
guide, "General SQL restrictions"; botocore's service model). A call is a SERVER span whose parent is there;
a CLIENT span without such a child is lost or a leaf's. Which spelling of ``kind`` AWS stores is not
confirmed, so several are taken. Fields that hold numbers may be text, so that all are cast.

Rows come in the order of a key, so that what is beyond 10,000 rows is asked for by the last one's key.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from loadtest.record import Window

GROUP: Final = "aws/spans"
LANGUAGE: Final = "SQL"
MOST_ROWS: Final = 10_000
"""Of an answer."""
LONGEST: Final = 10_000
"""Characters of a query."""
MARGIN_S: Final = 300
"""Records' own times may be the begin or the end of a span, and a callee begins after its caller: so much
before and after the window is looked through; which spans count is decided by when they began."""
SERVER: Final = ("SERVER", "SPAN_KIND_SERVER", "2")
CLIENT: Final = ("CLIENT", "SPAN_KIND_CLIENT", "3")
OTHERS: Final = tuple(
    spelling
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "", "", "PRODUCER", "CONSUMER"))
    if name
    for spelling in (name, f"SPAN_KIND_{name}", str(number))
)
"""Kinds that are no side of a call."""
EDGES_NS: Final = tuple(round(250_000 * 2 ** (step / 2)) for step in range(31))
"""Of the histogram: from 0.25 ms to 8 s, each 1.41 times the one before."""
RUN_ID: Final = "attributes.run_id"
PHASE: Final = "attributes.phase"
"""Attributes by which the load generator marks the roots of its traces."""

_NS: Final = 1_000_000_000
_ROOTS: Final = "COALESCE(parentSpanId, '') IN ('', '0000000000000000')"
_KIND: Final = "UPPER(CAST(kind AS STRING))"
_POD: Final = "COALESCE(`resource.attributes.k8s.pod.name`, `resource.attributes.service.name`, '')"
_ZONE: Final = "`resource.attributes.cloud.availability_zone`"
_CODE: Final = (
    "COALESCE(CAST(`attributes.http.response.status_code` AS BIGINT),"
    " CAST(`attributes.http.status_code` AS BIGINT), 0)"
)
_OUTCOME: Final = (
    f"CASE WHEN {_CODE} BETWEEN 500 AND 599 THEN 2 WHEN {_CODE} BETWEEN 400 AND 499 THEN 1"
    " WHEN UPPER(CAST(`status.code` AS STRING)) IN ('ERROR', 'STATUS_CODE_ERROR', '2') THEN 2 ELSE 0 END"
)
"""2: fault, 1: error, 0: neither; as X-Ray tells them."""
_REMOTE: Final = "COALESCE({}, name, '')".format(
    ", ".join(
        f"`attributes.{name}`"
        for name in (
            *("aws.remote.service", "peer.service", "db.namespace", "db.name"),
            *("server.address", "net.peer.name", "http.host"),
        )
    )
)
_SYSTEM: Final = "COALESCE(`attributes.db.system.name`, `attributes.db.system`, '')"
_PORT: Final = "COALESCE({})".format(
    ", ".join(
        f"`attributes.{name}`"
        for name in ("network.peer.port", "net.sock.peer.port", "net.peer.port", "client.port")
    )
)
_PEER: Final = "COALESCE({})".format(
    ", ".join(
        f"`attributes.{name}`" for name in ("network.peer.address", "net.sock.peer.addr", "client.address")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose spans of which window."""

    window: Window
    run_id: str | None = None
    """None: everybody's."""
    phase: str = ""
    others: bool = False
    """Everybody's but the run's."""

    @property
    def whose(self) -> str:
        """In a word."""
        if self.run_id is None:
            return "everybody"
        return "others" if self.others else "run"


def looked_through(window: Window) -> tuple[int, int]:
    """The startTime and endTime of a query for a window, seconds since the epoch."""
    return max(0, int(window.start_s) - MARGIN_S), int(window.end_s) + 1 + MARGIN_S


def records() -> str:
    """How many records there are; what it scans tells what the others will."""
    return f"SELECT COUNT(*) AS records FROM `{GROUP}` LIMIT 1"  # noqa: S608 - a constant


def ends(wanted: Wanted, after: str = "") -> str:
    """Spans by kind and pod, with and without a parent; ``records`` counts what came twice twice."""
    key = "CONCAT(r.kind, ' ', r.place, ' ', r.pod)"
    inner = (
        f"SELECT traceId, spanId, COALESCE({_KIND}, '') AS kind,"  # noqa: S608 - quoted below
        f" CASE WHEN {_ROOTS} THEN 'root' ELSE 'below' END AS place, {_POD} AS pod"
        f" FROM `{GROUP}` WHERE {_began('CAST(startTimeUnixNano AS BIGINT)', wanted.window)}"
    )
    return (
        f"SELECT {key} AS row_key, r.kind AS kind, r.place AS place, r.pod AS pod,"  # noqa: S608 - quoted below
        " COUNT(*) AS records, COUNT(DISTINCT r.traceId, r.spanId) AS spans"
        f" FROM ({inner}) AS r{_where('r', wanted)}"
        f" GROUP BY r.kind, r.place, r.pod{_rest(key, after)}"
    )


def pairs(wanted: Wanted, after: str = "", *, once: bool = False) -> str:
    """Calls by pair of pods, and CLIENT spans without a SERVER span by what they name.

    *once*: spans that came twice count once, which takes the engine about three times as long.
    """
    nanos = "COALESCE(c.nanos, s.nanos)"
    outcome = "COALESCE(c.outcome, s.outcome)"
    names = {
        "client": "c.pod",
        "server": "COALESCE(s.pod, '')",
        "remote": "CASE WHEN s.spanId IS NULL THEN c.remote ELSE '' END",
        "system": "CASE WHEN s.spanId IS NULL THEN c.system ELSE '' END",
        "peer": "CASE WHEN c.pod = '' THEN COALESCE(s.peer, '') ELSE '' END",
    }
    key = "CONCAT({})".format(", ' ', ".join(names.values()))
    sums = {
        "calls": "COUNT(*)",
        "unmatched": "SUM(CASE WHEN s.spanId IS NULL THEN 1 ELSE 0 END)",
        "errors": f"SUM(CASE WHEN {outcome} = 1 THEN 1 ELSE 0 END)",
        "faults": f"SUM(CASE WHEN {outcome} = 2 THEN 1 ELSE 0 END)",
        "nanos": f"SUM({nanos})",
        "ported": "COUNT(s.port)",
        "ports": "COUNT(DISTINCT s.port)",
        "client_zone": "MIN(c.zone)",
        "client_zone_too": "MAX(c.zone)",
        "server_zone": "MIN(s.zone)",
        "server_zone_too": "MAX(s.zone)",
        **{f"b{number}": f"COUNT(CASE WHEN {nanos} < {edge} THEN 1 END)" for number, edge in buckets()},
    }
    shown = {"row_key": key} | names | sums
    return (
        f"SELECT {', '.join(f'{text} AS {name}' for name, text in shown.items())}"  # noqa: S608 - quoted below
        f" FROM {_sides('LEFT OUTER', once=once)}"
        f"{_where('c', wanted, '(s.spanId IS NOT NULL OR c.calls_out = 1)', _began_at(wanted))}"
        f" GROUP BY {', '.join(names.values())}{_rest(key, after)}"
    )


def single_calls(wanted: Wanted, most: int) -> str:
    """Up to *most* calls, those with the lowest span ids: ids are drawn at random, so the calls are, too."""
    shown = {
        "client": "c.pod",
        "server": "s.pod",
        "peer": "s.peer",
        "port": "s.port",
        "nanos": "COALESCE(c.nanos, s.nanos)",
        "outcome": "COALESCE(c.outcome, s.outcome)",
        "began": "c.began",
        "trace": "c.traceId",
        "client_zone": "c.zone",
        "server_zone": "s.zone",
    }
    return (
        f"SELECT {', '.join(f'{text} AS {name}' for name, text in shown.items())}"  # noqa: S608 - quoted below
        f" FROM {_sides('INNER', once=False)}{_where('c', wanted, _began_at(wanted))}"
        f" ORDER BY s.spanId, s.traceId LIMIT {min(most, MOST_ROWS)}"
    )


def buckets() -> tuple[tuple[int, int], ...]:
    """Number and upper edge, in nanoseconds, of each bucket that has one."""
    return tuple(enumerate(EDGES_NS))


def middles_s() -> tuple[float, ...]:
    """What stands for each bucket, the last one without an edge included: geometric middles, in seconds."""
    step = EDGES_NS[1] / EDGES_NS[0]
    edges = (EDGES_NS[0] / step, *EDGES_NS, EDGES_NS[-1] * step)
    return tuple((low * high) ** 0.5 / _NS for low, high in pairwise(edges))


def quoted(text: str) -> str:
    """A text in a query."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _sides(join: str, *, once: bool) -> str:
    """Every span that may have called, joined with the SERVER span below it."""
    calls_out = f"CASE WHEN {_KIND} IN {CLIENT} THEN 1 ELSE 0 END"
    caller = {
        "pod": _POD,
        "zone": _ZONE,
        "calls_out": calls_out,
        "nanos": f"CASE WHEN {_KIND} IN {CLIENT} THEN CAST(durationNano AS BIGINT) END",
        "outcome": f"CASE WHEN {_KIND} IN {CLIENT} THEN {_OUTCOME} END",
        "began": "CAST(startTimeUnixNano AS BIGINT)",
        "remote": _REMOTE,
        "system": _SYSTEM,
    }
    callee = {
        "pod": _POD,
        "zone": _ZONE,
        "port": _PORT,
        "peer": _PEER,
        "nanos": "CAST(durationNano AS BIGINT)",
        "outcome": _OUTCOME,
        "began": "CAST(startTimeUnixNano AS BIGINT)",
    }
    servers = f" WHERE {_KIND} IN {SERVER} AND NOT {_ROOTS}"
    return (
        f"({_side(('traceId', 'spanId'), caller, '', once=once)}) AS c {join} JOIN"
        f" ({_side(('traceId', 'spanId', 'parentSpanId'), callee, servers, once=once)}) AS s"
        " ON c.traceId = s.traceId AND c.spanId = s.parentSpanId"
    )


def _side(ids: tuple[str, ...], fields: dict[str, str], where: str, *, once: bool) -> str:
    shown = [f"{f'MAX({text})' if once else text} AS {name}" for name, text in fields.items()]
    group = f" GROUP BY {', '.join(ids)}" if once else ""
    return f"SELECT {', '.join((*ids, *shown))} FROM `{GROUP}`{where}{group}"  # noqa: S608 - constants


def _began(field: str, window: Window) -> str:
    return f"{field} >= {round(window.start_s * _NS)} AND {field} < {round(window.end_s * _NS)}"


def _began_at(wanted: Wanted) -> str:
    """A call counts by when its callee began, or, without one, its caller: as ``ends`` counts them."""
    return _began("COALESCE(s.began, c.began)", wanted.window)


def _where(side: str, wanted: Wanted, *conditions: str) -> str:
    """The conditions, and whose traces; a run's are those of which a span has its mark."""
    found = list(conditions)
    if wanted.run_id is not None:
        marked = f"`{RUN_ID}` = {quoted(wanted.run_id)}"
        if not wanted.others:
            marked += f" AND `{PHASE}` = {quoted(wanted.phase)}"
        negated = "NOT " if wanted.others else ""
        found.append(f"{side}.traceId {negated}IN (SELECT traceId FROM `{GROUP}` WHERE {marked})")  # noqa: S608 - quoted
    return f" WHERE {' AND '.join(found)}" if found else ""


def _rest(key: str, after: str) -> str:
    having = f" HAVING {key} > {quoted(after)}" if after else ""
    return f"{having} ORDER BY {key} LIMIT {MOST_ROWS}"
