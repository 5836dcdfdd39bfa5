"""AWS X-Ray through boto3: the only file that knows it.

Graph pages, a sample of traces, the preflight, throttling. The same client reads AWS and the lab's stand-in;
``AWS_ENDPOINT_URL_XRAY`` decides. Limits from the X-Ray API reference and developer guide: GetServiceGraph
takes windows of at most 6 hours, BatchGetTraces at most 5 ids a call.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from analysis.source.interface import IncompleteError, Raw, RefusedError, ThrottledError
from k8s.errors import InvalidRunError, UnreachableError
from loadtest.record import Window

GRAPH_WINDOW_S: Final = 6 * 3600.0
IDS_A_CALL: Final = 5
CALLS_AT_ONCE: Final = 4
"""A call takes some tens of milliseconds; X-Ray names no limit, and throttles are tried again."""
MOST_PAGES: Final = 10_000
"""Of one query; far more than a window holds."""
CONNECT_S: Final = 3.0
READ_S: Final = 15.0
ATTEMPTS: Final = 4
"""The client's own, a few seconds apart: a server that hangs is given up after about a minute."""
DUMMY: Final = "samezone"
_SERVER_ERRORS: Final = 500
_HOLDS: Final = {
    "get_trace_segment_destination": "Destination",
    "get_service_graph": "Services",
    "get_trace_summaries": "TraceSummaries",
    "batch_get_traces": "Traces",
}
"""What an answer holds however little there is to tell; one without it is not X-Ray's."""
_THROTTLES = frozenset({"ThrottledException", "ThrottlingException", "TooManyRequestsException"})

_EXPIRED = frozenset(
    {"ExpiredTokenException", "ExpiredToken", "InvalidSignatureException", "UnrecognizedClientException"}
)


class XRay:
    """Reads graphs and traces; every method raises UnreachableError when X-Ray refuses or is away."""

    def __init__(
        self, *, region: str | None, endpoint_url: str | None, dummy_credentials: bool = False
    ) -> None:
        """*dummy_credentials*: the lab checks no signature, so a laptop without AWS needs none."""
        self.is_stand_in = endpoint_url is not None and "amazonaws.com" not in endpoint_url
        """Not AWS itself: it shows what it was told at once."""
        self._where = endpoint_url or f"X-Ray in {region or 'the default region'}"
        try:
            self._client = boto3.client(
                "xray",
                region_name=region,
                endpoint_url=endpoint_url,
                **({"aws_access_key_id": DUMMY, "aws_secret_access_key": DUMMY} if dummy_credentials else {}),
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    connect_timeout=CONNECT_S,
                    read_timeout=READ_S,
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise UnreachableError(f"connecting to {self._where}: {_short(error)}") from error

    def preflight(self) -> None:
        """Refuse where the graph would not be complete: InvalidRunError under Transaction Search."""
        answer = self._call("get_trace_segment_destination")
        destination, status = answer.get("Destination"), answer.get("Status")
        if destination != "XRay":
            raise InvalidRunError(
                f"asking {self._where} where segments go: {destination} ({status}); with Transaction Search "
                "on, the X-Ray service graph holds only the indexed share of the traces. Set it back: "
                "aws xray update-trace-segment-destination --destination XRay"
            )
        if status != "ACTIVE":
            raise InvalidRunError(
                f"asking {self._where} where segments go: {destination} is {status}; wait until it is ACTIVE"
            )

    def graph(self, window: Window) -> tuple[tuple[Raw, ...], ...]:
        """GetServiceGraph: one tuple of pages a query; windows over 6 hours take several queries."""
        return tuple(
            tuple(self._pages("get_service_graph", StartTime=part.start_s, EndTime=part.end_s))
            for part in split(window, GRAPH_WINDOW_S)
        )

    def trace_ids(self, window: Window, expression: str, *, limit: int) -> tuple[str, ...]:
        """Up to *limit* ids of traces that match a filter expression, newest first."""
        summaries = (
            summary
            for part in split(window, GRAPH_WINDOW_S)
            for page in self._pages(
                "get_trace_summaries",
                StartTime=part.start_s,
                EndTime=part.end_s,
                TimeRangeType="Event",
                FilterExpression=expression,
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
        pages = self._pages("batch_get_traces", TraceIds=ids)
        return [trace for page in pages for trace in page.get("Traces", ())]

    def _pages(self, operation: str, **arguments: Any) -> Iterator[Raw]:
        token: str | None = None
        seen: set[str] = set()
        while token not in seen and len(seen) < MOST_PAGES:
            if token:
                seen.add(token)
            page = self._call(operation, **arguments, **({"NextToken": token} if token else {}))
            page.pop("ResponseMetadata", None)
            yield page
            token = page.get("NextToken")
            if not token:
                return
        raise IncompleteError(
            f"calling {operation} of {self._where}: its pages have no end, after {len(seen) + 1} of them the "
            "next one is one that was read already, or there are too many; ask again later"
        )

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "?"))
            raise _kind(error, code)(
                f"calling {operation} of {self._where}: {code}: {_message(error)}; {_advice(error, code)}"
            ) from error
        except BotoCoreError as error:
            raise UnreachableError(
                f"calling {operation} of {self._where}: {_short(error)}; is it up, are there credentials?"
            ) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            # What botocore's parser raises over bytes that are no JSON, or JSON of another shape.
            raise IncompleteError(
                f"calling {operation} of {self._where}: the answer cannot be read ({_short(error)}); does "
                "something else than X-Ray answer there, a proxy or a login page?"
            ) from error
        wanted = _HOLDS[operation]
        if wanted not in answer:
            raise IncompleteError(
                f"calling {operation} of {self._where}: the answer holds no {wanted}; does something else "
                "than X-Ray answer there, a proxy or a login page?"
            )
        return answer


def split(window: Window, longest_s: float) -> tuple[Window, ...]:
    """Cut a window into disjoint parts of at most *longest_s* seconds."""
    parts: list[Window] = []
    start_s = window.start_s
    while start_s < window.end_s:
        end_s = min(window.end_s, start_s + longest_s)
        parts.append(Window(start_s=start_s, end_s=end_s))
        start_s = end_s
    return tuple(parts)


def _kind(error: ClientError, code: str) -> type[UnreachableError]:
    """What a refusal is: passing, or for good."""
    if code in _THROTTLES:
        return ThrottledError
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return IncompleteError if status >= _SERVER_ERRORS else RefusedError


def _advice(error: ClientError, code: str) -> str:
    if code in _THROTTLES:
        return "it throttles; wait a minute and try again"
    if code in _EXPIRED:
        return "renew the AWS credentials and try again"
    if code.startswith("AccessDenied"):
        return (
            f"allow the IAM action xray:{error.operation_name}, or attach the policy that Terraform's "
            "xray_read_policy_arn names"
        )
    if _kind(error, code) is IncompleteError:
        return "it has trouble of its own; try again in a few minutes"
    return "see the message"


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "")).strip()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
