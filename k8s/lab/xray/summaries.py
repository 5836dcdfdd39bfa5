"""A trace as GetTraceSummaries tells it. Source: the service model in botocore."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from k8s.lab.xray.matching import annotations_of
from k8s.lab.xray.traces import Part, Trace

_Services = Callable[[Iterable[Part]], list[dict[str, Any]]]
"""Gives the ServiceIds of some segments, each once."""


def summary_of(trace: Trace, *, revision: int, accounts: bool = False) -> dict[str, Any]:
    """The TraceSummary; root causes are not worked out (their lists are empty).

    *accounts*: whether services are told apart by account, as in the graph.
    """
    services = partial(_services, trace, accounts=accounts)
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
        "Annotations": _annotations(trace, services),
        "Users": _users(trace, services),
        "ServiceIds": services((*trace.segments, *trace.inferred)),
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
        (summary["EntryPoint"],) = services((root,))
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


def _annotations(trace: Trace, services: _Services) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for key, carried in annotations_of(trace).items():
        carriers: dict[tuple[type, Any], list[Part]] = {}
        for value, part in carried:
            carriers.setdefault((type(value), value), []).append(part)
        found[key] = [
            {
                "AnnotationValue": _annotation_value(value),
                "ServiceIds": services(_owners(trace, parts)),
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


def _users(trace: Trace, services: _Services) -> list[dict[str, Any]]:
    users: dict[str, list[Part]] = {}
    for part in trace.segments:
        if user := part.document.get("user"):
            users.setdefault(str(user), []).append(part)
    return [{"UserName": user, "ServiceIds": services(parts)} for user, parts in users.items()]


def _services(trace: Trace, parts: Iterable[Part], *, accounts: bool) -> list[dict[str, Any]]:
    names = dict.fromkeys((*trace.node(part), _account(trace, part) if accounts else "") for part in parts)
    return [_service_id(*name) for name in names]


def _account(trace: Trace, part: Part) -> str:
    if trace.is_inferred(part):
        return ""
    return str((part.document.get("aws") or {}).get("account_id") or "")


def _service_id(name: str, kind: str, account: str) -> dict[str, Any]:
    service: dict[str, Any] = {"Name": name, "Names": [name]}
    if kind:
        service["Type"] = kind
    if account:
        service["AccountId"] = account
    return service


def _places(trace: Trace, field: str) -> Iterator[str | None]:
    for part in trace.segments:
        yield ((part.document.get("aws") or {}).get("ec2") or {}).get(field)


def _named(key: str, values: Iterable[str | None]) -> list[dict[str, str]]:
    return [{key: value} for value in dict.fromkeys(values) if value]
