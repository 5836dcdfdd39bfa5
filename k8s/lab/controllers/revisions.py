"""Deployments, ReplicaSets and pods made of each other, as JSON (pure).

As kubernetes/kubernetes, pkg/controller/deployment/util: which ReplicaSet has a Deployment's present
template, what a new one looks like, and which old ones are forgotten.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from k8s.lab.controllers.rolling import DEFAULT_SHARE, Strategy
from k8s.lab.design.layout import NAME_LETTERS
from k8s.lab.design.seeds import Object, owned
from k8s.topology import NodeName

HASH_LABEL = "pod-template-hash"
REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
_HASH_LETTERS = 9
_HISTORY = 10
"""``revisionHistoryLimit`` where the Deployment names none."""


def owner_uid(obj: Object, kind: str) -> str | None:
    """The uid of the object's controller, if that is of this kind."""
    for reference in obj["metadata"].get("ownerReferences", []):
        if reference.get("controller") and reference.get("kind") == kind:
            return str(reference["uid"])
    return None


def strategy(deployment: Object) -> Strategy:
    """The Deployment's strategy, with the API's defaults."""
    said: dict[str, Any] = deployment["spec"].get("strategy") or {}
    rolling: dict[str, Any] = said.get("rollingUpdate") or {}
    return Strategy(
        recreate=said.get("type") == "Recreate",
        max_surge=rolling.get("maxSurge", DEFAULT_SHARE),
        max_unavailable=rolling.get("maxUnavailable", DEFAULT_SHARE),
    )


def newest(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet with the Deployment's present template; the oldest of them, should there be several."""
    wanted = _plain(deployment["spec"]["template"])
    same = [one for one in sets if _plain(_without_hash(one["spec"]["template"])) == wanted]
    return min(same, key=age_key, default=None)


def age_key(obj: Object) -> tuple[str, str]:
    """Sorts the oldest first."""
    return obj["metadata"].get("creationTimestamp", ""), obj["metadata"]["name"]


def revision(obj: Object) -> int:
    """The revision annotation as a number; 0 if there is none."""
    text = (obj["metadata"].get("annotations") or {}).get(REVISION_ANNOTATION, "")
    return int(text) if text.isdecimal() else 0


def next_revision(sets: Iterable[Object]) -> int:
    """One more than the greatest."""
    return max((revision(one) for one in sets), default=0) + 1


def replica_set(deployment: Object, number: int) -> Object:
    """The ReplicaSet for the Deployment's present template, of no pods yet."""
    spec, metadata = deployment["spec"], deployment["metadata"]
    labels = {HASH_LABEL: _template_hash(spec["template"])}
    template = spec["template"]
    labelled = {**template.get("metadata", {}).get("labels", {}), **labels}
    made: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{labels[HASH_LABEL]}",
            "namespace": metadata["namespace"],
            "labels": labelled,
            "annotations": {REVISION_ANNOTATION: str(number)},
        },
        "spec": {
            "replicas": 0,
            "selector": {
                **spec["selector"],
                "matchLabels": {**spec["selector"].get("matchLabels", {}), **labels},
            },
            "template": {**template, "metadata": {**template.get("metadata", {}), "labels": labelled}},
        },
    }
    if "minReadySeconds" in spec:
        made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return owned(made, deployment)


def pod(replica_set: Object, suffix: str, node: NodeName | None) -> Object:
    """A pod of a ReplicaSet, on its node if there is one for it."""
    template, metadata = replica_set["spec"]["template"], replica_set["metadata"]
    made: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{metadata['name']}-{suffix}",
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
            **{
                key: dict(value)
                for key, value in template.get("metadata", {}).items()
                if key in {"labels", "annotations"} and value
            },
        },
        "spec": {**template["spec"], **({"nodeName": node} if node else {})},
    }
    return owned(made, replica_set)


def event(deployment: Object, reason: str, message: str, now: str, suffix: str) -> Object:
    """A Normal event on a Deployment; *suffix* makes its name unique."""
    metadata = deployment["metadata"]
    involved = {key: metadata[key] for key in ("name", "namespace", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{suffix}", "namespace": metadata["namespace"]},
        "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", **involved},
        "type": "Normal",
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": "deployment-controller"},
    }


def forgotten(deployment: Object, old: Sequence[Object]) -> tuple[Object, ...]:
    """Old ReplicaSets without pods beyond the history that is kept; the first revisions go first."""
    keep = deployment["spec"].get("revisionHistoryLimit", _HISTORY)
    idle = [
        one
        for one in old
        if not one["spec"].get("replicas") and not (one.get("status") or {}).get("replicas")
    ]
    return tuple(sorted(idle, key=revision)[: max(len(idle) - keep, 0)])


def _without_hash(template: Object) -> Object:
    metadata = template.get("metadata", {})
    labels = {key: value for key, value in metadata.get("labels", {}).items() if key != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _plain(value: Any) -> Any:
    """Without what Go writes for nothing: ``null``, ``{}``, ``[]``."""
    if isinstance(value, dict):
        inner = {key: _plain(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one not in (None, {}, [])}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _template_hash(template: Object) -> str:
    digest = hashlib.sha256(json.dumps(_plain(template), sort_keys=True).encode()).digest()
    return "".join(NAME_LETTERS[byte % len(NAME_LETTERS)] for byte in digest[:_HASH_LETTERS])
