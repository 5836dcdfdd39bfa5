"""Bodies in protobuf: kubectl's typed commands (``create namespace``, ``auth can-i``) send no others.

Upstream ``apimachinery/pkg/runtime/serializer/protobuf`` and the ``generated.proto`` of each group. Only
reading, and only what those commands send; a field beyond that is refused by its number, never dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from k8s.lab.apiserver import statuses

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_LONG, _SHORT = 1, 5

_MESSAGES: Final = {
    "Unknown": "1:typeMeta:TypeMeta 2:raw:bytes 3:contentEncoding 4:contentType",
    "TypeMeta": "1:apiVersion 2:kind",
    "ObjectMeta": "1:name 2:generateName 3:namespace 4:selfLink 5:uid 6:resourceVersion 7:generation:int "
    "8:creationTimestamp:Time 11:labels:map 12:annotations:map 13:ownerReferences:[]OwnerReference "
    "14:finalizers:[]",
    "OwnerReference": "5:apiVersion 1:kind 3:name 4:uid 6:controller:bool! 7:blockOwnerDeletion:bool!",
    "LabelSelector": "1:matchLabels:map 2:matchExpressions:[]LabelSelectorRequirement",
    "LabelSelectorRequirement": "1:key 2:operator 3:values:[]",
    "Namespace": "1:metadata:ObjectMeta 2:spec:NamespaceSpec 3:status:skip",
    "NamespaceSpec": "1:finalizers:[]",
    "Service": "1:metadata:ObjectMeta 2:spec:ServiceSpec 3:status:skip",
    "ServiceSpec": "1:ports:[]ServicePort 2:selector:map 3:clusterIP 18:clusterIPs:[] 4:type "
    "5:externalIPs:[] 7:sessionAffinity 8:loadBalancerIP 9:loadBalancerSourceRanges:[] 10:externalName "
    "11:externalTrafficPolicy 12:healthCheckNodePort:int 13:publishNotReadyAddresses:bool 19:ipFamilies:[] "
    "17:ipFamilyPolicy 20:allocateLoadBalancerNodePorts:bool! 21:loadBalancerClass 22:internalTrafficPolicy "
    "23:trafficDistribution",
    "ServicePort": "1:name 2:protocol 6:appProtocol 3:port:int 4:targetPort:IntOrString 5:nodePort:int",
    "Deployment": "1:metadata:ObjectMeta 2:spec:DeploymentSpec 3:status:skip",
    "DeploymentSpec": "1:replicas:int! 2:selector:LabelSelector 3:template:PodTemplateSpec "
    "4:strategy:DeploymentStrategy 5:minReadySeconds:int 6:revisionHistoryLimit:int! 7:paused:bool "
    "9:progressDeadlineSeconds:int!",
    "DeploymentStrategy": "1:type 2:rollingUpdate:RollingUpdateDeployment",
    "RollingUpdateDeployment": "1:maxUnavailable:IntOrString 2:maxSurge:IntOrString",
    "PodTemplateSpec": "1:metadata:ObjectMeta 2:spec:PodSpec",
    "Pod": "1:metadata:ObjectMeta 2:spec:PodSpec 3:status:skip",
    "PodSpec": "20:initContainers:[]Container 2:containers:[]Container 3:restartPolicy "
    "4:terminationGracePeriodSeconds:int! 5:activeDeadlineSeconds:int! 6:dnsPolicy 7:nodeSelector:map "
    "8:serviceAccountName 9:serviceAccount 21:automountServiceAccountToken:bool! 10:nodeName "
    "11:hostNetwork:bool 12:hostPID:bool 13:hostIPC:bool 16:hostname 17:subdomain 19:schedulerName "
    "24:priorityClassName 25:priority:int! 29:runtimeClassName 30:enableServiceLinks:bool! "
    "31:preemptionPolicy",
    "Container": "1:name 2:image 3:command:[] 4:args:[] 5:workingDir 6:ports:[]ContainerPort 7:env:[]EnvVar "
    "8:resources:ResourceRequirements 13:terminationMessagePath 20:terminationMessagePolicy "
    "14:imagePullPolicy 16:stdin:bool 17:stdinOnce:bool 18:tty:bool",
    "ContainerPort": "1:name 2:hostPort:int 3:containerPort:int 4:protocol 5:hostIP",
    "EnvVar": "1:name 2:value",
    "ResourceRequirements": "1:limits:quantities 2:requests:quantities",
    "SelfSubjectAccessReview": "1:metadata:ObjectMeta 2:spec:SelfSubjectAccessReviewSpec 3:status:skip",
    "SelfSubjectAccessReviewSpec": "1:resourceAttributes:ResourceAttributes "
    "2:nonResourceAttributes:NonResourceAttributes",
    "ResourceAttributes": "1:namespace 2:verb 3:group 4:version 5:resource 6:subresource 7:name",
    "NonResourceAttributes": "1:path 2:verb",
    "SelfSubjectRulesReview": "1:metadata:ObjectMeta 2:spec:SelfSubjectRulesReviewSpec 3:status:skip",
    "SelfSubjectRulesReviewSpec": "1:namespace",
    "SelfSubjectReview": "1:metadata:ObjectMeta 2:status:skip",
    "Eviction": "1:metadata:ObjectMeta 2:deleteOptions:DeleteOptions",
    "DeleteOptions": "1:gracePeriodSeconds:int! 2:preconditions:Preconditions 3:orphanDependents:bool! "
    "4:propagationPolicy 5:dryRun:[]",
    "Preconditions": "1:uid 2:resourceVersion",
}
"""number:name:type; no type is a text, ``[]`` a list of texts, ``!`` keeps a zero (Go sends the zeros of all
fields that are no pointers)."""


class _MalformedError(ValueError):
    """The bytes are no protobuf, or hold what is not in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    type: str
    is_list: bool
    keeps_zero: bool


def decoded(raw: bytes) -> Any:
    """The object in a body, as JSON; StatusError 400, or 415 for what cannot be read here."""
    if not raw.startswith(_MAGIC):
        raise statuses.bad_request("provided data does not appear to be a protobuf message")
    try:
        return _object(_message("Unknown", raw[len(_MAGIC) :]))
    except (_MalformedError, UnicodeDecodeError, OverflowError) as error:
        raise statuses.unreadable(f"{MEDIA_TYPE}: {error}; send application/json") from error


def _object(outer: dict[str, Any]) -> dict[str, Any]:
    meta = outer.get("typeMeta", {})
    kind = str(meta.get("kind", ""))
    if kind != "DeleteOptions" and "metadata:ObjectMeta" not in _MESSAGES.get(kind, ""):
        raise _MalformedError(f"kind {kind!r} is not read in protobuf")
    return {"apiVersion": meta.get("apiVersion", ""), "kind": kind, **_message(kind, outer.get("raw", b""))}


@cache
def _fields_of(message: str) -> dict[int, _Field]:
    found = {}
    for text in _MESSAGES[message].split():
        number, name, kind = [*text.split(":"), ""][:3]
        found[int(number)] = _Field(
            name=name,
            type=kind.removeprefix("[]").removesuffix("!"),
            is_list=kind.startswith("[]"),
            keeps_zero=kind.endswith("!"),
        )
    return found


def _message(message: str, data: bytes) -> dict[str, Any]:
    fields = _fields_of(message)
    found: dict[str, Any] = {}
    for number, value in _wire(data):
        field = fields.get(number)
        if field is None:
            if value in (0, b""):
                continue
            raise _MalformedError(f"field {number} of {message} is not read in protobuf")
        if field.type in ("map", "quantities"):
            key, item = _entry(value, field.type)
            found.setdefault(field.name, {})[key] = item
            continue
        item = _value(field, value)
        if field.is_list:
            found.setdefault(field.name, []).append(item)
        elif field.type != "skip" and (field.keeps_zero or item not in (0, "", {}, None)):
            found[field.name] = item
    return found


def _value(field: _Field, value: int | bytes) -> Any:
    if field.type in ("int", "bool"):
        if not isinstance(value, int):
            raise _MalformedError(f"{field.name} is no number")
        return bool(value) if field.type == "bool" else value - 2**64 if value >= 2**63 else value
    if not isinstance(value, bytes):
        raise _MalformedError(f"{field.name} is a number")
    match field.type:
        case "":
            return value.decode()
        case "bytes":
            return value
        case "skip":
            return None
        case "Time":
            seconds = dict(_wire(value)).get(1, 0)
            if not isinstance(seconds, int) or not seconds:
                return None
            return datetime.fromtimestamp(min(seconds, 2**34), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "IntOrString":
            parts = dict(_wire(value))
            text = parts.get(3, b"")
            return text.decode() if parts.get(1) and isinstance(text, bytes) else parts.get(2, 0)
    return _message(field.type, value)


def _entry(value: int | bytes, kind: str) -> tuple[str, str]:
    if not isinstance(value, bytes):
        raise _MalformedError("a map's entry is a number")
    parts = dict(_wire(value))
    key, item = parts.get(1, b""), parts.get(2, b"")
    if kind == "quantities" and isinstance(item, bytes):
        item = dict(_wire(item)).get(1, b"")
    if not isinstance(key, bytes) or not isinstance(item, bytes):
        raise _MalformedError("a map's entry is no text")
    return key.decode(), item.decode()


def _wire(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers and what they hold."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                yield tag >> 3, value
            case 1 | 2 | 5 as kind:
                length, at = (8, at) if kind == _LONG else (4, at) if kind == _SHORT else _varint(data, at)
                if at + length > len(data):
                    raise _MalformedError("cut off")
                yield tag >> 3, data[at : at + length]
                at += length
            case _:
                raise _MalformedError(f"wire type {tag & 7}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _MalformedError("cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return value, at
    raise _MalformedError("a number that is too long")
