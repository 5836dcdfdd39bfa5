"""The lab's EndpointSlice controller: keeps the slices of every Service, hints included.

What it decides is in ``k8s/routing/hints.py`` and ``k8s/lab/controllers/reconcile.py``; here is only what
starts a pass and what is written. As in kubernetes/kubernetes (pkg/controller/endpointslice): a pass follows
a change of the Service, of a pod it selects, or of its slices by somebody else. A change of the nodes starts
one only for Services that hold hints and are overloaded now. Differences: IPv4 only; nodes are read before
any Service; what fails is tried again sooner; and since the lab has no garbage collector, slices of a deleted
Service are deleted here. As in an EKS zonal shift, pods on nodes that traffic is shifted away from are no
endpoints, while their nodes count.
"""

import asyncio
import contextlib
import logging
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from k8s.errors import UnreachableError, UsageError
from k8s.lab.apiclient.api import ApiError, LabApi
from k8s.lab.apiclient.feed import Feed
from k8s.lab.apiclient.following import follow, listed
from k8s.lab.controllers.reconcile import (
    MANAGED_BY,
    Backend,
    SlicePlan,
    StoredSlice,
    failure,
    plan_slices,
    reuse_deleted,
)
from k8s.lab.controllers.recorder import Recorder
from k8s.lab.design import marks
from k8s.lab.design.seeds import Object
from k8s.model import objects
from k8s.routing.allocation import NODES_NOT_LOADED, CpuRatios, cpu_ratios, overloaded
from k8s.routing.hints import HintsCache, Reconciliation, is_processed, reconcile
from k8s.topology import (
    SERVICE_NAME_LABEL,
    Labels,
    NodeName,
    Pod,
    PodName,
    Service,
    ServiceKey,
    Zone,
)

log = logging.getLogger(__name__)

FOREIGN_SLICE_DELAY_S = 1.0
"""How long upstream waits after somebody else changed a slice."""
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 5.0
_NOT_FOUND = 404

T = TypeVar("T")


def serve(api_url: str, token: str, seed: int) -> None:
    """Run until SIGTERM or SIGINT; while the API server is away, wait for it.

    *seed* fixes slice names, the order of new endpoints and every tie.
    """
    asyncio.run(_serve(LabApi(api_url, token), seed))


async def _serve(api: LabApi, seed: int) -> None:
    loop = asyncio.get_running_loop()
    controller = Controller(api, random.Random(seed), clock=time.time)  # noqa: S311 - choices, not secrets
    work = asyncio.create_task(controller.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


@dataclass(slots=True)
class _Queue:
    """Services waiting for a pass, each once."""

    _waiting: dict[ServiceKey, None] = field(default_factory=dict)
    _failures: dict[ServiceKey, int] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, key: ServiceKey) -> None:
        self._waiting[key] = None
        self._wake.set()

    def add_later(self, key: ServiceKey, delay_s: float) -> None:
        asyncio.get_running_loop().call_later(delay_s, self.add, key)

    def retry(self, key: ServiceKey) -> float:
        """Try again after a while that doubles; returns it in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay_s = min(_FIRST_RETRY_S * 2.0 ** min(failures, 10), _LONGEST_RETRY_S)
        self.add_later(key, delay_s)
        return delay_s

    def succeeded(self, key: ServiceKey) -> None:
        self._failures.pop(key, None)

    async def take(self) -> ServiceKey:
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        key = next(iter(self._waiting))
        del self._waiting[key]
        return key


class Controller:
    """What the controller process holds; ``run`` is its life."""

    def __init__(self, api: LabApi, rng: random.Random, *, clock: Callable[[], float]) -> None:
        """*clock* gives seconds since the epoch, for the events."""
        self._api = api
        self._rng = rng
        self._recorder = Recorder(self._call, clock)
        self._queue = _Queue()
        self._cpu: CpuRatios = NODES_NOT_LOADED
        self._caches: dict[ServiceKey, HintsCache] = {}
        self._nodes = _feed(api, "/api/v1/nodes", self._node_changed)
        self._pods = _feed(api, "/api/v1/pods", self._pod_changed)
        self._services = _feed(api, "/api/v1/services", self._service_changed)
        self._slices = _feed(api, "/apis/discovery.k8s.io/v1/endpointslices", self._slice_changed)

    async def run(self) -> None:
        """Follow the API server and reconcile for ever."""
        feeds = (self._nodes, self._pods, self._services, self._slices)
        for feed in feeds:
            await listed(feed)
        async with asyncio.TaskGroup() as group:
            for feed in feeds:
                group.create_task(follow(feed))
            log.info("following http://%s", self._api.netloc)
            while True:
                await self._pass(await self._queue.take())

    async def _pass(self, key: ServiceKey) -> None:
        try:
            is_complete = await self._sync(key)
        except UnreachableError as error:
            log.warning("Service %s: %s; again in %.1f s", key, error, self._queue.retry(key))
        except UsageError as error:
            log.warning("Service %s left alone: %s", key, error)
        else:
            if is_complete:
                self._queue.succeeded(key)
            else:
                self._queue.retry(key)

    async def _sync(self, key: ServiceKey) -> bool:
        """One pass; False if it has to be repeated because a pod's node is not there (yet)."""
        raw = self._services.objects.get((key.namespace, key.name))
        held = self._held(key)
        if raw is None:
            for slice_key in held:
                await self._delete(*slice_key)
            return True
        service = objects.service(raw)
        if not is_processed(service):
            return True
        owner = objects.slice_owner(raw)
        stored = [_stored(one) for one in held.values()]
        plan = plan_slices(service, owner, self._backends(service), self._zones(), stored, self._rng)
        cache = self._caches.get(key, HintsCache())
        done = reconcile(service, self._cpu, plan.lists, cache, choose=self._rng.choice)
        plan = reuse_deleted(replace(plan, lists=done.slices), stored, owner)
        # Known before the slices are written, as upstream: a node event that comes meanwhile has to see that
        # this Service holds hints, or it would not be looked at again. A pass that fails is done over.
        self._caches[key] = done.cache
        try:
            await self._write(service, plan, owner)
            for event in (done.event, failure(key, plan.homeless)):
                if event is not None:
                    await self._recorder.record(raw, event)
        except BaseException:
            self._caches[key] = cache
            raise
        _log_pass(key, plan, done)
        return not plan.homeless

    def _held(self, key: ServiceKey) -> dict[tuple[str, str], Object]:
        """The slices this controller manages for a Service, by (namespace, name), sorted."""
        return {
            slice_key: one
            for slice_key, one in sorted(self._slices.objects.items())
            if _is_ours(one) and _service_of(one) == key
        }

    def _zones(self) -> Mapping[NodeName, Zone | None]:
        return {node.name: node.zone for node in _readable(self._nodes.objects.values(), objects.node)}

    def _backends(self, service: Service) -> Iterator[Backend]:
        raws = [raw for (namespace, _), raw in self._pods.objects.items() if namespace == service.namespace]
        shifted = self._shifted()
        for backend in _readable(raws, _backend):
            if _selects(service.selector, backend.pod) and backend.pod.node not in shifted:
                yield backend

    def _shifted(self) -> frozenset[NodeName]:
        """Nodes that traffic is shifted away from."""
        nodes = self._nodes.objects.values()
        return frozenset(NodeName(raw["metadata"]["name"]) for raw in nodes if _is_shifted(raw))

    async def _write(self, service: Service, plan: SlicePlan, owner: objects.SliceOwner) -> None:
        uids = {
            PodName(name): raw["metadata"].get("uid", "")
            for (namespace, name), raw in self._pods.objects.items()
            if namespace == service.namespace
        }
        for one in plan.lists.create:
            body = objects.endpoint_slice_raw(one, owner, pod_uids=uids)
            self._slices.put(await self._call("POST", _slices_path(service.namespace), body))
        for one in plan.lists.update:
            # It may have gone while the writes before were under way: then the PUT fails and all is redone.
            known = self._slices.objects.get((service.namespace, one.name), {"metadata": {}})
            version = known["metadata"].get("resourceVersion", "")
            body = objects.endpoint_slice_raw(one, owner, pod_uids=uids, resource_version=version)
            self._slices.put(await self._call("PUT", _slices_path(service.namespace, one.name), body))
        for name in plan.delete:
            await self._delete(service.namespace, name)

    async def _delete(self, namespace: str, name: str) -> None:
        try:
            await self._call("DELETE", _slices_path(namespace, name))
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
        if (known := self._slices.objects.get((namespace, name))) is not None:
            self._slices.drop(known)

    async def _call(self, method: str, path: str, body: Object | None = None, media: str = "json") -> Object:
        """One request, while the feeds go on."""
        return await asyncio.to_thread(self._api.call, method, path, body, media)

    def _node_changed(self, before: Object | None, after: Object | None) -> None:
        if _is_shifted(before) != _is_shifted(after):
            for raw in self._services.objects.values():
                self._service_changed(None, raw)
        old, new = _read(before, objects.node), _read(after, objects.node)
        # Neither a change of CPU nor one of the control-plane label is looked at: as upstream.
        if old and new and (old.ready, old.zone) == (new.ready, new.zone):
            return
        self._cpu = cpu_ratios(_readable(self._nodes.objects.values(), objects.node))
        for key, cache in self._caches.items():
            if any(overloaded(have, self._cpu) for _, have in cache.have):
                log.info("Service %s: overloaded after a change of the nodes", key)
                self._queue.add(key)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        old, new = _read(before, _backend), _read(after, _backend)
        if old == new:
            return
        pods = [backend.pod for backend in (old, new) if backend is not None]
        for service in _readable(self._services.objects.values(), objects.service):
            if any(pod.namespace == service.namespace and _selects(service.selector, pod) for pod in pods):
                self._queue.add(service.key)

    def _service_changed(self, before: Object | None, after: Object | None) -> None:
        metadata = (after or before or {})["metadata"]
        self._queue.add(ServiceKey(namespace=metadata["namespace"], name=metadata["name"]))

    def _slice_changed(self, before: Object | None, after: Object | None) -> None:
        for key in {_service_of(one) for one in (before, after) if one is not None and _is_ours(one)}:
            self._queue.add_later(key, FOREIGN_SLICE_DELAY_S)


def _feed(api: LabApi, path: str, on_change: Callable[[Object | None, Object | None], None]) -> Feed:
    """With a connection of its own: lists and writes are waited for in different threads."""
    return Feed(api=api.another(), path=path, on_change=on_change)


def _is_shifted(node: Object | None) -> bool:
    return node is not None and marks.outage(node) == marks.SHIFT


def _slices_path(namespace: str, name: str = "") -> str:
    return f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices/{name}".rstrip("/")


def _labels(raw: Object) -> Mapping[str, str]:
    return raw["metadata"].get("labels") or {}


def _is_ours(raw: Object) -> bool:
    return _labels(raw).get(objects.MANAGED_BY_LABEL) == MANAGED_BY


def _service_of(raw: Object) -> ServiceKey:
    name = _labels(raw).get(SERVICE_NAME_LABEL, "")
    return ServiceKey(namespace=raw["metadata"]["namespace"], name=name)


def _stored(raw: Object) -> StoredSlice:
    owners = [one for one in raw["metadata"].get("ownerReferences", []) if one.get("kind") == "Service"]
    return StoredSlice(
        value=objects.endpoint_slice(raw),
        owner_uid=owners[0].get("uid", "") if owners else "",
        labels=tuple(sorted(_labels(raw).items())),
    )


def _backend(raw: Object) -> Backend:
    return Backend(pod=objects.pod(raw), named_ports=objects.container_ports(raw))


def _selects(selector: Labels, pod: Pod) -> bool:
    """Whether every pair is among the pod's labels; an empty selector selects nothing here."""
    return bool(selector) and set(selector) <= set(pod.labels)


def _readable(raws: Iterable[Object], convert: Callable[[Object], T]) -> Iterator[T]:
    """The objects that can be read; one that cannot must not stop the others."""
    for raw in raws:
        found = _read(raw, convert)
        if found is not None:
            yield found


def _read(raw: Object | None, convert: Callable[[Object], T]) -> T | None:
    if raw is None:
        return None
    try:
        return convert(raw)
    except UsageError as error:
        log.warning("left out: %s", error)
        return None


def _log_pass(key: ServiceKey, plan: SlicePlan, done: Reconciliation) -> None:
    lists = plan.lists
    if lists.written or plan.delete or done.event:
        log.info(
            "Service %s: %d slices created, %d updated, %d deleted; hints by zone %s%s",
            key,
            len(lists.create),
            len(lists.update),
            len(plan.delete),
            dict(done.hinted),
            f"; {done.event.message}" if done.event else "",
        )
