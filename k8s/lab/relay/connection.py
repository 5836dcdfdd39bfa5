"""One relayed connection: bytes copied untouched both ways, with half-close, back-pressure and resets.

Raw sockets on the event loop's readers and writers: a transport and a protocol for each side would cost
several times as much a connection, and connections are what the lab is about.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from k8s.lab.relay.counters import EndpointCounts

_CHUNK_BYTES = 65536
_HIGH_BYTES = 1 << 20
"""A direction that holds more than this, on the wire or unsent, stops reading: 1.7 GB/s at 0.6 ms."""
_LOW_BYTES = 1 << 19
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_TICK_S = 1e-6
"""Keeps chunks that are due at one moment in order; the loop's timers of equal time have none."""
_Part = bytes | memoryview


def reset(sock: socket.socket) -> None:
    """Close with RST instead of FIN, as if nobody had ever answered."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()


class _Flow:
    """One direction: from *source*, over a wire of *delay_s*, to *sink*.

    *count* is told how many bytes went into the sink, *lost* which socket failed, *done* that the stream's
    end was reached and everything before it is in the sink.
    """

    __slots__ = (
        "_count",
        "_dead",
        "_delay_s",
        "_done",
        "_due_s",
        "_end_arrived",
        "_held_bytes",
        "_loop",
        "_lost",
        "_not_before_s",
        "_read_all",
        "_reading",
        "_unsent",
        "ended",
        "sink",
        "source",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: socket.socket,
        sink: socket.socket,
        *,
        wire: tuple[float, float],
        count: Callable[[int], None],
        lost: Callable[[socket.socket], None],
        done: Callable[[], None],
    ) -> None:
        self.source = source
        self.sink = sink
        self.ended = False
        self._loop = loop
        self._delay_s, self._not_before_s = wire
        self._due_s = 0.0
        self._count = count
        self._lost = lost
        self._done = done
        self._unsent: deque[_Part] = deque()
        self._held_bytes = 0
        self._reading = False
        self._read_all = False
        self._end_arrived = False
        self._dead = False

    def start_reading(self) -> None:
        """Read from the source until told otherwise."""
        self._reading = True
        self._loop.add_reader(self.source.fileno(), self._readable)

    def stop_reading(self) -> None:
        """Leave the source alone; what was read still arrives."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self.source.fileno())

    def stop(self) -> None:
        """Pass nothing on any more."""
        self.stop_reading()
        self._dead = True
        if self._unsent:
            self._unsent.clear()
            self._loop.remove_writer(self.sink.fileno())

    def cease_reading(self) -> None:
        """Leave the source alone for good: it is gone."""
        self.stop_reading()
        self._read_all = True

    def later(self, call: Callable[[Any], None], what: object) -> None:
        """Call when what is sent now arrives at the other end of the wire."""
        if not self._delay_s:
            call(what)
            return
        due_s = max(self._loop.time(), self._not_before_s) + self._delay_s
        self._due_s = due_s = max(due_s, self._due_s + _TICK_S)
        self._loop.call_at(due_s, call, what)

    def _readable(self) -> None:
        self._read()
        if self._reading:
            # Most often the end of the stream is right behind what was there, and saves waking up for it.
            self._read()

    def _read(self) -> None:
        try:
            data = self.source.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._lost(self.source)
            return
        self._held_bytes += len(data)
        self._read_all = not data
        if self._read_all or self._held_bytes > _HIGH_BYTES:
            self.stop_reading()
        self.later(self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        if self._dead:
            return
        if not data:
            self._end_arrived = True
            if not self._unsent:
                self._end()
        elif self._unsent:
            self._unsent.append(data)
        elif (rest := self._send(data)) is None:
            self._go_on()
        else:
            self._unsent.append(rest)
            self._loop.add_writer(self.sink.fileno(), self._writable)

    def _send(self, data: _Part) -> _Part | None:
        """What the sink did not take; None if it took all, or is lost."""
        try:
            sent = self.sink.send(data)
        except BlockingIOError:
            return data
        except OSError:
            self._lost(self.sink)
            return None
        self._count(sent)
        self._held_bytes -= sent
        return None if sent == len(data) else memoryview(data)[sent:]

    def _writable(self) -> None:
        while self._unsent:
            rest = self._send(self._unsent[0])
            if self._dead:
                return
            if rest is not None:
                self._unsent[0] = rest
                break
            self._unsent.popleft()
        if not self._unsent:
            self._loop.remove_writer(self.sink.fileno())
            if self._end_arrived:
                self._end()
        self._go_on()

    def _go_on(self) -> None:
        """Read again if that was stopped for what has been passed on by now."""
        if not self._reading and not self._read_all and not self._dead and self._held_bytes < _LOW_BYTES:
            self.start_reading()

    def _end(self) -> None:
        self.ended = True
        self._done()


class Connection:
    """A client's connection and the one to its endpoint, until both directions have ended.

    *delay_s* is the one-way latency between the two. The client was accepted here, on its own node, so the
    latency of the handshake is still to be had: to the client the connection stands two delays after
    *accepted_s* (SYN, SYN-ACK), so its first byte arrives three delays after it; to the server one (SYN).
    """

    __slots__ = ("_client", "_requests", "_responses", "_server", "_tally")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: socket.socket,
        server: socket.socket,
        *,
        tally: EndpointCounts,
        delay_s: float,
        accepted_s: float,
    ) -> None:
        self._client = client
        self._server = server
        self._tally = tally
        self._requests = _Flow(
            loop,
            client,
            server,
            wire=(delay_s, accepted_s + 2 * delay_s),
            count=self._asked,
            lost=self._lost,
            done=self._request_ended,
        )
        self._responses = _Flow(
            loop,
            server,
            client,
            wire=(delay_s, accepted_s + delay_s),
            count=self._answered,
            lost=self._lost,
            done=self._response_ended,
        )

    def open(self) -> None:
        """Start copying; both sockets are connected."""
        self._tally.connections += 1
        self._tally.active += 1
        self._requests.start_reading()
        self._responses.start_reading()

    def _asked(self, count: int) -> None:
        self._tally.request_bytes += count

    def _answered(self, count: int) -> None:
        self._tally.response_bytes += count

    def _request_ended(self) -> None:
        self._half_closed(self._requests, self._responses)

    def _response_ended(self) -> None:
        self._half_closed(self._responses, self._requests)

    def _half_closed(self, flow: _Flow, other: _Flow) -> None:
        if other.ended:
            self._client.close()
            self._server.close()
            self._tally.active -= 1
            return
        try:
            flow.sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._lost(flow.sink)

    def _lost(self, sock: socket.socket) -> None:
        """One side was reset: so is the other, once that and what was sent before have reached it."""
        out, back = (self._requests, self._responses)
        if sock is self._server:
            out, back = back, out
        out.cease_reading()
        back.stop()
        reset(sock)
        if out.sink.fileno() == -1:
            self._tally.active -= 1
        else:
            out.later(self._reset_peer, out)

    def _reset_peer(self, out: _Flow) -> None:
        if out.sink.fileno() != -1:  # else it was lost by itself meanwhile
            out.stop()
            reset(out.sink)
            self._tally.active -= 1
