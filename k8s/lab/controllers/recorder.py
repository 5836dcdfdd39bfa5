"""Events of the lab's EndpointSlice controller: posted on the Service, repetitions only counted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from k8s.lab.apiclient.api import ApiError
from k8s.lab.design.seeds import Object
from k8s.routing.hints import HintsEvent

COMPONENT = "endpoint-slice-controller"
_NOT_FOUND = 404


@dataclass(slots=True)
class _Posted:
    name: str
    count: int


@dataclass(slots=True)
class Recorder:
    """Records events as client-go does: an identical one raises the count of the first."""

    call: Callable[..., Awaitable[Object]]
    """A request to the API, as ``LabApi.call``."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    _posted: dict[tuple[str, HintsEvent], _Posted] = field(default_factory=dict)

    async def record(self, service: Object, event: HintsEvent) -> None:
        """Put *event* on the raw *service*; UnreachableError if the server does not take it."""
        metadata = service["metadata"]
        key = (metadata.get("uid", ""), event)
        posted = self._posted.get(key)
        if posted is not None and await self._count(metadata["namespace"], posted):
            return
        self._posted[key] = await self._post(metadata, event)

    async def _count(self, namespace: str, posted: _Posted) -> bool:
        """Raise the count; False where the event is no longer there."""
        body = {"count": posted.count + 1, "lastTimestamp": _stamp(self.clock())}
        path = f"/api/v1/namespaces/{namespace}/events/{posted.name}"
        try:
            await self.call("PATCH", path, body, media="strategic-merge-patch+json")
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return False
        posted.count += 1
        return True

    async def _post(self, service: Object, event: HintsEvent) -> _Posted:
        now_s = self.clock()
        name = f"{service['name']}.{int(now_s * 1e9):x}"
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": service["namespace"]},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Service",
                "namespace": service["namespace"],
                "name": service["name"],
                "uid": service.get("uid", ""),
                "resourceVersion": service.get("resourceVersion", ""),
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": "",
            "firstTimestamp": _stamp(now_s),
            "lastTimestamp": _stamp(now_s),
            "count": 1,
        }
        await self.call("POST", f"/api/v1/namespaces/{service['namespace']}/events", body)
        return _Posted(name=name, count=1)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
