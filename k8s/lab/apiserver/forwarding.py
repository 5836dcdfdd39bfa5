"""Port-forwards: bytes between a client's WebSocket and a port of a pod.

As upstream's kubelet speaks ``v4.channel.k8s.io`` (``k8s.io/kubelet/pkg/cri/streaming/portforward``): of the
i-th port asked for, channel 2*i carries the data and channel 2*i+1 what went wrong; the first message on each
is the port's number, two bytes, the lower one first. That protocol cannot close one direction only: where the
pod has sent everything, the client may go on for a second, then that port ends; when all have ended, or when
the client closes the WebSocket, everything is closed. kubectl speaks the other protocol, see ``tunneling``.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from aiohttp import WSMsgType, web

from k8s.lab.apiserver import pumping, statuses, tunneling
from k8s.lab.apiserver.listing import read
from k8s.lab.apiserver.object_store import ObjectStore
from k8s.lab.apiserver.requests import RequestTarget
from k8s.lab.apiserver.resources import PODS
from k8s.lab.design.seeds import Object

CHANNELS: Final = "v4.channel.k8s.io"
PLAIN: Final = "portforward.k8s.io"
"""The name without its framing; taken to mean the channels."""
MOST_PORTS: Final = 64
_LONGEST_MESSAGE_BYTES = 8 * 2**20
_GOODBYE_S = 0.2
"""How long a client may take to answer the end of the WebSocket."""
_LAST_PORT = 65_535


class PortForwards:
    """All port-forwards that are open."""

    def __init__(self, store: ObjectStore, reaches: Callable[[str], bool]) -> None:
        """The pods are looked up in *store*; when one goes, its port-forwards are cut.

        *reaches* tells whether an address is a pod's: whatever a status says, no other is connected to.
        """
        self._store = store
        self._reaches = reaches
        self._cuts: set[asyncio.Event] = set()

    def close(self) -> None:
        """Cut all of them."""
        for cut in self._cuts:
            cut.set()

    async def serve(self, request: web.Request, target: RequestTarget) -> web.StreamResponse:
        """Forward until either side ends; StatusError 400 or 404 before that."""
        pod = read(self._store, target)
        host = self._address(pod)
        offered = _protocols(request)
        ports = () if tunneling.PROTOCOL in offered else _ports(request.query.getall("ports", []))
        socket = web.WebSocketResponse(
            protocols=(tunneling.PROTOCOL, CHANNELS, PLAIN),
            compress=False,
            timeout=_GOODBYE_S,
            max_msg_size=_LONGEST_MESSAGE_BYTES,
        )
        if not offered or not socket.can_prepare(request):
            raise statuses.bad_request(
                "Upgrade request required: the lab forwards ports over WebSockets, with the subprotocols "
                f"{tunneling.PROTOCOL} and {CHANNELS}"
            )
        await socket.prepare(request)
        with self._cut_with(target, pod["metadata"]["uid"]) as cut:
            if socket.ws_protocol == tunneling.PROTOCOL:
                work = tunneling.Tunnel(socket, host).run()
            else:
                work = _Channels(socket=socket, host=host, pod=pod, ports=ports).run()
            await pumping.first_of(work, cut.wait())
        await socket.close()
        return socket

    def _address(self, pod: Object) -> str:
        """Where the pod is; StatusError 400 for one that does not run, or whose address is no pod's."""
        name, status = pod["metadata"]["name"], pod.get("status", {})
        if not pod.get("spec", {}).get("nodeName"):
            raise statuses.bad_request(f"pod {name} does not have a host assigned")
        if status.get("phase") != "Running" or not status.get("podIP"):
            raise statuses.bad_request(
                f"unable to forward port because pod {name} is not running. "
                f"Current status={status.get('phase', 'Unknown')}"
            )
        address = str(status["podIP"])
        if not self._reaches(address):
            raise statuses.bad_request(
                f"unable to forward port because pod {name} is at {address}: no address of this lab's pods"
            )
        return address

    @contextlib.contextmanager
    def _cut_with(self, target: RequestTarget, uid: str) -> Iterator[asyncio.Event]:
        """An event that is set when this pod is gone, or the server stops."""
        cut = asyncio.Event()

        def look() -> None:
            pod = self._store.get(PODS, (target.namespace, target.name))
            if pod is None or pod["metadata"]["uid"] != uid:
                cut.set()

        unlisten = self._store.listen(PODS, look)
        self._cuts.add(cut)
        look()
        try:
            yield cut
        finally:
            unlisten()
            self._cuts.discard(cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Channels:
    """One WebSocket of the channel protocol."""

    socket: web.WebSocketResponse
    host: str
    pod: Object
    ports: Sequence[int]

    async def run(self) -> None:
        """Until all ports have ended, or the client has."""
        for index, port in enumerate(self.ports):
            for channel in (2 * index, 2 * index + 1):
                await self._send(channel, port.to_bytes(2, "little"))
        connections: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        try:
            for index, port in enumerate(self.ports):
                try:
                    connections[2 * index] = await pumping.connect(self.host, port)
                except pumping.UnreachablePortError as error:
                    await self._fail(2 * index, str(error))
            writers = {channel: writer for channel, (_, writer) in connections.items()}
            readers = {channel: reader for channel, (reader, _) in connections.items()}
            await pumping.first_of(self._receive(writers), self._forward_all(readers))
        finally:
            for _, writer in connections.values():
                writer.close()

    async def _forward_all(self, readers: dict[int, asyncio.StreamReader]) -> None:
        async with asyncio.TaskGroup() as group:
            for channel, reader in readers.items():
                group.create_task(self._forward(channel, reader))

    async def _forward(self, channel: int, reader: asyncio.StreamReader) -> None:
        async def send(data: bytes) -> None:
            await self._send(channel, data)

        why = await pumping.drain(reader, send)
        if why:
            await self._fail(channel, why)
        else:
            await asyncio.sleep(pumping.LINGER_S)

    async def _receive(self, writers: dict[int, asyncio.StreamWriter]) -> None:
        """What the client sends, to the ports; what comes for one that was not reached is dropped."""
        async for message in self.socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            channel = message.data[0]
            if channel % 2 or channel >= 2 * len(self.ports):
                return  # nobody may write there; upstream, too, ends the connection
            if channel in writers:
                await pumping.give(writers[channel], message.data[1:])

    async def _fail(self, channel: int, why: str) -> None:
        metadata, port = self.pod["metadata"], self.ports[channel // 2]
        words = f"error forwarding port {port} to pod {metadata['name']}, uid {metadata['uid']}: {why}"
        await self._send(channel + 1, words.encode())

    async def _send(self, channel: int, data: bytes) -> None:
        await self.socket.send_bytes(bytes([channel]) + data)


def is_loopback_address(address: str) -> bool:
    """Whether this is an address of the loopback, as a pod's is where nothing more is known of them."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _protocols(request: web.Request) -> tuple[str, ...]:
    """The subprotocols that the client offers; empty if it does not ask for a WebSocket."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return ()
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return tuple(one.strip() for one in offered.split(","))


def _ports(texts: Sequence[str]) -> tuple[int, ...]:
    """The ``ports`` parameters; StatusError 400, in the kubelet's words."""
    found: list[int] = []
    for text in ",".join(texts).split(",") if texts else ():
        if not text.isascii() or not text.isdigit() or int(text[:6]) > _LAST_PORT:
            raise statuses.bad_request(f'unable to parse "{text}" as a port')
        if int(text[:6]) < 1:
            raise statuses.bad_request(f'port "{text}" must be > 0')
        found.append(int(text[:6]))
    if not found:
        raise statuses.bad_request('query parameter "ports" is required')
    if len(found) > MOST_PORTS:
        raise statuses.bad_request(f"at most {MOST_PORTS} ports can be forwarded at once")
    return tuple(found)
