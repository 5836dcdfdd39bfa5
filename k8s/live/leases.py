"""A Lease beside each Service that is being changed: who does it, how it beats, and what the Service had.

``coordination.k8s.io/v1``: standard, shown by ``kubectl get leases``, and it wakes no EndpointSlice
controller as an annotation on the Service would. The fields of its spec mean what they mean to Kubernetes;
what is ours alone is in annotations. A Lease without holder is a record only: the Service was left changed on
purpose, and anybody may go on from there.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from k8s.errors import UsageError
from k8s.live.originals import decoded, encoded
from k8s.routing.restoring import Original
from k8s.topology import ServiceKey

ORIGINAL: Final = "samezone.dev/original"
RUN: Final = "samezone.dev/run"
PROCESS: Final = "samezone.dev/process"
_API: Final = "coordination.k8s.io/v1"
_PREFIX: Final = "samezone."
_LONGEST: Final = 253
_PLAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that may hold a Lease."""

    identity: str
    """``user@host/pid/token``: told from every other process by its token."""
    process: str
    """The machine and the process on it, so that this machine sees whether it still runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A Service's Lease."""

    service: ServiceKey
    holder: Holder | None
    """None: nobody; the Lease is a record only."""
    run: str = ""
    """What the holder does."""
    acquired_s: float = 0.0
    renewed_s: float = 0.0
    duration_s: int = 0
    """A holder that has not renewed it for so long is not alive."""
    transitions: int = 0
    """How often it went from one holder to another."""
    original: Original | None = None
    """What the Service had, where it is being changed or was."""
    version: str = ""
    """Its resourceVersion; empty for one that is not created yet."""

    @property
    def title(self) -> str:
        """As a person finds it."""
        return f"Lease {self.service.namespace}/{name_of(self.service)}"


class RawObjects(Protocol):
    """Objects as the API server has them; ``LiveCluster`` reads and writes them."""

    def read_object(self, path: str, *, what: str) -> Mapping[str, Any] | None:
        """The object at *path*; None where there is none."""

    def create_object(self, path: str, body: Mapping[str, Any], *, what: str) -> Mapping[str, Any]:
        """Create an object in the collection at *path*; ConflictError where there is one of that name."""

    def replace_object(self, path: str, body: Mapping[str, Any], *, what: str) -> Mapping[str, Any]:
        """Replace the object; ConflictError where it is not of *body*'s resourceVersion, or gone."""

    def delete_object(self, path: str, *, version: str, what: str) -> None:
        """Delete the object; one that is gone is fine, ConflictError where it is not of that version."""


def read(cluster: RawObjects, key: ServiceKey) -> Lease | None:
    """The Service's Lease; None where it has none, UsageError where it is not one of ours."""
    raw = cluster.read_object(_path(key), what=_what(key))
    return None if raw is None else _parsed(raw, key)


def create(cluster: RawObjects, lease: Lease) -> Lease:
    """Create the Lease; ConflictError where there is one already."""
    path, what = _collection(lease.service), _what(lease.service)
    return _parsed(cluster.create_object(path, _manifest(lease, {}), what=what), lease.service)


def write(cluster: RawObjects, lease: Lease) -> Lease:
    """Replace the Lease by this one; ConflictError where it is not of that version any more, or gone."""
    path, what = _path(lease.service), _what(lease.service)
    body = _manifest(lease, {"resourceVersion": lease.version})
    return _parsed(cluster.replace_object(path, body, what=what), lease.service)


def delete(cluster: RawObjects, lease: Lease) -> None:
    """Delete the Lease; ConflictError where it is not of that version any more."""
    cluster.delete_object(_path(lease.service), version=lease.version, what=_what(lease.service))


def name_of(key: ServiceKey) -> str:
    """The Lease's name: ``samezone.`` and the Service's, or a digest where that would be no name."""
    name = f"{_PREFIX}{key.name}"
    if len(name) <= _LONGEST and _PLAIN.fullmatch(key.name):
        return name
    digest = hashlib.sha256(key.name.encode()).hexdigest()[:16]
    readable = re.sub(r"[^a-z0-9]+", "-", key.name.lower()).strip("-")[:200].strip("-")
    return ".".join(part for part in (_PREFIX.rstrip("."), readable, digest) if part)


def released(lease: Lease, *, at_s: float) -> Lease:
    """The Lease with nobody holding it, as Kubernetes' own clients leave theirs."""
    return replace(lease, holder=None, run="", renewed_s=at_s, duration_s=1)


def _what(key: ServiceKey) -> str:
    return f"Lease {key.namespace}/{name_of(key)}"


def _collection(key: ServiceKey) -> str:
    return f"/apis/{_API}/namespaces/{quote(key.namespace, safe='')}/leases"


def _path(key: ServiceKey) -> str:
    return f"{_collection(key)}/{name_of(key)}"


def _manifest(lease: Lease, metadata: Mapping[str, str]) -> dict[str, Any]:
    annotations = {}
    if lease.original is not None:
        annotations[ORIGINAL] = encoded(lease.original).decode()
    spec: dict[str, Any] = {
        "acquireTime": _stamp(lease.acquired_s),
        "renewTime": _stamp(lease.renewed_s),
        "leaseDurationSeconds": lease.duration_s,
        "leaseTransitions": lease.transitions,
    }
    if lease.holder is not None:
        spec["holderIdentity"] = lease.holder.identity
        annotations |= {RUN: lease.run, PROCESS: lease.holder.process}
    return {
        "apiVersion": _API,
        "kind": "Lease",
        "metadata": {
            "name": name_of(lease.service),
            "namespace": lease.service.namespace,
            "labels": {"app.kubernetes.io/managed-by": "samezone"},
            "annotations": annotations,
            **metadata,
        },
        "spec": spec,
    }


def _parsed(raw: Mapping[str, Any], key: ServiceKey) -> Lease:
    try:
        metadata, spec = raw["metadata"], raw.get("spec") or {}
        annotations = metadata.get("annotations") or {}
        identity, original = spec.get("holderIdentity"), annotations.get(ORIGINAL)
        holder = (
            Holder(identity=str(identity), process=str(annotations.get(PROCESS, ""))) if identity else None
        )
        return Lease(
            service=key,
            holder=holder,
            run=str(annotations.get(RUN, "")),
            acquired_s=_seconds(spec.get("acquireTime")),
            renewed_s=_seconds(spec.get("renewTime")),
            duration_s=int(spec.get("leaseDurationSeconds") or 0),
            transitions=int(spec.get("leaseTransitions") or 0),
            original=None if original is None else decoded(original),
            version=str(metadata["resourceVersion"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"reading {_what(key)}: {error!r:.200}; look at it with: kubectl -n {key.namespace} get lease "
            f"{name_of(key)} -o yaml, and delete it when the Service is as it should be"
        ) from error


def _stamp(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _seconds(stamp: str | None) -> float:
    return datetime.fromisoformat(stamp).timestamp() if stamp else 0.0
