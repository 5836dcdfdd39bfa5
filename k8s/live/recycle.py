"""New connections for a new routing mode: restart the Deployments behind a Service, as kubectl would.

kube-proxy chooses an endpoint when a connection is opened. A client that pools connections keeps the old
choice after the hints have changed, so it has to open new ones: ``kubectl rollout restart``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from k8s.errors import InvalidRunError, UsageError
from k8s.model.fields import Field
from k8s.model.objects import Raw
from k8s.topology import Recycled, ServiceKey

RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
KEEP_ALIVE_VARIABLES: Final = ("ENDPOINTS_HTTP_KEEPALIVE", "RETAIL_UI_ENDPOINTS_HTTP_KEEPALIVE")
"""Variables that tell whether the retail store's ui keeps its connections (images before 1.0)."""
_STORE_UI = re.compile(r"retail-store-sample-ui:v?(\d+)\.")
_POLL_S = 0.5


class RestartableCluster(Protocol):
    """What is needed of a cluster; ``LiveCluster`` has it."""

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Raw]:
        """All objects of a collection."""

    def patch(self, path: str, patch: Raw, *, what: str) -> Raw:
        """Apply a JSON merge patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A Deployment whose pods call the Service under study."""

    namespace: str
    name: str
    pods: int
    """Replicas asked for."""
    pools: bool
    """Whether its pods keep connections from call to call."""
    reason: str
    """How that is known, in a clause."""

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def clients(
    cluster: RestartableCluster, key: ServiceKey, selector: Sequence[tuple[str, str]]
) -> tuple[Client, ...]:
    """The Deployments whose pods the Service *key* selects; UsageError when there is none."""
    path = f"/apis/apps/v1/namespaces/{key.namespace}/deployments"
    found = tuple(
        _client(Field("a Deployment", "", raw))
        for raw in cluster.raw_items(path)
        if set(selector) <= set(_template(Field("a Deployment", "", raw)).at("metadata", "labels").pairs())
    )
    if not found or not selector:
        raise UsageError(
            f"looking for the Deployments behind Service {key}: none of namespace {key.namespace} has its "
            "labels; restart its pods by yourself before each run and give --recycle never"
        )
    return found


def restart(
    cluster: RestartableCluster,
    restarted: Sequence[Client],
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
    timeout_s: float,
) -> Recycled:
    """Replace every pod of these Deployments and wait until only new ones are there and ready.

    InvalidRunError when that takes longer than *timeout_s*: the old connections may be alive.
    """
    began_s = monotonic()
    stamp = datetime.fromtimestamp(clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: stamp}}}}}
    for one in restarted:
        cluster.patch(one.path, patch, what=f"Deployment {one}")
    waiting = list(restarted)
    while waiting := [one for one in waiting if not _rolled_out(cluster, one)]:
        if monotonic() - began_s > timeout_s:
            raise InvalidRunError(
                f"restarting Deployment {waiting[0]}: its new pods were not ready within {timeout_s:.0f} s, "
                f"so old connections may be alive; see: kubectl -n {waiting[0].namespace} rollout status "
                f"deployment/{waiting[0].name}"
            )
        sleep(_POLL_S)
    return Recycled(
        deployments=tuple(str(one) for one in restarted),
        pods=sum(one.pods for one in restarted),
        reason="; ".join(dict.fromkeys(one.reason for one in restarted)),
        seconds=monotonic() - began_s,
    )


def _client(root: Field) -> Client:
    pools, reason = _pooling(_template(root))
    return Client(
        namespace=root.at("metadata", "namespace").text(),
        name=root.at("metadata", "name").text(),
        pods=root.at("spec", "replicas").integer(1),
        pools=pools,
        reason=reason,
    )


def _pooling(template: Field) -> tuple[bool, str]:
    """Whether pods of a template keep connections; where it cannot be told, they do."""
    images = []
    for container in template.at("spec", "containers").each():
        image = container.at("image").text("")
        images.append(image)
        for variable in container.at("env").each():
            name = variable.at("name").text("")
            if name in KEEP_ALIVE_VARIABLES:
                value = variable.at("value").text("").lower()
                return value != "false", f"{name}={value}"
        if found := _STORE_UI.search(image):
            if int(found[1]) > 0:
                return True, f"{image} keeps up to 5 connections for 5 minutes and has no switch for it"
            return True, f"{image} keeps connections unless {KEEP_ALIVE_VARIABLES[0]}=false"
    return True, f"{', '.join(images)} may keep connections"


def _rolled_out(cluster: RestartableCluster, one: Client) -> bool:
    """What ``kubectl rollout status`` waits for, and that no old pod is left."""
    parent, _, name = one.path.rpartition("/")
    found = cluster.raw_items(parent, {"fieldSelector": f"metadata.name={name}"})
    for raw in found:
        root = Field(f"Deployment {one}", "", raw)
        status = root.at("status")
        wanted = root.at("spec", "replicas").integer(1)
        counts = [status.at(key).integer(0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        observed = status.at("observedGeneration").integer(0)
        if observed < root.at("metadata", "generation").integer(0) or counts != [wanted] * 3:
            return False
        return not _leaving(cluster, one, _template(root))
    raise UsageError(f"restarting Deployment {one}: it is gone")


def _leaving(cluster: RestartableCluster, one: Client, template: Field) -> bool:
    """Whether a pod of the Deployment is still ending: its connections are alive."""
    labels = template.at("metadata", "labels").pairs()
    selector = ",".join(f"{key}={value}" for key, value in labels)
    pods = cluster.raw_items(f"/api/v1/namespaces/{one.namespace}/pods", {"labelSelector": selector})
    return any(
        Field("a Pod", "", raw).at("metadata", "deletionTimestamp").text_or_none() is not None for raw in pods
    )


def _template(root: Field) -> Field:
    return root.at("spec", "template")
