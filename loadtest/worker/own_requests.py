"""Sees the requests of the user's own Locust users: a header and a span each, without a change to their file.

A request of Locust's statistics is one or more on the wire: a redirect that is followed is another one, with
ids of its own, so that what the server sees, what is counted and what is traced are the same. How a request
ended is what Locust's ``request`` event says, with the checks of the user's own in it.

Requests to another host than the load's target get no header: a stranger has no use for it, and the target
would not see them. They, and clients that only fire the event, are counted as untraced.
"""

import inspect
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import gevent
from gevent.local import local
from locust.exception import CatchResponseError, StopUser

from loadtest.worker.shopper import CUT_OFF, Round, told
from loadtest.worker.tracing import HEADERS, Outcome, SpanIds, new_ids

_NS: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
MARK: Final = "_samezone_call"
"""Attribute of a response: which call it answers."""
_PORTS: Final = {"http": 80, "https": 443}
_BAD_REQUEST: Final = 400
_REPORTED_WITHIN_S: Final = 30.0
"""A request that Locust has not reported so long after its answer never will be: its with-block was left."""
UNREPORTED_S: Final = 1.0
"""The same once the load ends."""
_REFUSED_S: Final = 0.02
_LONGEST_NAME: Final = 200
_QUERY_VALUE: Final = re.compile(r"(?<=[?&])([^=&]*=)[^&\[{<]+")
_CREDENTIALS: Final = re.compile(r"//[^/@]*@")


@dataclass(slots=True, kw_only=True)
class Wire:
    """One request as it goes over the wire."""

    method: str
    url: str
    """Without query, fragment and credentials."""
    start_ns: int
    """By ``time.perf_counter_ns()``, and so is the end."""
    ids: SpanIds | None
    end_ns: int = 0
    status: int = 0
    error: BaseException | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Call:
    """One request of Locust's statistics."""

    round: Round
    start_ns: int
    end_ns: int = 0
    wires: list[Wire] = field(default_factory=list)
    """Those to the target: one, and one for every redirect or retry."""
    strangers: int = 0
    """Those to other hosts."""


class Recorder:
    """Counts and traces what the users of the current round send; one a worker process."""

    def __init__(self, source_ip: str) -> None:
        self._source_ip = source_ip
        self._here: Any = local()
        self._open: set[Call] = set()
        """Sent, or about to be, and not reported by Locust yet."""
        self.round: Round | None = None

    @property
    def current(self) -> Round | None:
        """The round whose requests are seen; None where they are not the user's own, or none is running."""
        one = self.round
        return one if one is not None and one.plan.is_closed_loop and not one.is_settled else None

    def is_target(self, url: str) -> bool:
        """Whether *url* is the load's target."""
        return self.round is not None and _site(url) == _site(self.round.target.url)

    def is_ours(self, host: str, port: int | None) -> bool:
        """Whether a connection that is to be opened is one of the users' to the target."""
        current = self.current
        return current is not None and _site(current.target.url) == (host.lower(), port)

    @contextmanager
    def call(self) -> Iterator[Call | None]:
        """Around one request of Locust's; StopUser once the round ends, but for what ``on_stop`` sends.

        A round without a share is one that this worker shall send nothing of.
        """
        current = self.current
        if current is None:
            yield None
            return
        if (current.share is None or current.stopping) and not _says_goodbye():
            gevent.sleep(_REFUSED_S)  # a task that takes every exception for a failed request tries again
            raise StopUser
        call = Call(round=current, start_ns=time.perf_counter_ns())
        outer, self._here.call = getattr(self._here, "call", None), call
        self._open.add(call)
        try:
            yield call
        except BaseException:
            self._tell(call, "", None)
            raise
        finally:
            self._here.call = outer
            call.end_ns = time.perf_counter_ns()

    @contextmanager
    def wire(self, method: str, url: str, headers: Any) -> Iterator[Wire | None]:
        """Around one request on the wire; sets its header."""
        call: Call | None = getattr(self._here, "call", None)
        if call is None or not self.is_target(url):
            if call is not None:
                call.strangers += 1
                for name in HEADERS:  # of the request that was redirected here
                    headers.pop(name, None)
            yield None
            return
        start_ns = time.perf_counter_ns()
        epoch_ns = call.round.clock.epoch_ns(start_ns)
        ids = new_ids(epoch_ns // _NS) if call.round.spans else None
        if ids is not None:
            headers.update(ids.headers(call.round.target.propagate))
        one = Wire(method=method, url=_plain(url), start_ns=start_ns, ids=ids)
        call.wires.append(one)
        call.round.counter.begin(late_ms=None, at_s=epoch_ns / _NS)
        try:
            yield one
        except BaseException as error:
            one.error = error
            raise
        finally:
            one.end_ns = time.perf_counter_ns()

    def on_request(
        self,
        name: str,
        response_time: float = 0.0,
        exception: BaseException | str | None = None,
        response: Any = None,
        **_event: Any,
    ) -> None:
        """Locust's ``request`` event."""
        call: Call | None = getattr(response, MARK, None)
        if call is None:
            if (current := self.current) is not None:
                current.counter.untraced += 1
            return
        if call in self._open:
            call.end_ns = call.start_ns + int((response_time or 0.0) * _NS_PER_MS)
            self._tell(call, str(name), exception, is_reported=True)

    def flush(self, *, older_s: float = _REPORTED_WITHIN_S) -> None:
        """Count what was answered so long ago and never reported, by its status alone."""
        before_ns = time.perf_counter_ns() - int(older_s * _NS)
        for call in [one for one in self._open if one.end_ns and one.end_ns <= before_ns]:
            self._tell(call, "", None)

    @property
    def source(self) -> tuple[str, int] | None:
        """Where connections to the target come from; None leaves it to the kernel."""
        return (self._source_ip, 0) if self._source_ip else None

    def connected(self) -> None:
        """A connection to the target was opened."""
        if (current := self.current) is not None:
            current.counter.connections += 1

    def _tell(
        self, call: Call, name: str, failed: BaseException | str | None, *, is_reported: bool = False
    ) -> None:
        """Count a call and make its spans."""
        self._open.discard(call)
        counter = call.round.counter
        counter.redirects += max(0, len(call.wires) - 1)
        if not call.wires and (call.strangers or is_reported):
            counter.untraced += 1
        for one in call.wires:
            is_last = one is call.wires[-1]
            if is_last and is_reported:
                one.end_ns = max(one.end_ns, call.end_ns)
                failure = _why(failed, one.status)
            else:
                failure = _why(one.error, one.status) or (
                    f"HTTP {one.status}" if one.status >= _BAD_REQUEST else ""
                )
            self._finish(call.round, one, _shown(name) or urlsplit(one.url).path or "/", failure)

    @staticmethod
    def _finish(current: Round, one: Wire, page: str, failure: str) -> None:
        page = current.counter.page(page)
        if failure:
            current.counter.fail(page, failure)
        else:
            latency_ms = (one.end_ns - one.start_ns) / _NS_PER_MS
            current.counter.succeed(page, latency_ms=latency_ms, late_ms=0.0)
        if current.spans and one.ids is not None:
            outcome = Outcome(page=page, url=one.url, status=one.status, failure=failure, method=one.method)
            epoch_ns = current.clock.epoch_ns
            current.spans.sink.put(
                current.spans.encoder.span(one.ids, epoch_ns(one.start_ns), epoch_ns(one.end_ns), outcome)
            )


def _says_goodbye() -> bool:
    """Whether an ``on_stop`` of a user or a TaskSet is running: its requests belong to the load's end."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "on_stop":
            return True
        frame = frame.f_back
    return False


def _site(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def _plain(url: str) -> str:
    """Without what may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _shown(name: str) -> str:
    """A name of Locust's statistics without what may be a secret: the values of a query, credentials."""
    return _QUERY_VALUE.sub(r"\1", _CREDENTIALS.sub("//", name))[:_LONGEST_NAME]


def _why(error: BaseException | str | None, status: int) -> str:
    """Why a request failed; what a check of the user's says may hold a secret, so only that it failed."""
    if error is None:
        return ""
    if isinstance(error, gevent.GreenletExit):
        return CUT_OFF
    if status >= _BAD_REQUEST and not isinstance(error, CatchResponseError):
        return f"HTTP {status}"
    if isinstance(error, CatchResponseError | str | AssertionError):
        return "a check in the locustfile failed"
    return told(error)
