"""Whether a trace fits a filter expression.

Source: X-Ray developer guide, "using filter expressions": bare keywords look at the trace as its caller saw
it (the root segment); ``service`` and ``edge`` look at any segment or call.
"""

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from k8s.lab.xray.elements import IN_PROGRESS, SEGMENT
from k8s.lab.xray.filters import (
    And,
    Annotation,
    EdgeFilter,
    Expression,
    Keyword,
    Literal,
    Not,
    Or,
    ServiceFilter,
    Who,
)
from k8s.lab.xray.traces import Part, Trace

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "CONTAINS": lambda text, part: part in text,
    "BEGINSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What keywords are asked of: the whole trace, one segment of it, or one call."""

    flags: Mapping[str, bool]
    numbers: Mapping[str, float | None]
    strings: Mapping[str, tuple[str, ...]]


class Matcher:
    """Answers for one trace; *groups* are the names and ARNs of the groups that it is in."""

    def __init__(self, trace: Trace, groups: Collection[str] = ()) -> None:
        """Look at a trace."""
        self._trace = trace
        self._groups = tuple(groups)
        self._whole = _of_trace(trace, self._groups)

    def fits(self, expression: Expression) -> bool:
        """Whether the trace fits."""
        return self._holds(expression, self._whole)

    def _holds(self, expression: Expression, subject: _Subject) -> bool:
        match expression:
            case Not(term=term):
                return not self._holds(term, subject)
            case And(terms=terms):
                return all(self._holds(term, subject) for term in terms)
            case Or(terms=terms):
                return any(self._holds(term, subject) for term in terms)
            case Keyword():
                return _keyword(expression, subject)
            case Annotation():
                return self._annotation(expression)
            case ServiceFilter(who=who, inner=inner):
                return any(self._inside(inner, part, part) for part in self._nodes() if self._is(part, who))
            case EdgeFilter(caller=caller, callee=callee, inner=inner):
                return any(
                    self._inside(inner, call, target)
                    for source, call, target in self._trace.calls()
                    if self._is(source, caller) and self._is(target, callee)
                )
            case _:
                assert_never(expression)

    def _nodes(self) -> tuple[Part, ...]:
        return (*self._trace.segments, *self._trace.inferred)

    def _inside(self, inner: Expression | None, asked: Part, node: Part) -> bool:
        return inner is None or self._holds(inner, _of_part(self._trace, asked, node))

    def _is(self, part: Part, who: Who) -> bool:
        name, kind = self._trace.node(part)
        account = str((part.document.get("aws") or {}).get("account_id") or "")
        wanted = ((who.name, name), (who.type, kind), (who.account, account))
        return all(asked is None or asked == actual for asked, actual in wanted)

    def _annotation(self, asked: Annotation) -> bool:
        values = [
            part.document["annotations"][asked.key]
            for part in self._trace.parts.values()
            if asked.key in (part.document.get("annotations") or {})
        ]
        if asked.operator is None or asked.value is None:
            return any(value is not False for value in values)
        return _any(asked.operator, values, asked.value)


def annotations_of(trace: Trace) -> dict[str, list[tuple[Literal, Part]]]:
    """All annotations with the parts that carry them."""
    found: dict[str, list[tuple[Literal, Part]]] = {}
    for part in trace.parts.values():
        for key, value in (part.document.get("annotations") or {}).items():
            found.setdefault(key, []).append((value, part))
    return found


def _keyword(asked: Keyword, subject: _Subject) -> bool:
    if asked.keyword in subject.flags:
        flag = subject.flags[asked.keyword]
        wanted = asked.value is not False
        return (flag is wanted) is (asked.operator != "!=")
    values: Sequence[Any] = subject.strings.get(asked.keyword, ())
    if asked.keyword in subject.numbers:
        number = subject.numbers[asked.keyword]
        values = () if number is None else (number,)
    if asked.operator is None or asked.value is None:
        return bool(values)
    return _any(asked.operator, values, asked.value)


def _any(sign: str, values: Iterable[Any], wanted: Literal) -> bool:
    """Whether one of the values compares as wanted; ``!=`` means that none is equal."""
    if sign == "!=":
        return not _any("=", values, wanted)
    return any(_COMPARE[sign](value, wanted) for value in values if _alike(value, wanted))


def _alike(value: Any, wanted: Literal) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool)
    return isinstance(value, str) == isinstance(wanted, str)


def _of_trace(trace: Trace, groups: tuple[str, ...]) -> _Subject:
    root = trace.root
    document = root.document if root else {}
    parts = [*trace.parts.values(), *trace.inferred]
    strings = _merged([_strings(trace, part) for part in parts]) | _http_strings(document)
    return _Subject(
        flags=_flags(document)
        | {
            "throttle": any(part.document.get("throttle") is True for part in parts),
            "partial": trace.in_progress,
            "inferred": bool(trace.inferred),
            "root": root is not None,
        },
        numbers={
            "responsetime": root.end_s - root.start_s if root else None,
            "duration": trace.end_s - trace.start_s,
            "http.status": _status(document),
        },
        strings=strings | {"group.name": groups, "group.arn": groups},
    )


def _of_part(trace: Trace, part: Part, node: Part) -> _Subject:
    """*part* is what is asked; *node* the segment that gives name, type and place (a call's callee)."""
    taken = part.end_s - part.start_s
    return _Subject(
        flags=_flags(part.document)
        | {
            "throttle": part.document.get("throttle") is True,
            "partial": bool(part.bits & IN_PROGRESS),
            "inferred": trace.is_inferred(node),
            "root": node.parent not in trace.parts,
        },
        numbers={"responsetime": taken, "duration": taken, "http.status": _status(part.document)},
        strings=_strings(trace, node) | _http_strings(part.document),
    )


def _flags(document: Mapping[str, Any]) -> dict[str, bool]:
    flags = {flag: document.get(flag) is True for flag in ("error", "fault")}
    return flags | {"ok": not (flags["error"] or flags["fault"] or document.get("throttle") is True)}


def _http_strings(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    request = (document.get("http") or {}).get("request") or {}
    fields = {"url": "url", "method": "method", "useragent": "user_agent", "clientip": "client_ip"}
    return {f"http.{word}": _filled(request.get(field)) for word, field in fields.items()}


def _status(document: Mapping[str, Any]) -> float | None:
    status = ((document.get("http") or {}).get("response") or {}).get("status")
    return float(status) if isinstance(status, int) else None


def _strings(trace: Trace, part: Part) -> dict[str, tuple[str, ...]]:
    document = part.document
    name, kind = trace.node(part) if part.bits & SEGMENT else ("", "")
    cause = document.get("cause")
    exceptions = cause.get("exceptions") or () if isinstance(cause, dict) else ()
    place = (document.get("aws") or {}).get("ec2") or {}
    return {
        "name": (*_filled(name), *(str(exception.get("type", "")) for exception in exceptions)),
        "type": _filled(kind),
        "user": _filled(document.get("user")),
        "message": tuple(str(exception.get("message", "")) for exception in exceptions),
        "availabilityzone": _filled(place.get("availability_zone")),
        "instance.id": _filled(place.get("instance_id")),
        "resource.arn": _filled(document.get("resource_arn")),
    }


def _merged(several: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    merged: dict[str, tuple[str, ...]] = {}
    for strings in several:
        for keyword, values in strings.items():
            merged[keyword] = merged.get(keyword, ()) + values
    return merged


def _filled(value: Any) -> tuple[str, ...]:
    return (str(value),) if value else ()
