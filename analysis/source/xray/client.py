"""AWS X-Ray: graph pages, a sample of traces, the preflight.

The same client reads AWS and the lab's stand-in; ``AWS_ENDPOINT_URL_XRAY`` decides. Limits from the X-Ray API
reference and developer guide: GetServiceGraph takes windows of at most 6 hours, BatchGetTraces at most 5 ids
a call.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Final

from analysis.source.aws.aws_client import AwsClient
from analysis.source.interface import Raw
from k8s.errors import InvalidRunError
from loadtest.record import Window

GRAPH_WINDOW_S: Final = 6 * 3600.0
IDS_A_CALL: Final = 5
CALLS_AT_ONCE: Final = 4
"""A call takes some tens of milliseconds; X-Ray names no limit, and throttles are tried again."""
POLICY: Final = "analysis_policy_arn"
"""Terraform's output that names the policy for what the analysis reads."""
_HOLDS: Final = {
    "get_trace_segment_destination": "Destination",
    "get_service_graph": "Services",
    "get_trace_summaries": "TraceSummaries",
    "batch_get_traces": "Traces",
}
"""What an answer holds however little there is to tell; one without it is not X-Ray's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where an account's trace segments go."""

    name: str
    status: str

    @property
    def is_search(self) -> bool:
        """Transaction Search: all of them go to CloudWatch Logs, and X-Ray shows an indexed share."""
        return self.name != "XRay"


class XRay:
    """Reads graphs and traces; every method raises UnreachableError when X-Ray refuses or is away."""

    def __init__(
        self, *, region: str | None, endpoint_url: str | None, dummy_credentials: bool = False
    ) -> None:
        """*dummy_credentials*: the lab checks no signature, so a laptop without AWS needs none."""
        self._client = AwsClient(
            "xray",
            title="X-Ray",
            region=region,
            endpoint_url=endpoint_url,
            dummy_credentials=dummy_credentials,
            holds=_HOLDS,
            policy=POLICY,
        )
        self.is_stand_in = self._client.is_stand_in
        """Not AWS itself: it shows what it was told at once."""

    def preflight(self) -> None:
        """Refuse where the graph would not be complete: InvalidRunError under Transaction Search."""
        found = self.destination()
        destination, status, where = found.name, found.status, self._client.where
        if found.is_search:
            raise InvalidRunError(
                f"asking {where} where segments go: {destination} ({status}); with Transaction Search "
                "on, the X-Ray service graph holds only the indexed share of the traces. Count the spans "
                "instead: --source spans; or set it back: aws xray update-trace-segment-destination "
                "--destination XRay"
            )
        if status != "ACTIVE":
            raise InvalidRunError(
                f"asking {where} where segments go: {destination} is {status}; wait until it is ACTIVE"
            )

    def destination(self) -> Destination:
        """Where segments go that are sent to X-Ray."""
        answer = self._client.call("get_trace_segment_destination")
        return Destination(name=str(answer.get("Destination")), status=str(answer.get("Status")))

    def graph(self, window: Window) -> tuple[tuple[Raw, ...], ...]:
        """GetServiceGraph: one tuple of pages a query; windows over 6 hours take several queries."""
        return tuple(
            tuple(self._client.pages("get_service_graph", StartTime=part.start_s, EndTime=part.end_s))
            for part in split(window, GRAPH_WINDOW_S)
        )

    def trace_ids(self, window: Window, expression: str | None, *, limit: int) -> tuple[str, ...]:
        """Up to *limit* ids of traces that match a filter expression, all without one; newest first."""
        wanted = {} if expression is None else {"FilterExpression": expression}
        summaries = (
            summary
            for part in split(window, GRAPH_WINDOW_S)
            for page in self._client.pages(
                "get_trace_summaries",
                StartTime=part.start_s,
                EndTime=part.end_s,
                TimeRangeType="Event",
                **wanted,
            )
            for summary in page.get("TraceSummaries", ())
        )
        return tuple(summary["Id"] for summary in islice(summaries, limit))

    def traces(self, ids: tuple[str, ...]) -> tuple[Raw, ...]:
        """The traces of these ids, five a call, several calls at once; unknown ids are left out."""
        batches = [list(ids[start : start + IDS_A_CALL]) for start in range(0, len(ids), IDS_A_CALL)]
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            return tuple(trace for found in pool.map(self._batch, batches) for trace in found)

    def _batch(self, ids: list[str]) -> list[Raw]:
        pages = self._client.pages("batch_get_traces", TraceIds=ids)
        return [trace for page in pages for trace in page.get("Traces", ())]


def transaction_search_is_on(xray: XRay) -> bool:
    """Whether the account keeps its spans in ``aws/spans``, so that they are to be counted there.

    Also while that is still PENDING: from then on the graph is not whole any more.
    """
    return xray.destination().is_search


def split(window: Window, longest_s: float) -> tuple[Window, ...]:
    """Cut a window into disjoint parts of at most *longest_s* seconds."""
    parts: list[Window] = []
    start_s = window.start_s
    while start_s < window.end_s:
        end_s = min(window.end_s, start_s + longest_s)
        parts.append(Window(start_s=start_s, end_s=end_s))
        start_s = end_s
    return tuple(parts)
