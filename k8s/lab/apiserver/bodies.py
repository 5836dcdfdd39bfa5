"""Request bodies and answers: JSON in, JSON out."""

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import yaml
from aiohttp import web

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.negotiation import Form, Negotiated
from k8s.lab.depth import is_deeper

MAX_BYTES = 3 * 1024 * 1024
"""The real one's limit."""
MAX_YAML_BYTES = 128 * 1024
"""Parsing YAML is slow; clients send JSON."""
_MOST_YAML_EVENTS = 20_000
"""Scalars, and begins and ends of lists and objects: half a second of work."""
_MAX_DEPTH = 100
"""No object nests half as deep; what walks the objects may recurse."""
_NO_ALIASES = "aliases are not taken: a few of them could stand for a document without end"
_TEXT_LIMIT = 1_000


def decoded(raw: bytes) -> Any:
    """The JSON value in a body, None for an empty one; StatusError 400."""
    if not raw:
        return None
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError) as error:
        raise statuses.bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if is_deeper(value, _MAX_DEPTH - 1):
        raise statuses.bad_request("couldn't get version/kind; json parse error: exceeded max depth")
    return value


def decoded_yaml(raw: bytes) -> Any:
    """The value of a body in YAML, of which JSON is a part; StatusError 400 or 413.

    As plain as JSON: no aliases, no tags, keys are texts, and a time is a text, too.
    """
    with contextlib.suppress(ValueError, RecursionError):
        value = msgspec.json.decode(raw)
        return decoded(raw) if value is not None else None
    if len(raw) > MAX_YAML_BYTES:
        raise statuses.too_large_body(MAX_YAML_BYTES)
    try:
        _check_yaml(raw)
        value = _plain(yaml.load(raw, Loader=_Loader))  # noqa: S506 - a subclass of the safe one
        return msgspec.json.decode(msgspec.json.encode(value))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        why = " ".join(str(error).split())
        raise statuses.bad_request(f"error decoding YAML: {why}") from error


class _Loader(yaml.CSafeLoader):
    """Without what JSON has not."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - declared by the stubs as an instance's
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _check_yaml(raw: bytes) -> None:
    """ValueError for what must not be composed, StatusError 413 for too much of it.

    Looked for in the parser's events, which come without recursion: composing what is nested ten thousand
    deep ends the process, and aliases may stand for far more than they are.
    """
    depth = 0
    for count, event in enumerate(yaml.parse(raw, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise ValueError(_NO_ALIASES)  # noqa: TRY004 - a fault of the text
        if depth > _MAX_DEPTH:
            raise ValueError("exceeded max depth")
        if count > _MOST_YAML_EVENTS:
            raise statuses.too_large_body(MAX_YAML_BYTES)


def _plain(value: Any) -> Any:
    """The value if JSON has it; ValueError."""
    match value:
        case dict():
            return {_key(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    raise ValueError(f"a value of type {type(value).__name__}")


def _key(key: Any) -> str:
    if not isinstance(key, str | int | float | bool):
        raise ValueError("a key that is no text")  # noqa: TRY004 - a fault of the text
    return key if isinstance(key, str) else msgspec.json.encode(key).decode()


def answer(
    body: Any, *, status: int = 200, warnings: Sequence[str] = (), wanted: Negotiated | None = None
) -> web.Response:
    """A JSON answer; each warning becomes a ``Warning: 299`` header."""
    response = web.Response(status=status, body=msgspec.json.encode(body))
    response.headers["Content-Type"] = _content_type(wanted)
    response.headers["Cache-Control"] = "no-cache, private"
    for text in warnings:
        response.headers.add("Warning", f"299 - {_quoted(text)}")
    return response


def plain(text: str, *, status: int = 200) -> web.Response:
    """A text answer."""
    return web.Response(status=status, text=text)


def refusal(error: statuses.StatusError) -> web.Response:
    """The ``Status`` that says why not."""
    response = answer(error.body, status=error.code)
    retry_after_s = error.body.get("details", {}).get("retryAfterSeconds")
    if retry_after_s:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _content_type(wanted: Negotiated | None) -> str:
    # Clients tell aggregated discovery from the old one by the answer's type.
    if wanted is not None and wanted.form is Form.GROUP_LIST:
        return f"application/json;g={wanted.group};v={wanted.version};as={wanted.form.value}"
    return "application/json"


def _quoted(text: str) -> str:
    """A quoted-string of RFC 9110; control characters would break the header."""
    clean = re.sub(r"[\x00-\x1f\x7f]", "", text)[:_TEXT_LIMIT]
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
