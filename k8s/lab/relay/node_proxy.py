"""One node's kube-proxy: watches the API, keeps a listener per Service port, and answers about itself."""

import asyncio
import gc
import logging
import random
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from k8s import doors
from k8s.errors import UnreachableError, UsageError
from k8s.lab.apiclient.api import LabApi
from k8s.lab.apiclient.feed import Feed
from k8s.lab.apiclient.following import follow
from k8s.lab.design.addresses import RELAY_ADMIN_PORT, Addresses
from k8s.lab.design.seeds import Object
from k8s.lab.half_sent import HalfSent, HttpPatience
from k8s.lab.relay import exposition
from k8s.lab.relay.counters import Counters
from k8s.lab.relay.listener import Listener, Target
from k8s.lab.relay.peers import Peers
from k8s.lab.relay.rules import Proxied, Rule, RuleKey, rules_for, zone_label
from k8s.lab.relay.timing import fine_event_loop
from k8s.lab.relay.wires import Wires, rewired
from k8s.model import objects
from k8s.topology import NodeName, Zone

_GATHER_S = 0.02
"""Changes that come together make one change of the rules."""
_PATHS = ("/api/v1/nodes", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices")
_PODS = "/api/v1/pods"
_log = logging.getLogger(__name__)
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Which node's relay, and the wires from there."""

    node: NodeName
    number: int
    """The node's number in the lab's addresses."""
    zone: Zone
    """Where the node physically is, whatever its label says."""
    addresses: Addresses
    api_url: str
    token: str = field(repr=False)
    """What the API server asks of everybody."""
    zones: tuple[Zone, ...]
    """The physical zone of each node, by its number, from 1."""
    delays_s: tuple[tuple[Zone, float], ...] = ()
    """(zone, extra one-way latency of connections from here to there); others have none."""
    seed: int | None = None
    """Of the choices among endpoints; None takes the operating system's randomness."""

    @property
    def wires(self) -> Wires:
        """The wires of the beginning."""
        zones = dict(enumerate(self.zones, start=1))
        return Wires(addresses=self.addresses, zones=zones, delays_s=dict(self.delays_s))


class Relay:
    """Everything one node's relay knows and does; to be made inside its running event loop."""

    def __init__(self, settings: RelaySettings) -> None:
        self.settings = settings
        self._peers = Peers(self._zone_of)
        self.counters = Counters(self._peers.peer)
        self.rules: dict[RuleKey, Rule] = {}
        self._listeners: dict[RuleKey, Listener] = {}
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.TimerHandle | None = None
        seed = None if settings.seed is None else f"{settings.seed}/{settings.node}"
        self._choose = random.Random(seed).choice  # noqa: S311 - as uniform as kube-proxy's; no secret
        self.wires = settings.wires
        api = LabApi(settings.api_url, settings.token)
        self._feeds = tuple(Feed(api=api.another(), path=path, on_change=self._changed) for path in _PATHS)
        self._pods = Feed(api=api.another(), path=_PODS, on_change=self._pod_changed)

    @property
    def synced(self) -> bool:
        """Whether the rules are made of everything the API has, and its pods are known."""
        return all(feed.is_listed for feed in (*self._feeds, self._pods)) and self._due is None

    async def watch(self) -> None:
        """Keep the rules as the API has them, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for feed in (*self._feeds, self._pods):
                group.create_task(follow(feed))

    def close(self) -> None:
        """Accept no more connections."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()

    def _changed(self, _before: Object | None, _after: Object | None) -> None:
        if self._due is None:
            self._due = self._loop.call_later(_GATHER_S, self._apply)

    def _pod_changed(self, _before: Object | None, after: Object | None) -> None:
        if after is not None:
            self.counters.recognise(self._peers.learn(after))

    def _apply(self) -> None:
        self._due = None
        settings = self.settings
        nodes, services, slices = (feed.objects.values() for feed in self._feeds)
        proxied = Proxied(
            node=settings.node,
            number=settings.number,
            addresses=settings.addresses,
            zone=zone_label(_readable(nodes, objects.node), settings.node),
        )
        self.wires = rewired(settings.wires, settings.node, nodes)
        self._peers.replace_zones()
        self.counters.recognise(None)
        self.rules = rules_for(
            proxied, _readable(services, objects.service), _readable(slices, objects.endpoint_slice)
        )
        for key in self._listeners.keys() - self.rules.keys():
            self._listeners.pop(key).close()
        for key in self.rules.keys() - self._listeners.keys():
            self._listen(key)

    def _listen(self, key: RuleKey) -> None:
        try:
            self._listeners[key] = Listener(
                key.address,
                key.port,
                service=key.service,
                counters=self.counters,
                usable=lambda: self._targets(key),
                choose=self._choose,
                delay_s=self._delay_to_s,
            )
        except OSError as error:
            _log.warning("listening for %s at %s:%d: %s", key.service, key.address, key.port, error)

    def _zone_of(self, pod_ip: str) -> Zone | None:
        return self.wires.zone_of(pod_ip)  # as they are by then

    def _delay_to_s(self, endpoint_ip: str) -> float:
        return self.wires.delay_to_s(endpoint_ip)  # which may have changed since

    def _targets(self, key: RuleKey) -> Sequence[Target]:
        rule = self.rules.get(key)
        return rule.targets if rule else ()


def _readable(raws: Iterable[Object], convert: Callable[[Object], V]) -> Iterator[V]:
    """The objects that can be read; the others are left out of the rules, and logged."""
    for raw in raws:
        try:
            yield convert(raw)
        except UsageError as error:
            _log.warning("left out of the rules: %s", error)


class Admin:
    """What the relay answers about itself."""

    def __init__(self, relay: Relay, half_sent: HalfSent) -> None:
        self._relay = relay
        self._half_sent = half_sent

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """GET /healthz, /counters, /metrics, /rules and /wires; no page of another in a browser."""
        outside = doors.refusal(request.headers, doors.is_loopback)
        if outside is not None:
            return web.Response(text=f"{outside.why}\n", status=outside.status)
        with self._half_sent.answering(request):
            return self._about_itself(request)

    def _about_itself(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.path:
            case "/healthz":
                synced = self._relay.synced
                return web.Response(
                    text="ok" if synced else "rules are not complete", status=200 if synced else 503
                )
            case "/counters":
                return _json(self._about() | {"rows": self._relay.counters.snapshot()})
            case "/metrics":
                body = exposition.render(self._relay.counters)
                return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})
            case "/wires":
                return _json(self._about() | {"delays_s": self._relay.wires.delays_s})
            case "/rules":
                return _json(
                    self._about() | {"rules": [_rule_json(rule) for rule in self._relay.rules.values()]}
                )
        return web.Response(text="404 page not found\n", status=404)

    def _about(self) -> dict[str, Any]:
        settings = self._relay.settings
        return {"node": settings.node, "zone": settings.zone}


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "service": str(rule.key.service),
        "address": rule.key.address,
        "port": rule.key.port,
        "mode": rule.usable.mode,
        "reason": rule.reason,
        "endpoints": [
            {"address": address, "port": port, "pod": endpoint.pod, "zone": endpoint.zone}
            for endpoint, (address, port) in zip(rule.usable.endpoints, rule.targets, strict=True)
        ],
    }


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def serve(settings: RelaySettings) -> None:
    """Be the relay of one node until SIGTERM; UnreachableError if its admin address cannot be had."""
    with asyncio.Runner(loop_factory=fine_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: RelaySettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gc.freeze()  # what was imported is for ever; later collections need not look at it
    relay = Relay(settings)
    half_sent = HalfSent(HttpPatience())
    runner = web.ServerRunner(
        web.Server(Admin(relay, half_sent).answer, access_log=None), shutdown_timeout=0.1
    )
    await runner.setup()
    host = settings.addresses.node(settings.number)
    try:
        server = await loop.create_server(half_sent.watched(runner.server), host, RELAY_ADMIN_PORT)
    except OSError as error:
        raise UnreachableError(
            f"starting the relay of {settings.node} at {host}:{RELAY_ADMIN_PORT}: {error.strerror}"
        ) from error
    watching = asyncio.create_task(relay.watch())
    told = asyncio.create_task(stop.wait())
    _log.info("relay of %s: admin at http://%s:%d", settings.node, host, RELAY_ADMIN_PORT)
    try:
        await asyncio.wait((watching, told), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()  # the watch only ends by an error that nobody expected
    finally:
        relay.close()
        watching.cancel()
        told.cancel()
        server.close()
        half_sent.close()
        await runner.cleanup()
