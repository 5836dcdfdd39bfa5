"""YAML as other tools write it, read fast and without recursion, as parsed JSON would be.

libyaml tells events, and the values are built from them here: three times as fast as PyYAML's own loaders,
and a file that nests ten thousand lists is an ordinary complaint instead of an overrun stack. Scalars are
read by YAML 1.2's core rules, so that a time without quotes, or a label ``on``, stays the text that it is.
"""

import gc
import re
from collections.abc import Iterator
from typing import Any, Protocol

import yaml

from k8s.errors import UsageError

DEEPEST = 200
"""Levels of nesting; what the API server shows has about 20."""
_PLAIN = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9]\d{0,18})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d{1,3})?", re.ASCII)
_STRING = "tag:yaml.org,2002:str"
_FIRST_OF_NUMBER = frozenset("+-.0123456789")


class ByteStream(Protocol):
    """What libyaml reads from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most *size* bytes; none at the end."""


def documents(stream: ByteStream) -> Iterator[Any]:
    """Each document of a file; UsageError in one line for what is no YAML, or nested too deeply."""
    # PyYAML has libyaml in its wheels; without it the same events come from Python, ten times as slowly.
    parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(stream)
    was_on = gc.isenabled()
    # A million new containers make the collector look at all of them again and again; none is garbage yet.
    gc.disable()
    try:
        yield from _built(parser)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"not YAML: {' '.join(str(error).split())[:120]}") from None
    finally:
        parser.dispose()
        if was_on:
            gc.enable()


def _built(parser: Any) -> Iterator[Any]:  # noqa: C901, PLR0912 - one loop: it runs a million times
    """The values that the events tell; a stack of containers instead of recursion."""
    stack: list[dict[str, Any] | list[Any]] = []
    keys: list[str | None] = []
    anchors: dict[str, Any] = {}
    root: Any = None
    scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    while (event := parser.get_event()) is not None:
        kind = type(event)
        if kind is scalar:
            if keys and keys[-1] is None and type(stack[-1]) is dict:
                keys[-1] = event.value
                continue
            value = _scalar(event)
        elif kind is mapping:
            value = {}
        elif kind is sequence:
            value = []
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
            keys.pop()
            continue
        elif kind is yaml.AliasEvent:
            value = _known(anchors, event.anchor)
        elif kind is yaml.DocumentEndEvent:
            yield root
            root, anchors = None, {}
            continue
        else:
            continue
        if event.anchor is not None and kind is not yaml.AliasEvent:
            anchors[event.anchor] = value
        if not stack:
            root = value
        elif type(into := stack[-1]) is list:
            into.append(value)
        elif keys[-1] is None:
            raise UsageError("not what the API server shows: a key is not a text")
        else:
            into[keys[-1]] = value  # type: ignore[call-overload]
            keys[-1] = None
        if kind is mapping or kind is sequence:
            if len(stack) >= DEEPEST:
                raise UsageError(f"not what the API server shows: more than {DEEPEST} levels of nesting")
            stack.append(value)
            keys.append(None)


def _known(anchors: dict[str, Any], anchor: str) -> Any:
    """The value that was called *anchor*."""
    if anchor not in anchors:
        raise UsageError(f"not YAML: alias {anchor!r} stands before its anchor")
    return anchors[anchor]


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0] or event.tag == _STRING:
        return text
    if text in _PLAIN:
        return _PLAIN[text]
    if text[0] in _FIRST_OF_NUMBER:
        if _WHOLE.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
