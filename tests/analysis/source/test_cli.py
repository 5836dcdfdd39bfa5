"""Options -> the source that is opened: named, or what the place offers, with the reason."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from analysis.source import cli
from analysis.source.choice import SourceChoice, SourceKind
from analysis.source.cli import OPENERS, Opener, SourceOpener
from analysis.source.interface import Source
from analysis.source.prometheus.prometheus_source import PrometheusSource
from k8s.console import Io, Parser
from k8s.errors import UsageError
from loadtest.record import Place
from tests.analysis.source.test_seam import FlowLog

PLACE = Place(platform="cluster", context="shop", server="", version="", region="eu-west-1", zones=("a", "b"))


def choice(*argv: str) -> SourceChoice:
    parser = Parser()
    cli.add_options(parser)
    return cli.choice_of(parser.parse_args(argv))


def opener(*argv: str, environment: dict[str, str] | None = None, **changes) -> SourceOpener:
    said: list[str] = changes.pop("said", [])
    surroundings = Heard(out=io.StringIO(), err=io.StringIO(), environment=environment or {}, said=said)
    return SourceOpener(choice=choice(*argv), io=surroundings, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Io):
    """Remembers what it is told to say."""

    said: list[str]

    def say(self, text: str) -> None:
        self.said.append(text)


@contextmanager
def flow_log(opened: SourceOpener, chosen: SourceChoice, place: Place) -> Iterator[Source]:
    assert opened.settled == chosen
    assert place == PLACE
    yield FlowLog([])


FAKE = {**OPENERS, SourceKind.SPANS: Opener(open=flow_log, title=lambda _: "the flow log")}


def test_what_is_named_is_opened_without_a_word():
    """The same one for each window."""
    said: list[str] = []
    made = opener("--source", "spans", openers=FAKE, said=said)

    for _ in range(2):
        with made(PLACE) as source:
            assert source.title == "the flow log"
    assert said == []
    assert made.settle(PLACE) == SourceChoice(source=SourceKind.SPANS)


def test_a_prometheus_is_asked_as_whom_the_environment_says():
    """Name by option, password by environment; neither password nor token stands in what is stored."""
    made = opener(
        "--prometheus", "http://127.0.0.1:1", "--profile", "istio", "--prometheus-user", "me",
        environment={"PROMETHEUS_PASSWORD": "hunter2"},
    )  # fmt: skip

    with made(PLACE) as source:
        assert isinstance(source, PrometheusSource)
        assert source.profile.name == "istio"
    stored = made.settle(PLACE).options()
    assert dict(stored)["source"] == "prometheus"
    assert "hunter2" not in str(stored)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--source", "prometheus"), "give --prometheus URL"),
        (("--prometheus", "http://p"), "give --profile, one of ztunnel, linkerd"),
        (("--prometheus", "http://p", "--profile", "nothing"), "no built-in one"),
    ],
)
def test_what_is_missing_is_named(argv: tuple[str, ...], words: str):
    """In one line, before anything is asked."""
    with pytest.raises(UsageError, match=words):
        opener(*argv).settle(PLACE)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_limit_is_a_length_above_nothing(text: str):
    """The line says what was given, and what may be."""
    with pytest.raises(UsageError, match=rf"--prometheus-timeout-s: '?{text}.*90s"):
        choice(f"--prometheus-timeout-s={text}")


def test_bytes_are_looked_at_and_not_judged():
    """A verb that judges refuses a profile of bytes before it changes anything; one that looks does not."""
    argv = ("--prometheus", "http://127.0.0.1:1", "--profile", "netobserv")

    assert opener(*argv).settle(PLACE).profile == "netobserv"
    with pytest.raises(UsageError, match=r"it counts bytes, whose share has no interval.*samezone observe"):
        opener(*argv, is_judged=True).settle(PLACE)


def test_a_profile_file_is_found_again_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its path is absolute where it is stored."""
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("x")

    assert choice("--profile", "mine.yaml").profile == str(tmp_path / "mine.yaml")
    assert choice("--profile", "ztunnel").profile == "ztunnel"


@contextmanager
def x_ray(answer: bytes) -> Iterator[str]:
    """Something on loopback that says to every question where segments go."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (
            b'{"Destination": "CloudWatchLogs", "Status": "ACTIVE"}',
            SourceKind.SPANS,
            ["calls are counted by the flow log, since Transaction Search is on"],
        ),
        (
            b'{"Destination": "XRay", "Status": "ACTIVE"}',
            SourceKind.XRAY,
            [],
        ),
        (b"<html>", SourceKind.XRAY, []),
    ],
    ids=["transaction search", "x-ray", "no answer to read: reading it will say so"],
)
def test_where_nobody_names_a_source(
    answer: bytes, kind: SourceKind, told: list[str], monkeypatch: pytest.MonkeyPatch
):
    """What the account's segments go to decides; where that is not X-Ray, it is said once, and why."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "samezone")
    said: list[str] = []
    with x_ray(answer) as address:
        made = opener(environment={"AWS_ENDPOINT_URL_XRAY": address}, openers=FAKE, said=said)
        found = [made.settle(PLACE) for _ in range(2)]

    assert {one.source for one in found} == {kind}
    assert said == told
