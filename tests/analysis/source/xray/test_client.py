"""The boto3 adapter: splitting, paging, the preflight, and errors in one line; against a scripted server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from analysis.source.interface import IncompleteError, RefusedError
from analysis.source.xray.client import GRAPH_WINDOW_S, XRay, split
from k8s.errors import InvalidRunError, UnreachableError
from loadtest.record import Window

Answer = tuple[int, dict | bytes]


class Scripted(ThreadingHTTPServer):
    """Answers each path with the next of its scripted answers, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict]] = []


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        self.server.asked.append((self.path, body))
        script = self.server.answers[self.path]
        status, answer = script.pop(0) if len(script) > 1 else script[0]
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[Scripted]:
    """A server on a free port of the loopback."""
    with Scripted() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, daemon=True)
        thread.start()
        yield scripted
        scripted.shutdown()


def client(server: Scripted) -> XRay:
    address = f"http://127.0.0.1:{server.server_address[1]}"
    return XRay(region="eu-west-1", endpoint_url=address, dummy_credentials=True)


def test_all_pages_of_a_graph_are_read(server: Scripted):
    """The token leads from page to page."""
    server.answers["/ServiceGraph"] = [
        (200, {"Services": [{"ReferenceId": 0}], "NextToken": "t"}),
        (200, {"Services": [{"ReferenceId": 1}]}),
    ]

    (pages,) = client(server).graph(Window(start_s=0, end_s=60))

    assert [page["Services"][0]["ReferenceId"] for page in pages] == [0, 1]
    assert server.asked[1][1]["NextToken"] == "t"


def test_long_windows_are_split_without_gap_or_overlap(server: Scripted):
    """Thirteen hours are three queries, end to start."""
    server.answers["/ServiceGraph"] = [(200, {"Services": []})]

    queries = client(server).graph(Window(start_s=0, end_s=13 * 3600))

    bounds = [(body["StartTime"], body["EndTime"]) for _, body in server.asked]
    assert len(queries) == 3
    assert bounds == [(0, 21600), (21600, 43200), (43200, 46800)]


def test_split_of_a_short_window_is_itself():
    """Up to six hours is one query."""
    window = Window(start_s=5.0, end_s=5.0 + GRAPH_WINDOW_S)

    assert split(window, GRAPH_WINDOW_S) == (window,)


def test_traces_are_asked_for_five_at_a_time(server: Scripted):
    """BatchGetTraces takes at most five ids."""
    server.answers["/Traces"] = [(200, {"Traces": [{"Id": "x"}], "UnprocessedTraceIds": []})]

    found = client(server).traces(tuple(f"1-{number}" for number in range(12)))

    assert sorted(len(body["TraceIds"]) for _, body in server.asked) == [2, 5, 5]
    assert len(found) == 3


def test_the_sample_is_cut_at_its_limit(server: Scripted):
    """No page is asked for after enough ids are there."""
    page = {"TraceSummaries": [{"Id": f"1-{number}"} for number in range(3)], "NextToken": "more"}
    server.answers["/TraceSummaries"] = [(200, page)]

    found = client(server).trace_ids(Window(start_s=0, end_s=60), "ok", limit=5)

    assert found == ("1-0", "1-1", "1-2", "1-0", "1-1")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"Destination": "CloudWatchLogs", "Status": "ACTIVE"}, "with Transaction Search on"),
        ({"Destination": "XRay", "Status": "PENDING"}, "wait until it is ACTIVE"),
    ],
)
def test_preflight_refuses_an_incomplete_graph(server: Scripted, answer: dict, message: str):
    """Counts would be of the indexed share only; the run cannot be trusted."""
    server.answers["/GetTraceSegmentDestination"] = [(200, answer)]

    with pytest.raises(InvalidRunError, match=message):
        client(server).preflight()


def test_preflight_passes_on_plain_xray(server: Scripted):
    """The ordinary case says nothing."""
    server.answers["/GetTraceSegmentDestination"] = [(200, {"Destination": "XRay", "Status": "ACTIVE"})]

    client(server).preflight()


def test_a_refusal_is_one_line_with_the_code(server: Scripted):
    """AWS's own code and message, and the operation that was called."""
    server.answers["/ServiceGraph"] = [(403, {"__type": "AccessDeniedException", "message": "not yours"})]

    with pytest.raises(
        RefusedError, match=r"calling get_service_graph of .*AccessDeniedException: not yours"
    ):
        client(server).graph(Window(start_s=0, end_s=60))


def test_a_denied_action_is_named(server: Scripted):
    """What a policy has to allow."""
    server.answers["/Traces"] = [(403, {"__type": "AccessDeniedException", "message": "not authorized"})]

    with pytest.raises(RefusedError, match="allow the IAM action xray:BatchGetTraces"):
        client(server).traces(("1-a",))


def test_pages_without_an_end_are_not_followed_for_ever(server: Scripted):
    """A token that was followed already leads nowhere new; asking again later may."""
    server.answers["/ServiceGraph"] = [(200, {"Services": [], "NextToken": "t"})]

    with pytest.raises(IncompleteError, match="its pages have no end"):
        client(server).graph(Window(start_s=0, end_s=60))

    assert len(server.asked) == 2


def test_an_answer_of_something_else_is_no_empty_graph(server: Scripted):
    """A proxy's page of 200 holds no Services, which is not the same as none."""
    server.answers["/ServiceGraph"] = [(200, {"error": "please log in"})]

    with pytest.raises(IncompleteError, match="the answer holds no Services"):
        client(server).graph(Window(start_s=0, end_s=60))


@pytest.mark.parametrize(
    "body", [b'{"Services": [\xff', b'{"Services": 5}', b'{"Services": [[]]}', b"[]", b"7"]
)
def test_an_answer_of_another_shape_is_one_line(server: Scripted, body: bytes):
    """Whatever the client's parser makes of it, it is no traceback and no graph."""
    server.answers["/ServiceGraph"] = [(200, body)]

    with pytest.raises(UnreachableError, match="calling get_service_graph of"):
        client(server).graph(Window(start_s=0, end_s=60))


def test_trouble_of_its_own_passes(server: Scripted):
    """A 500 that outlasts the client's own attempts is asked again later, not final."""
    server.answers["/ServiceGraph"] = [(500, {"__type": "InternalFailure", "message": "try again"})]

    with pytest.raises(IncompleteError, match="it has trouble of its own"):
        client(server).graph(Window(start_s=0, end_s=60))


def test_throttling_is_retried(server: Scripted):
    """One 429 is weathered without a word."""
    server.answers["/ServiceGraph"] = [
        (429, {"__type": "ThrottledException", "Message": "slow down"}),
        (200, {"Services": []}),
    ]

    assert client(server).graph(Window(start_s=0, end_s=60)) == (({"Services": []},),)
