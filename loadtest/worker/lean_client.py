"""Sends the plan's pages without the machinery that they do not need, for one user.

Of a request by Locust's FastHttpUser most is spent on a user agent that follows redirects, keeps cookies and
decodes bodies, and on gevent's sockets; the plan's pages need none of it. No library sends prepared bytes and
reads answers on gevent's loop, so this one does, with a bought parser (``answer``) and the standard library's
sockets (``channel``). What goes over the wire, what is tried again and how failures are called is
FastHttpUser's: the tests send every kind of answer to both.

FastHttpUser goes on to send what this client cannot: a page whose headers ask for a conversation
(``can_send``), and all pages of a target that sets cookies, from its first cookie on.
"""

from binascii import hexlify
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import gevent.socket
import gevent.ssl
from geventhttpclient.client import HTTPClient
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.url import URL

from loadtest.worker.answer import Answer, AnswerReader, KnownHeads
from loadtest.worker.channel import Channel, PlainChannel, TlsChannel, Waiting
from loadtest.worker.choice import Visit
from loadtest.worker.connections import SocketAddress, literal, place_of
from loadtest.worker.target import W3C
from loadtest.worker.tracing import HEADERS, SpanIds

_TALKATIVE: Final = frozenset({"expect", "transfer-encoding", "upgrade", "te", "trailer", "connection"})
"""Headers that make more of a request than bytes out and an answer in."""
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_OWN_PORTS: Final = frozenset({80, 443})
_TRIES: Final = 3
"""Of a request whose connection ends before the first byte of an answer, where it may be sent twice."""


def can_send(visit: Visit) -> bool:
    """Whether the lean client can send what FastHttpUser would send."""
    method, names = visit.page.method.upper(), {name.lower() for name, _ in visit.headers}
    texts = "".join((method, *(part for pair in visit.headers for part in pair)))
    return (
        method.isalpha()
        and method != "CONNECT"
        and not names & _TALKATIVE
        and "content-length" not in names
        and texts.isprintable()
        and all(ord(one) < 256 for one in texts)  # noqa: PLR2004  Latin-1, the language of heads
        and not visit.path.startswith("//")
    )


class LeanRequest:
    """A visit as bytes, but for the headers of its trace."""

    __slots__ = ("_end", "_head", "_propagate", "is_head", "is_idempotent")

    def __init__(self, visit: Visit, *, base_url: str, propagate: str, is_traced: bool) -> None:
        """*base_url* and the visit's path make the URL; *propagate* is one of PROPAGATIONS."""
        url, method = URL(base_url + visit.path), visit.page.method.upper()
        self.is_head = method == "HEAD"
        self.is_idempotent = method in _IDEMPOTENT
        self._propagate = propagate if is_traced else ""
        before, after = _headers(visit, url, method, is_traced=is_traced)
        self._head = _lines([f"{method} {url.quoted_uri} HTTP/1.1", *before])
        self._end = _lines(after) + b"\r\n" + visit.body
        if self._propagate == W3C:
            self._head += b"traceparent: 00-"
            self._end = b"-01\r\n" + self._end

    def with_ids(self, ids: SpanIds) -> bytes:
        """The whole request."""
        if self._propagate == W3C:
            return b"".join((self._head, hexlify(ids.trace), b"-", hexlify(ids.span), self._end))
        if not self._propagate:
            return self._head + self._end
        traced = [f"{name}: {text}" for name, text in ids.headers(self._propagate).items()]
        return b"".join((self._head, _lines(traced), self._end))


def _headers(visit: Visit, url: URL, method: str, *, is_traced: bool) -> tuple[list[str], list[str]]:
    """The lines before those of the trace and after them: the same as FastHttpUser's, in its order."""
    given = Headers()
    given.update(HTTPClient.DEFAULT_HEADERS)
    given.update(dict(visit.headers))
    if is_traced:
        for name in HEADERS:
            given.discard(name)
    host = f"[{url.host}]" if ":" in url.host else url.host
    implied = {
        "Accept-Encoding": "gzip, deflate, br",
        "content-type": "application/octet-stream" if visit.body else "",
        "Host": host if url.port in _OWN_PORTS else f"{host}:{url.port}",
        "Content-Length": str(len(visit.body)) if visit.body or method in _WITH_BODY else "",
    }
    after = [f"{name}: {text}" for name, text in implied.items() if text and name not in given]
    return [f"{name}: {text}" for name, text in given.items()], after


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


class LeanClient:
    """One user's connection to the target; at most one request in flight."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float,
        source_ip: str,
        on_connect: Callable[[], None],
        trust: gevent.ssl.SSLContext | None = None,
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        """*timeout_s* is how long each step may take: to connect, to send, to get the next bytes.

        *trust* is for https; *hosts* has addresses of Services that no DNS here knows.
        """
        url = URL(base_url)
        self._host, self._port = place_of(url, hosts or {})
        self._server_name = url.host
        self._timeout_s = timeout_s
        self._source_ip = source_ip
        self._on_connect = on_connect
        self._trust = trust
        self._waiting = Waiting(timeout_s)
        self._known = KnownHeads()
        self._channel: Channel | None = None
        self.head_status = 0
        """The status of the last answer if its head came, whatever came after it; else 0."""

    def send(self, request: LeanRequest, ids: SpanIds) -> Answer:
        """Send a request and read the answer; OSError or HTTPParseError, as FastHttpUser has them."""
        data, self.head_status = request.with_ids(ids), 0
        tries = _TRIES if request.is_idempotent else 1
        while True:
            channel = self._channel
            # What is sent twice does no harm, and a connection that has ended says so soon enough.
            if channel is None or channel.is_stale(surely=not request.is_idempotent):
                self.renew()
                channel = self._channel = self._connect()
            try:
                answer = self._exchange(channel, data, is_head=request.is_head)
            except HTTPConnectionClosed:
                self.renew()
                tries -= 1
                if not tries:
                    raise
            except BaseException:
                self.renew()
                raise
            else:
                if not answer.is_kept:
                    self.renew()
                return answer

    def renew(self) -> None:
        """Close the connection: the next request opens a new one, and kube-proxy chooses anew."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def close(self) -> None:
        """Give everything back; the client can go on after it."""
        self.renew()
        self._waiting.close()

    def _exchange(self, channel: Channel, data: bytes, *, is_head: bool) -> Answer:
        try:
            channel.send(data)
            received = channel.receive()
        except (ConnectionResetError, BrokenPipeError):
            # One that refuses what it has not read to the end has answered before it closed.
            received = _left_over(channel)
        if not received:
            raise HTTPConnectionClosed("connection closed.")
        answer = None if is_head else self._known.answer(received)
        if answer is not None:
            return answer
        reader = AnswerReader(is_head=is_head)
        answer = reader.read(received)
        if answer is not None and not is_head:
            self._known.learn(received, answer)
        while answer is None:
            self.head_status = reader.status
            answer = reader.read(channel.receive())
        return answer

    def _connect(self) -> Channel:
        """Connect to the first address that takes us."""
        first_error: OSError | None = None
        for address in self._addresses():
            try:
                channel = self._channel_to(address)
            except OSError as error:
                first_error = first_error or error
            else:
                self._on_connect()
                return channel
        raise first_error or OSError(f"no address for {self._host}")

    def _channel_to(self, address: SocketAddress) -> Channel:
        if self._trust is None:
            return PlainChannel(self._waiting, address, self._source_ip)
        return TlsChannel(
            address,
            self._source_ip,
            trust=self._trust,
            server_name=self._server_name,
            limit_s=self._timeout_s,
        )

    def _addresses(self) -> Sequence[SocketAddress]:
        found = literal(self._host, self._port)
        if found is None:
            kinds = gevent.socket.SOCK_STREAM, gevent.socket.SOL_TCP
            found = list(gevent.socket.getaddrinfo(self._host, self._port, 0, *kinds))
        return found


def _left_over(channel: Channel) -> bytes:
    """What came before the connection broke; nothing where nothing did."""
    try:
        return channel.receive()
    except (ConnectionResetError, BrokenPipeError):
        return b""
