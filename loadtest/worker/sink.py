"""Delivers encoded spans to a collector without disturbing the greenlets that make them.

A bounded queue, one background greenlet, one keep-alive connection. Everything made is counted as delivered
(the collector said 200) or dropped (queue full, or given up), so that loss is measured and never assumed.

A batch whose fate is not known (no answer in time) is posted again: losing it cannot be mended afterwards,
while a second delivery can be told. Behind a collector it is not harmless, since the X-Ray exporter draws a
new id for the worker's segment each time: the trace then has two root segments, and entries count too much.
The analysis goes by a worker's calls instead, whose ids are the spans' own. What was posted again after an
unknown fate is counted here, for the record.
"""

import errno
import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from geventhttpclient.client import HTTPClient
from geventhttpclient.response import HTTPParseError

from loadtest.worker.tracing import rejected_spans

logger = logging.getLogger(__name__)

_HEADERS = {"Content-Type": "application/x-protobuf"}
_OK = 200
_RETRYABLE = frozenset({0, 408, 429})
"""No answer, or an answer that says "later"; server errors are tried again as well, where OTLP/HTTP asks
clients to repeat 429, 502, 503 and 504 only."""
_NOT_TAKEN = 429
"""Answer to what was not looked at; any other failure may have come after a part was passed on."""
_NOT_REACHED = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings:
    """How spans are queued and posted."""

    capacity: int = 32_768
    """Most spans waiting; one more is dropped and counted."""
    batch: int = 1024
    """Spans a post. A post costs as much as sending ten requests does, whatever it carries."""
    age_s: float = 0.5
    """A span waits about so long at most before its batch is posted."""
    timeout_s: float = 5.0
    backoff_s: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8, 1.6)
    """Pauses before each further try of a failed batch; after the last one it is dropped."""


class SpanSink:
    """A queue of encoded spans and the greenlet that posts them."""

    def __init__(
        self, url: str, body_of: Callable[[Sequence[bytes]], bytes], settings: SinkSettings | None = None
    ) -> None:
        self._settings = settings or SinkSettings()
        self._capacity, self._batch = self._settings.capacity, self._settings.batch
        self._url = urlsplit(url)
        self._body_of = body_of
        self._client = self._new_client()
        self._queue: deque[bytes] = deque()
        self._draining = False
        self._something = Event()
        self._hurry = Event()
        self._settled = Event()
        self._settled.set()
        self.made = 0
        self.delivered = 0
        self.dropped = 0
        self.again = 0
        """Posts of spans that an earlier post may have brought already; of one span perhaps several."""
        self._greenlet = gevent.spawn(self._run)

    @property
    def pending(self) -> int:
        """Spans neither delivered nor dropped."""
        return self.made - self.delivered - self.dropped

    def put(self, span: bytes) -> None:
        """Queue one span; never blocks."""
        self.made += 1
        queue = self._queue
        waiting = len(queue)
        if waiting >= self._capacity:
            self.dropped += 1
            return
        queue.append(span)
        if not waiting:
            self._settled.clear()
            self._something.set()
        elif waiting == self._batch - 1:
            self._hurry.set()

    def drain(self, deadline_s: float) -> int:
        """Post without delay until nothing waits, for at most *deadline_s*; what is left then is dropped.

        Returns how many were dropped. The sink goes on afterwards.
        """
        self._draining = True
        self._hurry.set()
        settled = self._settled.wait(deadline_s)
        self._draining = False
        if settled:
            return 0
        self._greenlet.kill()
        abandoned = self.pending
        self._abandon(abandoned, f"not accepted within {deadline_s:g} s")
        self._queue.clear()
        self._settled.set()
        # A post cut off half-way leaves its connection checked out of the old client's pool for ever.
        self._client.close()
        self._client = self._new_client()
        self._greenlet = gevent.spawn(self._run)
        return abandoned

    def close(self) -> None:
        """Stop posting and close the connection; spans still waiting are dropped."""
        self._greenlet.kill()
        if self.pending:
            self._abandon(self.pending, "the worker ends")
        self._queue.clear()
        self._client.close()

    def _new_client(self) -> HTTPClient:
        return HTTPClient(
            str(self._url.hostname),
            port=self._url.port,
            connection_timeout=self._settings.timeout_s,
            network_timeout=self._settings.timeout_s,
        )

    def _run(self) -> None:
        queue, batch_size = self._queue, self._batch
        while True:
            self._something.wait()
            if len(queue) < batch_size and not self._draining:
                self._hurry.wait(self._settings.age_s)
            self._hurry.clear()
            while queue:
                batch = [queue.popleft() for _ in range(min(batch_size, len(queue)))]
                self._deliver(batch)
                if len(queue) < batch_size:
                    break
            if not queue:
                self._something.clear()
                self._settled.set()

    def _deliver(self, batch: list[bytes]) -> None:
        """Post one batch until its fate is known, or patience ends."""
        body = self._body_of(batch)
        problem, may_be_there = "", False
        for pause_s in (0.0, *self._settings.backoff_s):
            if pause_s:
                gevent.sleep(pause_s)
            if may_be_there:
                self.again += len(batch)
            status, answer, problem, uncertain = self._post(body)
            may_be_there |= uncertain
            if status == _OK:
                rejected = min(len(batch), rejected_spans(answer))
                self.delivered += len(batch) - rejected
                if rejected:
                    self._abandon(rejected, "rejected by the collector")
                return
            if status not in _RETRYABLE and status < _SERVER_ERROR:
                break
        self._abandon(len(batch), problem)

    def _post(self, body: bytes) -> tuple[int, bytes, str, bool]:
        """One try: (HTTP status or 0, response body, what went wrong, whether it may be there even so)."""
        try:
            response = self._client.post(self._url.path, body, headers=_HEADERS)
            answer = response.read()
        except (OSError, HTTPParseError) as error:
            nowhere = isinstance(error, OSError) and error.errno in _NOT_REACHED
            reached = not (nowhere or isinstance(error, socket.gaierror))
            return 0, b"", f"{type(error).__name__}: {error}", reached
        status = response.status_code
        return status, answer, f"HTTP {status}", status != _NOT_TAKEN

    def _abandon(self, spans: int, reason: str) -> None:
        self.dropped += spans
        logger.warning("%d spans dropped: %s", spans, reason)
