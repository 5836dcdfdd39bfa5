"""The queries that count: GetServiceGraph, GetTraceGraph, GetRetrievedTracesGraph, and the time series.

Source: the service model in botocore; the 6 hours and their message were seen live by others. That a time
series takes no longer windows, and leaves out periods without a request, is our reading.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from k8s.lab.xray import api_errors
from k8s.lab.xray.arguments import GRAPH_HOURS, Window, string, trace_keys, window_of
from k8s.lab.xray.behaviour import Clock, Settings
from k8s.lab.xray.destination import Operations
from k8s.lab.xray.elements import Nodes
from k8s.lab.xray.filters import EdgeFilter, ServiceFilter, Who, parse_selector
from k8s.lab.xray.graph import INFERRED, OWN
from k8s.lab.xray.groups import Groups, XrayGroup
from k8s.lab.xray.paging import Cursor, PageBook, query_of
from k8s.lab.xray.retrieval import Retrievals
from k8s.lab.xray.services import histogram_of, services_of, statistics_of
from k8s.lab.xray.tally import Selection, Total
from k8s.lab.xray.trace_store import BY_ID, TraceStore

Body = Mapping[str, Any]
Answer = dict[str, Any]
Counts = Callable[[int, int], bool]

_MINUTE_S: Final = 60


class Queries:
    """Answers the graph's queries; the store must be settled."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        store: TraceStore,
        nodes: Nodes,
        groups: Groups,
        pages: PageBook,
        retrievals: Retrievals,
    ) -> None:
        """Ask these."""
        self._settings = settings
        self._clock = clock
        self._store = store
        self._nodes = nodes
        self._groups = groups
        self._pages = pages
        self._retrievals = retrievals

    def operations(self) -> Operations:
        """The API's operations."""
        return {
            "/ServiceGraph": self._service_graph,
            "/TraceGraph": self._trace_graph,
            "/GetRetrievedTracesGraph": self._retrieved_graph,
            "/TimeSeriesServiceStatistics": self._time_series,
        }

    def _service_graph(self, body: Body) -> Answer:
        window, group = window_of(body, GRAPH_HOURS), self._group_of(body)
        page = self._page(
            "GetServiceGraph",
            body,
            lambda: self._services(self._totals(window, group)),
            self._settings.graph_page_size,
            "Services",
        )
        times = {"StartTime": window.start_s, "EndTime": window.end_s}
        return {**times, "ContainsOldGroupVersions": _is_mixed(group, window), **page}

    def _trace_graph(self, body: Body) -> Answer:
        keys = [key for key in trace_keys(body) if self._store.route(key) & BY_ID]
        return self._page(
            "GetTraceGraph",
            body,
            lambda: self._services(self._store.totals_of(keys)),
            self._settings.graph_page_size,
            "Services",
        )

    def _retrieved_graph(self, body: Body) -> Answer:
        status, keys = self._retrievals.found(body)
        page = self._page(
            "GetRetrievedTracesGraph",
            body,
            lambda: [
                {"Service": service, "Links": []} for service in self._services(self._store.totals_of(keys))
            ],
            self._settings.graph_page_size,
            "Services",
        )
        return {"RetrievalStatus": status, **page}

    def _time_series(self, body: Body) -> Answer:
        window, group = window_of(body, GRAPH_HOURS), self._group_of(body)
        period_s = body.get("Period", _MINUTE_S)
        if not isinstance(period_s, int) or period_s < _MINUTE_S or period_s % _MINUTE_S:
            raise api_errors.invalid_request("Period must be a multiple of 60 seconds")
        text = string(body, "EntitySelectorExpression")
        selector = parse_selector(text) if text else None
        if body.get("ForecastStatistics") is True and not isinstance(selector, ServiceFilter):
            raise api_errors.invalid_request(
                "ForecastStatistics needs an EntitySelectorExpression with an id"
            )
        page = self._page(
            "GetTimeSeriesServiceStatistics",
            body,
            lambda: self._series(window, group, selector, period_s),
            self._settings.series_page_size,
            "TimeSeriesServiceStatistics",
        )
        return {"ContainsOldGroupVersions": _is_mixed(group, window), **page}

    def _services(self, totals: Sequence[Total]) -> list[Answer]:
        return services_of(totals, self._nodes.identity, self._settings.seed)

    def _totals(self, window: Window, group: XrayGroup | None) -> list[Total]:
        return self._store.totals(self._selection(window, group))

    def _series(
        self,
        window: Window,
        group: XrayGroup | None,
        selector: ServiceFilter | EdgeFilter | None,
        period_s: int,
    ) -> list[Answer]:
        name = "ServiceSummaryStatistics" if isinstance(selector, ServiceFilter) else "EdgeSummaryStatistics"
        found = self._store.series(self._selection(window, group), self._wanted(selector), period_s)
        return [
            {
                "Timestamp": float(start_s),
                name: statistics_of([total]),
                "ResponseTimeHistogram": histogram_of([total.responses]),
            }
            for start_s, total in found
        ]

    def _wanted(self, selector: ServiceFilter | EdgeFilter | None) -> Counts:
        """Whether a selector means the cell (caller, node)."""
        if isinstance(selector, ServiceFilter):
            who = selector.who
            return lambda caller, node: caller in {OWN, INFERRED} and self._is(node, who)
        if isinstance(selector, EdgeFilter):
            edge = selector
            return lambda caller, node: (
                caller not in {OWN, INFERRED}
                and self._is(caller, edge.caller)
                and self._is(node, edge.callee)
            )
        return lambda caller, _: caller not in {OWN, INFERRED}

    def _is(self, node: int, who: Who) -> bool:
        wanted = zip((who.name, who.type, who.account), self._nodes.identity(node), strict=True)
        return all(asked is None or asked == actual for asked, actual in wanted)

    def _selection(self, window: Window, group: XrayGroup | None) -> Selection:
        start_s, end_s = window.start_s, window.end_s
        if self._settings.window == "minute":
            start_s = math.floor(start_s / _MINUTE_S) * _MINUTE_S
            end_s = math.ceil(end_s / _MINUTE_S) * _MINUTE_S
        return Selection(
            start_s=max(start_s, self._clock() - self._settings.retention_s),
            end_s=end_s,
            under_way=self._settings.window == "overlap",
            group_bit=group.bit if group else None,
        )

    def _group_of(self, body: Body) -> XrayGroup | None:
        """The group that a request names; a group without traces where it may be unknown."""
        name, arn = string(body, "GroupName"), string(body, "GroupARN")
        if not name and not arn:
            return None
        try:
            return self._groups.find(name, arn)
        except api_errors.XrayError:
            if self._settings.unknown_group_is_empty:
                return self._groups.nobody()
            raise

    def _page(
        self, operation: str, body: Body, find: Callable[[], Sequence[Answer]], size: int, key: str
    ) -> Answer:
        """A page of what *find* finds; what later pages hold is kept as text, which takes a tenth."""
        cursor = self._pages.resume(operation, body)
        if cursor is None:
            found = find()
            if len(found) <= size:
                return {key: found}
            texts = [msgspec.json.encode(item) for item in found]
            cursor = Cursor(query=query_of(operation, body), items=texts)
        end = cursor.place + size
        page: Answer = {key: [msgspec.json.decode(text) for text in cursor.items[cursor.place : end]]}
        token = self._pages.token(cursor, end)
        return page if token is None else {**page, "NextToken": token}


def _is_mixed(group: XrayGroup | None, window: Window) -> bool:
    """Whether the group's expression changed after the window began."""
    changed_s = group.versions[-1].since_s if group and len(group.versions) > 1 else None
    return changed_s is not None and changed_s > window.start_s
