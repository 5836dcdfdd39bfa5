"""Events of the lab's EndpointSlice controller: posted on the Service, repetitions counted or combined."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from k8s.lab.apiclient.api import ApiError
from k8s.lab.controllers.correlator import Correlator, Observed
from k8s.lab.design.seeds import Object
from k8s.routing.hints import HintsEvent

COMPONENT = "endpoint-slice-controller"
MOST_TRIES = 12
"""While the API server is away; as upstream, which waits longer in between."""
_PAUSE_S = 0.5
_NOT_FOUND = 404
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recorder:
    """Records events as client-go does."""

    call: Callable[..., Awaitable[Object]]
    """A request to the API, as ``LabApi.call``."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    _correlator: Correlator = field(default_factory=Correlator)

    async def record(self, service: Object, event: HintsEvent) -> None:
        """Put *event* on the raw *service*; one that the server does not take is logged and forgotten."""
        metadata = service["metadata"]
        about = (metadata["namespace"], metadata["name"], metadata.get("uid", ""))
        observed = self._correlator.observe(about, event, self.clock())
        if observed is None:
            return
        for attempt in range(1, MOST_TRIES + 1):
            try:
                await self._write(metadata, observed)
            except ApiError as error:
                if error.status or attempt == MOST_TRIES:
                    _log.warning("event %s on Service %s: %s", event.reason, about[1], error)
                    return
                await asyncio.sleep(_PAUSE_S)
            else:
                return

    async def _write(self, service: Object, observed: Observed) -> None:
        path = f"/api/v1/namespaces/{service['namespace']}/events"
        if observed.count > 1:
            change = {
                "count": observed.count,
                "lastTimestamp": _stamp(observed.last_s),
                "message": observed.event.message,
            }
            media = "strategic-merge-patch+json"
            try:
                await self.call("PATCH", f"{path}/{observed.name}", change, media=media)
            except ApiError as error:
                if error.status != _NOT_FOUND:
                    raise
            else:
                return
        await self.call("POST", path, _body(service, observed))


def _body(service: Object, observed: Observed) -> Object:
    event = observed.event
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": observed.name, "namespace": service["namespace"]},
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
        "firstTimestamp": _stamp(observed.first_s),
        "lastTimestamp": _stamp(observed.last_s),
        "count": observed.count,
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
