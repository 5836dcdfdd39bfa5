"""A trace as GetTraceSummaries tells it. Source: the service model in botocore."""

from collections.abc import Iterable, Iterator
from typing import Any

from k8s.lab.xray.matching import annotations_of
from k8s.lab.xray.traces import Part, Trace


def summary_of(trace: Trace, *, revision: int) -> dict[str, Any]:
    """The TraceSummary; root causes are not worked out (their lists are empty)."""
    root = trace.root
    document = root.document if root else {}
    summary: dict[str, Any] = {
        "Id": trace.id,
        "StartTime": trace.start_s,
        "Duration": round(trace.end_s - trace.start_s, 3),
        "HasFault": document.get("fault") is True,
        "HasError": document.get("error") is True,
        "HasThrottle": any(part.document.get("throttle") is True for part in trace.parts.values()),
        "IsPartial": trace.in_progress,
        "Http": _http(document),
        "Annotations": _annotations(trace),
        "Users": _users(trace),
        "ServiceIds": _services(trace, (*trace.segments, *trace.inferred)),
        "ResourceARNs": _named("ARN", (part.document.get("resource_arn") for part in trace.segments)),
        "InstanceIds": _named("Id", _places(trace, "instance_id")),
        "AvailabilityZones": _named("Name", _places(trace, "availability_zone")),
        "FaultRootCauses": [],
        "ErrorRootCauses": [],
        "ResponseTimeRootCauses": [],
        "Revision": revision,
    }
    if root is not None:
        summary["ResponseTime"] = round(root.end_s - root.start_s, 3)
        summary["EntryPoint"] = _service(trace, root)
    return summary


def _http(document: Any) -> dict[str, Any]:
    http = document.get("http") or {}
    request = http.get("request") or {}
    fields = {
        "HttpURL": request.get("url"),
        "HttpStatus": (http.get("response") or {}).get("status"),
        "HttpMethod": request.get("method"),
        "UserAgent": request.get("user_agent"),
        "ClientIp": request.get("client_ip"),
    }
    return {key: value for key, value in fields.items() if value is not None}


def _annotations(trace: Trace) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for key, carried in annotations_of(trace).items():
        carriers: dict[tuple[type, Any], list[Part]] = {}
        for value, part in carried:
            carriers.setdefault((type(value), value), []).append(part)
        found[key] = [
            {
                "AnnotationValue": _annotation_value(value),
                "ServiceIds": _services(trace, _owners(trace, parts)),
            }
            for (_, value), parts in carriers.items()
        ]
    return found


def _annotation_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    if isinstance(value, int | float):
        return {"NumberValue": value}
    return {"StringValue": str(value)}


def _owners(trace: Trace, parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        owner = trace.segment_of(part)
        if owner is not None:
            yield owner


def _users(trace: Trace) -> list[dict[str, Any]]:
    users: dict[str, list[Part]] = {}
    for part in trace.segments:
        if user := part.document.get("user"):
            users.setdefault(str(user), []).append(part)
    return [{"UserName": user, "ServiceIds": _services(trace, parts)} for user, parts in users.items()]


def _services(trace: Trace, parts: Iterable[Part]) -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = []
    for part in parts:
        service = _service(trace, part)
        if service not in services:
            services.append(service)
    return services


def _service(trace: Trace, part: Part) -> dict[str, Any]:
    name, kind = trace.node(part)
    service: dict[str, Any] = {"Name": name, "Names": [name]}
    if kind:
        service["Type"] = kind
    return service


def _places(trace: Trace, field: str) -> Iterator[str | None]:
    for part in trace.segments:
        yield ((part.document.get("aws") or {}).get("ec2") or {}).get(field)


def _named(key: str, values: Iterable[str | None]) -> list[dict[str, str]]:
    return [{key: value} for value in dict.fromkeys(values) if value]
