"""The ``/scale`` subresource: a workload's replicas as ``autoscaling/v1`` Scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from k8s.lab.apiserver import faults, statuses
from k8s.lab.apiserver.columns import label_selector
from k8s.lab.apiserver.kinds import METADATA
from k8s.lab.apiserver.requests import RequestTarget
from k8s.lab.apiserver.schema import INTEGER, STRING, Record, ShapeError, conformed
from k8s.lab.design.seeds import Object

NAME: Final = "scale"
API_VERSION: Final = "autoscaling/v1"
_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")

SHAPE: Final = Record(
    fields={
        "apiVersion": STRING,
        "kind": STRING,
        "metadata": METADATA,
        "spec": Record(fields={"replicas": INTEGER}, is_open=False),
        "status": Record(fields={"replicas": INTEGER, "selector": STRING}, is_open=False),
    },
    is_open=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedScale:
    """What a Scale asks for."""

    replicas: int
    metadata: Mapping[str, Any]
    """Its uid and resourceVersion, where given, are preconditions."""


def scale_of(obj: Object) -> Object:
    """The Scale of a Deployment or ReplicaSet."""
    replicas = obj.get("status", {}).get("replicas", 0)
    selector = label_selector(obj["spec"].get("selector", {}))
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {key: obj["metadata"][key] for key in _SHOWN if key in obj["metadata"]},
        "spec": {"replicas": obj["spec"].get("replicas", 0)},
        "status": {"replicas": replicas, **({"selector": selector} if selector else {})},
    }


def decoded(target: RequestTarget, body: Any) -> WantedScale:
    """The Scale in a body; StatusError 400 or 422."""
    try:
        found, _ = conformed(body, SHAPE, "Scale")
    except ShapeError as error:
        raise statuses.bad_request(f'Scale in version "v1" cannot be handled as a Scale: {error}') from error
    for key, here in (("apiVersion", API_VERSION), ("kind", "Scale")):
        if found.get(key, here) != here:
            raise statuses.bad_request(f"the {key} of the provided object ({found[key]}) is not {here}")
    metadata = found.get("metadata", {})
    if metadata.get("name", target.name) != target.name:
        raise statuses.bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    replicas = found.get("spec", {}).get("replicas", 0)
    if replicas < 0:
        fault = faults.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise statuses.invalid(target.resource, target.name, [fault])
    return WantedScale(replicas=replicas, metadata=metadata)
