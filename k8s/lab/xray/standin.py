"""The stand-in without its sockets: everything that it knows, and the operations of the API on it.

Source of operations, limits and messages: the service model in botocore, X-Ray API reference and developer
guide; the 6 hours and their message were seen live by others.
"""

import random
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.xray import faults
from k8s.lab.xray.archive import Archive, Resources
from k8s.lab.xray.arguments import GRAPH_HOURS, string, strings, trace_keys, window_of
from k8s.lab.xray.documents import MOST_DOCUMENTS
from k8s.lab.xray.elements import Nodes, Packer
from k8s.lab.xray.fixed import ANSWERS
from k8s.lab.xray.groups import Group, Groups
from k8s.lab.xray.intake import Intake
from k8s.lab.xray.pages import Cursor, Pages, query_of
from k8s.lab.xray.search import Search
from k8s.lab.xray.services import services_of
from k8s.lab.xray.settings import Clock, Settings
from k8s.lab.xray.store import GroupsOf, Store
from k8s.lab.xray.traces import Trace, processed
from k8s.lab.xray.translate import trace_id_of

Body = Mapping[str, Any]
Answer = dict[str, Any]

_QUIET_S: Final = 2.0
"""How long a trace is left alone after it changed before its rows are worked out unasked."""
_SETTLED_A_TICK: Final = 2_000
_MATCHED_A_TICK: Final = 150
"""The same where groups ask for each trace's documents: about 50 ms of work, too."""
_TIMES: Final = re.compile(r'("(?:start|end)_time":)(\d+(?:\.\d+)?)')


class StandIn:
    """One X-Ray: takes documents, answers queries."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Start empty; *clock* is asked for every moment."""
        self._settings = settings
        self._clock = clock
        self._dice = random.Random(settings.seed)  # noqa: S311  # reproducible unreliability
        self._operations: Mapping[str, Callable[[Body], Answer]] = {
            "/TraceSegments": self._put_trace_segments,
            "/ServiceGraph": self._get_service_graph,
            "/TraceGraph": self._get_trace_graph,
            "/TraceSummaries": self._get_trace_summaries,
            "/Traces": self._batch_get_traces,
            "/CreateGroup": self._create_group,
            "/GetGroup": self._get_group,
            "/UpdateGroup": self._update_group,
            "/DeleteGroup": self._delete_group,
            "/Groups": self._get_groups,
        }
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        settings = self._settings
        resources = Resources()
        nodes = Nodes()
        archive = Archive(settings.indexing, resources)
        packer = Packer(nodes, settings.indexing, accounts=settings.accounts)
        self._nodes = nodes
        self._archive = archive
        self._store = Store(archive, nodes, max_documents=settings.max_documents)
        self._intake = Intake(settings, self._store, archive, resources, packer)
        self._groups = Groups(f"arn:aws:xray:{settings.region}:{settings.account_id}")
        self._pages = Pages(settings.seed)
        self._search = Search(self._store, self._groups, self._pages, settings)

    def call(self, path: str, body: Body) -> Answer:
        """Answer one API call; ApiError for anything but success."""
        fixed = ANSWERS.get(path)
        operation = self._operations.get(path)
        if fixed is None and operation is None:
            raise faults.unknown_operation(path)
        if self._settings.throttle_rate and self._dice.random() < self._settings.throttle_rate:
            raise faults.throttled()
        self._intake.release(self._clock())
        if fixed is not None:
            return fixed(body, self._clock())
        return operation(body) if operation is not None else {}

    def take_otlp(self, request: ExportTraceServiceRequest, content: bytes) -> None:
        """Take a decoded OTLP request; *content* is its protobuf encoding."""
        self._intake.take_otlp(request, content, self._clock())

    def tick(self) -> int:
        """Regular work, in small pieces: release what was delayed, drop what is old, count what is quiet.

        Returns how many traces were counted.
        """
        now_s = self._clock()
        self._intake.release(now_s)
        self._store.make_room(now_s, self._settings.retention_s)
        most = _MATCHED_A_TICK if self._groups else _SETTLED_A_TICK
        return self._store.settle(self._groups_of, before_s=now_s - _QUIET_S, most=most)

    def status(self) -> Answer:
        """What is here, and what is not any more."""
        return {
            "traces": len(self._store),
            "documents": self._store.documents,
            "waiting": self._intake.waiting,
            "archive": {"payloads": len(self._archive), "bytes": self._archive.stored_bytes},
            "intake": {key: self._intake.counts[key] for key in ("received", "refused", "lost", "doubled")},
            "dropped": {key: self._store.dropped[key] for key in ("capacity", "expired")},
            "groups": [group.name for group in self._groups.all()],
            "settings": msgspec.to_builtins(self._settings),
        }

    def dump(self, most: int) -> Answer:
        """The status, and the newest traces with their processed documents."""
        self._intake.release(self._clock())
        found = (self._store.trace(key) for key in self._store.newest(most))
        traces = {trace.id: processed(trace) for trace in found if trace is not None}
        return {"status": self.status(), "traces": traces}

    @property
    def _groups_of(self) -> GroupsOf | None:
        if not self._groups:
            return None

        def groups_of(key: bytes, began_s: float) -> int:
            trace = self._store.trace(key)
            return 0 if trace is None else self._groups.of(trace, began_s)

        return groups_of

    def _put_trace_segments(self, body: Body) -> Answer:
        documents = strings(body, "TraceSegmentDocuments")
        if len(documents) > MOST_DOCUMENTS:
            raise faults.invalid_request(
                f"TraceSegmentDocuments must hold at most {MOST_DOCUMENTS} documents, not {len(documents)}"
            )
        refused = self._intake.take_documents(documents, self._clock())
        return {"UnprocessedTraceSegments": [document.as_json() for document in refused]}

    def _get_service_graph(self, body: Body) -> Answer:
        window = window_of(body, GRAPH_HOURS)
        cursor = self._pages.resume("GetServiceGraph", body)
        group: Group | None = None
        if body.get("GroupName") or body.get("GroupARN"):
            group = self._group_for_graph(body)
        if cursor is None:
            self._store.settle(self._groups_of)
            start_s = max(window.start_s, self._clock() - self._settings.retention_s)
            if group is None and (body.get("GroupName") or body.get("GroupARN")):
                services = []
            else:
                totals = self._store.totals(start_s, window.end_s, group.bit if group else None)
                services = services_of(totals, self._nodes.identity, self._settings.seed)
            cursor = Cursor(query=query_of("GetServiceGraph", body), items=services)
        changed_s = group.versions[-1].since_s if group and len(group.versions) > 1 else None
        return {
            "StartTime": window.start_s,
            "EndTime": window.end_s,
            "ContainsOldGroupVersions": changed_s is not None and changed_s > window.start_s,
            **self._services_page(cursor),
        }

    def _group_for_graph(self, body: Body) -> Group | None:
        try:
            return self._groups.find(string(body, "GroupName"), string(body, "GroupARN"))
        except faults.ApiError:
            if self._settings.unknown_group_is_empty:
                return None
            raise

    def _services_page(self, cursor: Cursor) -> Answer:
        end = cursor.place + self._settings.graph_page_size
        page: Answer = {"Services": cursor.items[cursor.place : end]}
        token = self._pages.token(cursor, end)
        return page if token is None else {**page, "NextToken": token}

    def _get_trace_graph(self, body: Body) -> Answer:
        keys = trace_keys(body)
        cursor = self._pages.resume("GetTraceGraph", body)
        if cursor is None:
            services = services_of(self._store.totals_of(keys), self._nodes.identity, self._settings.seed)
            cursor = Cursor(query=query_of("GetTraceGraph", body), items=services)
        return self._services_page(cursor)

    def _get_trace_summaries(self, body: Body) -> Answer:
        self._store.settle(self._groups_of)
        return self._search.page(body)

    def _batch_get_traces(self, body: Body) -> Answer:
        found: list[Answer] = []
        unknown: list[str] = []
        for key in trace_keys(body):
            trace = self._store.trace(key)
            if trace is None:
                unknown.append(trace_id_of(key))
            else:
                found.append(_full(trace))
        unprocessed = unknown if self._settings.unknown_ids_unprocessed else []
        return {"Traces": found, "UnprocessedTraceIds": unprocessed}

    def _create_group(self, body: Body) -> Answer:
        name, text = string(body, "GroupName") or "", string(body, "FilterExpression") or ""
        insights = _insights(body) or (False, False)
        return {"Group": self._groups.create(name, text, self._clock(), insights).as_json()}

    def _get_group(self, body: Body) -> Answer:
        return {"Group": self._group(body).as_json()}

    def _update_group(self, body: Body) -> Answer:
        group = self._group(body)
        text = string(body, "FilterExpression")
        return {"Group": self._groups.update(group, text, self._clock(), _insights(body)).as_json()}

    def _delete_group(self, body: Body) -> Answer:
        group = self._group(body)
        self._groups.delete(group)
        self._store.leave_group(group.bit)
        return {}

    def _get_groups(self, _body: Body) -> Answer:
        return {"Groups": [group.as_json() for group in self._groups.all()]}

    def _group(self, body: Body) -> Group:
        return self._groups.find(string(body, "GroupName"), string(body, "GroupARN"))


def _insights(body: Body) -> tuple[bool, bool] | None:
    settings = body.get("InsightsConfiguration")
    if not isinstance(settings, dict):
        return None
    return settings.get("InsightsEnabled") is True, settings.get("NotificationsEnabled") is True


def _full(trace: Trace) -> Answer:
    """The Trace of the API: processed documents as text, with times in the notation that X-Ray uses."""
    documents = processed(trace)
    return {
        "Id": trace.id,
        "Duration": round(trace.end_s - trace.start_s, 3),
        "LimitExceeded": False,
        "Segments": [
            {
                "Id": document["id"],
                "Document": _TIMES.sub(_with_exponent, msgspec.json.encode(document).decode()),
            }
            for document in documents
        ],
    }


def _with_exponent(match: re.Match[str]) -> str:
    """1795376700.001 -> 1.795376700001E9, the way the JVM prints doubles."""
    whole, _, fraction = match[2].partition(".")
    digits = (whole[1:] + fraction).rstrip("0") or "0"
    return f"{match[1]}{whole[0]}.{digits}E{len(whole) - 1}"
