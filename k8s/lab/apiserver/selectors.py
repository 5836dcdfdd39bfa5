"""Label and field selectors: text to requirements, and requirements against an object.

Grammar: upstream ``k8s.io/apimachinery/pkg/labels`` (``=``, ``==``, ``!=``, ``in``, ``notin``, ``key``,
``!key``, ``>``, ``<``) and ``pkg/fields`` (``=``, ``==``, ``!=``).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.resources import EVENTS, NAMESPACES, PODS, SERVICES, Resource
from k8s.lab.design.seeds import Object

Operator = Literal["in", "notin", "exists", "!", ">", "<"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One clause; an object must meet all of them."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def meets(self, values: Mapping[str, str]) -> bool:
        """Whether these labels, or fields, satisfy the clause; a missing key meets ``!=`` and ``notin``."""
        present = self.key in values
        match self.operator:
            case "exists":
                return present
            case "!":
                return not present
            case "in":
                return present and values[self.key] in self.values
            case "notin":
                return not present or values[self.key] not in self.values
            case ">" | "<":
                return present and _compare(values[self.key], self.operator, int(self.values[0]))


Selector = tuple[Requirement, ...]
"""All clauses must hold; empty selects everything."""

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}")
_VALUE = re.compile(rf"(?:{_NAME})?")
_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_SYMBOLS = frozenset({"=", "==", "!=", "!", "<", ">", "(", ")", ","})


def parse_labels(text: str) -> Selector:
    """A ``labelSelector``; StatusError 400 if it does not parse."""
    tokens = _tokens(text)
    if not tokens:
        return ()
    found: list[Requirement] = []
    position = 0
    while True:
        requirement, position = _requirement(tokens, position, text)
        found.append(requirement)
        if position == len(tokens):
            return tuple(found)
        if tokens[position] != ",":
            raise _unparsable(text, f"found '{tokens[position]}', expected: ',' or 'end of string'")
        position += 1


def parse_fields(text: str, resource: Resource) -> Selector:
    """A ``fieldSelector``; StatusError 400 if it does not parse or the resource has no such field."""
    found: list[Requirement] = []
    for clause in text.split(",") if text else ():
        if not clause:
            continue
        match = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", clause, flags=re.DOTALL)
        if match is None:
            raise statuses.bad_request(f"invalid selector: '{text}'; can't understand '{clause}'")
        key, sign, value = match.groups()
        if key not in _fields_of(resource):
            raise statuses.bad_request(_unknown_field(key, resource))
        found.append(
            Requirement(key=key, operator="notin" if sign == "!=" else "in", values=(_unescaped(value),))
        )
    return tuple(found)


def labels_match(selector: Selector, obj: Object) -> bool:
    """Whether the object's labels meet every clause."""
    labels = obj["metadata"].get("labels") or {}
    return all(requirement.meets(labels) for requirement in selector)


def fields_match(selector: Selector, resource: Resource, obj: Object) -> bool:
    """Whether the object's fields meet every clause."""
    fields = _fields_of(resource)
    return all(requirement.meets({requirement.key: fields[requirement.key](obj)}) for requirement in selector)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # only white space is left
            break
        tokens.append(match[1])
        position = match.end()
    return tokens


def _requirement(tokens: list[str], start: int, text: str) -> tuple[Requirement, int]:
    """The clause that starts at token *start*, and where the next one would."""
    position = start
    absent = tokens[position : position + 1] == ["!"]
    position += absent
    key = _at(tokens, position)
    if not key or key in _SYMBOLS:
        raise _unparsable(text, f"found '{key}', expected: !, identifier, or 'end of string'")
    if not _KEY.fullmatch(key):
        raise _unparsable(
            text, f'key: Invalid value: "{key}": name part must consist of alphanumeric characters'
        )
    position += 1
    sign = _at(tokens, position)
    if absent or sign in ("", ","):
        return Requirement(key=key, operator="!" if absent else "exists"), position
    position += 1
    match sign:
        case "in" | "notin":
            values, position = _value_list(tokens, position, text)
            return Requirement(key=key, operator=sign, values=values), position
        case "=" | "==" | "!=":
            value, position = _one_value(tokens, position, text)
            return Requirement(key=key, operator="notin" if sign == "!=" else "in", values=(value,)), position
        case ">" | "<":
            value, position = _one_value(tokens, position, text)
            if not re.fullmatch(r"-?[0-9]{1,18}", value):
                raise _unparsable(text, f'for "{sign}" operator, the value must be an integer')
            return Requirement(key=key, operator=sign, values=(value,)), position
    raise _unparsable(text, f"found '{sign}', expected: in, notin, =, ==, !=, >, <")


def _one_value(tokens: list[str], position: int, text: str) -> tuple[str, int]:
    value = _at(tokens, position)
    if value in ("", ","):  # "key=" selects the empty value
        return "", position
    return _checked_value(value, text), position + 1


def _value_list(tokens: list[str], position: int, text: str) -> tuple[tuple[str, ...], int]:
    if _at(tokens, position) != "(":
        raise _unparsable(text, f"found '{_at(tokens, position)}', expected: '('")
    values: list[str] = []
    position += 1
    while True:
        value, position = (
            _one_value(tokens, position, text) if _at(tokens, position) != ")" else ("", position)
        )
        values.append(value)
        closing = _at(tokens, position)
        position += 1
        if closing == ")":
            return tuple(values), position
        if closing != ",":
            raise _unparsable(text, f"found '{closing}', expected: ',' or ')'")


def _checked_value(value: str, text: str) -> str:
    if value in _SYMBOLS or not _VALUE.fullmatch(value):
        raise _unparsable(
            text, f'values[0][]: Invalid value: "{value}": a valid label must be an empty string'
        )
    return value


def _at(tokens: list[str], position: int) -> str:
    return tokens[position] if position < len(tokens) else ""


def _unparsable(text: str, why: str) -> statuses.StatusError:
    return statuses.bad_request(f'unable to parse requirement in "{text}": {why}')


def _unknown_field(key: str, resource: Resource) -> str:
    if resource in _FIELDS:
        return f"field label not supported: {key}"
    known = ", ".join(f'"{field}"' for field in _COMMON)
    return f'"{key}" is not a known field selector: only {known}'


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)


def _compare(value: str, operator: str, bound: int) -> bool:
    try:
        number = int(value)
    except ValueError:
        return False
    return number > bound if operator == ">" else number < bound


def _field(*path: str) -> Callable[[Object], str]:
    def read(obj: Object) -> str:
        value: Any = obj
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)

    return read


_COMMON = {"metadata.name": _field("metadata", "name"), "metadata.namespace": _field("metadata", "namespace")}


def _paths(*dotted: str) -> dict[str, Callable[[Object], str]]:
    return {path: _field(*path.split(".")) for path in dotted}


_FIELDS: dict[Resource, dict[str, Callable[[Object], str]]] = {
    PODS: _paths(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    SERVICES: _paths("spec.clusterIP", "spec.type"),
    NAMESPACES: _paths("status.phase"),
    EVENTS: _paths(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "type",
    )
    | {"source": _field("source", "component")},
}


def _fields_of(resource: Resource) -> dict[str, Callable[[Object], str]]:
    return _COMMON | _FIELDS.get(resource, {})
