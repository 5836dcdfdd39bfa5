"""The stand-in without its sockets: everything that it knows, and the operations of the API on it.

Source of operations, limits and messages: the service model in botocore, X-Ray API reference and developer
guide; the 6 hours and their message were seen live by others.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.logs.logs_api import LogsApi
from k8s.lab.xray import api_errors
from k8s.lab.xray.archive import Archive, Resources
from k8s.lab.xray.arguments import string, strings, trace_keys
from k8s.lab.xray.behaviour import Clock, Settings
from k8s.lab.xray.destination import LOGS, Destination
from k8s.lab.xray.documents import MOST_DOCUMENTS
from k8s.lab.xray.elements import Nodes, Packer
from k8s.lab.xray.fixed import ANSWERS
from k8s.lab.xray.groups import Groups, XrayGroup
from k8s.lab.xray.intake import Intake
from k8s.lab.xray.paging import PageBook
from k8s.lab.xray.queries import Answer, Body, Queries
from k8s.lab.xray.retrieval import Retrievals
from k8s.lab.xray.search import Search
from k8s.lab.xray.spans_log import SpansLog
from k8s.lab.xray.trace_store import BY_ID, GroupsOf, TraceStore
from k8s.lab.xray.traces import processed
from k8s.lab.xray.translate import trace_id_of
from k8s.lab.xray.unreliability import Knobs, knobs_of
from k8s.lab.xray.written import full

_QUIET_S: Final = 2.0
"""How long a trace is left alone after it changed before its rows are worked out unasked."""
_SETTLED_A_TICK: Final = 2_000
_MATCHED_A_TICK: Final = 150
"""The same where groups ask for each trace's documents: about 50 ms of work, too."""
_CATCHING_UP: Final = 8
"""If more wait, this part of them is done in a tick, so that a query never finds all of them waiting."""
_NEED_THE_LEDGER: Final = frozenset({"/ServiceGraph", "/TimeSeriesServiceStatistics", "/TraceSummaries"})


class StandIn:
    """One X-Ray: takes documents, answers queries."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Start empty; *clock* is asked for every moment."""
        self._settings = settings
        self._clock = clock
        self._dice = random.Random(settings.seed)  # noqa: S311  # reproducible unreliability
        self.knobs: Knobs
        self._logs: LogsApi | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything; knobs go back to what the settings say."""
        settings, clock = self._settings, self._clock
        self.knobs = knobs_of(settings)
        resources = Resources()
        nodes = self._nodes = Nodes()
        self._archive = Archive(settings.indexing, resources)
        self._destination = Destination(settings, clock)
        self._store = TraceStore(self._archive, nodes, settings, self._destination.route_of)
        self._intake = Intake(
            settings,
            self.knobs,
            store=self._store,
            archive=self._archive,
            resources=resources,
            packer=Packer(nodes, settings.indexing, accounts=settings.accounts),
        )
        self.close()
        self._spans = SpansLog(
            self._store, self._archive, exists=self._has_spans, account=settings.account_id
        )
        self._logs = LogsApi(
            self._spans,
            self.knobs,
            clock,
            seed=settings.seed,
            sql_pages=settings.logs_sql_pages,
        )
        self._groups = Groups(f"arn:aws:xray:{settings.region}:{settings.account_id}")
        pages = PageBook(settings.seed)
        self._search = Search(self._store, self._groups, pages, settings)
        retrievals = Retrievals(settings, clock, self._store, pages, self._destination)
        queries = Queries(
            settings,
            clock,
            store=self._store,
            nodes=nodes,
            groups=self._groups,
            pages=pages,
            retrievals=retrievals,
        )
        self._operations: Mapping[str, Callable[[Body], Answer]] = {
            **self._own_operations(),
            **self._destination.operations(),
            **retrievals.operations(),
            **queries.operations(),
        }

    def call(self, path: str, body: Body) -> Answer:
        """Answer one API call; XrayError for anything but success."""
        fixed = ANSWERS.get(path)
        operation = self._operations.get(path)
        if fixed is None and operation is None:
            raise api_errors.unknown_operation(path)
        now_s = self._clock()
        rate = self.knobs.throttle_rate
        if now_s < self.knobs.throttle_until_s or (rate and self._dice.random() < rate):
            raise api_errors.throttled(self._settings.throttle_code)
        self._intake.release(now_s)
        if path in _NEED_THE_LEDGER:
            self._store.settle(self._groups_of)
            self._refuse_what_is_gone(body)
        if fixed is not None:
            return fixed(body, now_s)
        return operation(body) if operation is not None else {}

    def logs(self, target: str, body: Body) -> Answer:
        """Answer one API call of CloudWatch Logs; LogsError for anything but success."""
        now_s = self._clock()
        knobs = self.knobs
        if knobs.logs_refuse_after > 0:
            knobs.logs_refuse_after -= 1
            if not knobs.logs_refuse_after:
                knobs.refuse = "expired"
        rate = knobs.throttle_rate
        throttle = now_s < knobs.throttle_until_s or (rate > 0 and self._dice.random() < rate)
        self._intake.release(now_s)
        assert self._logs is not None  # noqa: S101 - since the first reset
        return self._logs.call(target, body, throttle=throttle)

    def close(self) -> None:
        """End what runs of CloudWatch Logs, and forget its records."""
        if self._logs is not None:
            self._logs.close()

    def _has_spans(self) -> bool:
        return self._settings.spans_log_group == "always" or self._destination.in_force == LOGS

    def _refuse_what_is_gone(self, body: Body) -> None:
        """A window from which traces had to go would be answered with a wrong number."""
        start_s, since_s = body.get("StartTime"), self._store.whole_since_s
        if isinstance(start_s, int | float) and start_s < since_s:
            raise api_errors.invalid_request(
                f"the stand-in keeps {self._settings.max_documents} documents and let traces go that ended "
                f"until {since_s:.0f}, so it cannot answer for a window that starts at {start_s:.0f}"
            )

    @property
    def takes_otlp(self) -> bool:
        """Whether OTLP is taken: always as a collector, as AWS's endpoint only with Transaction Search on."""
        return not self._settings.strict_otlp or self._destination.in_force == LOGS

    def take_otlp(self, request: ExportTraceServiceRequest, content: bytes) -> None:
        """Take a decoded OTLP request; *content* is its protobuf encoding."""
        self._intake.take_otlp(request, content, self._clock())

    def turn(self, changes: Body) -> Answer:
        """Turn some knobs; returns all of them."""
        self.knobs.turn(changes, self._clock())
        return msgspec.structs.asdict(self.knobs)

    def tick(self) -> int:
        """Regular work, in small pieces: release what was delayed, drop what is old, count what is quiet.

        Returns how many traces were counted.
        """
        now_s = self._clock()
        self._intake.release(now_s)
        self._store.make_room(now_s)
        self._store.forget_names(self._intake.packed)
        return self._store.settle(self._groups_of, before_s=now_s - _QUIET_S, most=self._slice)

    @property
    def ticks_due(self) -> int:
        """How many ticks to make one after the other, with time for others between them."""
        return max(1, self._store.unsettled // _CATCHING_UP // self._slice)

    def catching_up(self, path: str) -> Iterator[None]:
        """Count what waits, where a call needs it, but for a little; others may have a turn in between."""
        while path in _NEED_THE_LEDGER and self._store.unsettled > self._slice:
            self._store.settle(self._groups_of, most=self._slice)
            yield

    def reading_spans(self, target: str) -> Iterator[None]:
        """Make records of what arrived, where a call of CloudWatch Logs asks for them; others have turns."""
        if target.endswith(".StartQuery"):
            self._intake.release(self._clock())
            yield from self._spans.catching_up()

    @property
    def _slice(self) -> int:
        """How many traces are counted without a pause."""
        return _MATCHED_A_TICK if self._groups else _SETTLED_A_TICK

    def status(self) -> Answer:
        """What is here, and what is not any more."""
        return {
            "traces": len(self._store),
            "documents": self._store.documents,
            "waiting": self._intake.waiting,
            "unsettled": self._store.unsettled,
            "names": len(self._nodes),
            "archive": {"payloads": len(self._archive), "bytes": self._archive.stored_bytes},
            "intake": {key: self._intake.counts[key] for key in ("received", "refused", "lost", "doubled")},
            "dropped": {key: self._store.dropped[key] for key in ("capacity", "expired")},
            "whole_since_s": self._store.whole_since_s,
            "groups": [group.name for group in self._groups.all()],
            "destination": self._destination.in_force,
            "knobs": msgspec.structs.asdict(self.knobs),
            "settings": {**msgspec.to_builtins(self._settings), "control_token": ""},
        }

    def dump(self, most: int) -> Answer:
        """The status, and the newest traces with their processed documents."""
        self._intake.release(self._clock())
        found = (self._store.trace(key) for key in self._store.newest(most))
        traces = {trace.id: processed(trace) for trace in found if trace is not None}
        return {"status": self.status(), "traces": traces}

    def _own_operations(self) -> dict[str, Callable[[Body], Answer]]:
        return {
            "/TraceSegments": self._put_trace_segments,
            "/TraceSummaries": self._search.page,
            "/Traces": self._batch_get_traces,
            "/CreateGroup": self._create_group,
            "/GetGroup": self._get_group,
            "/UpdateGroup": self._update_group,
            "/DeleteGroup": self._delete_group,
            "/Groups": self._get_groups,
        }

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
            raise api_errors.invalid_request(
                f"TraceSegmentDocuments must hold at most {MOST_DOCUMENTS} documents, not {len(documents)}"
            )
        refused = self._intake.take_documents(documents, self._clock())
        return {"UnprocessedTraceSegments": [document.as_json() for document in refused]}

    def _batch_get_traces(self, body: Body) -> Answer:
        found: list[Answer] = []
        unknown: list[str] = []
        for key in trace_keys(body):
            trace = self._store.trace(key) if self._store.route(key) & BY_ID else None
            if trace is None:
                unknown.append(trace_id_of(key))
            else:
                found.append(full(trace))
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

    def _group(self, body: Body) -> XrayGroup:
        return self._groups.find(string(body, "GroupName"), string(body, "GroupARN"))


def _insights(body: Body) -> tuple[bool, bool] | None:
    settings = body.get("InsightsConfiguration")
    if not isinstance(settings, dict):
        return None
    return settings.get("InsightsEnabled") is True, settings.get("NotificationsEnabled") is True
