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


class _Builder:
    """Puts values where they belong; one a document."""

    def __init__(self) -> None:
        self.root: Any = None
        self._stack: list[Any] = []
        self._keys: list[str | None] = []
        """By mapping on the stack: the key that waits for its value."""
        self._anchors: dict[str, Any] = {}

    def take(self, event: Any, kind: type) -> None:
        """One event within a document."""
        if kind is yaml.ScalarEvent:
            if self.wants_key:
                self.key(event.value)
            else:
                self.put(_scalar(event), event.anchor)
        elif kind is yaml.MappingStartEvent:
            self.open({}, event.anchor)
        elif kind is yaml.SequenceStartEvent:
            self.open([], event.anchor)
        elif kind is yaml.AliasEvent:
            self.put(self.alias(event.anchor))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.close()

    def open(self, value: dict[str, Any] | list[Any], anchor: str | None) -> None:
        """A mapping or a sequence begins."""
        self.put(value, anchor)
        if len(self._stack) >= DEEPEST:
            raise UsageError(f"not what the API server shows: more than {DEEPEST} levels of nesting")
        self._stack.append(value)
        self._keys.append(None)

    def close(self) -> None:
        """It ends."""
        self._stack.pop()
        self._keys.pop()

    @property
    def wants_key(self) -> bool:
        """Whether a mapping waits for a key."""
        return bool(self._stack) and isinstance(self._stack[-1], dict) and self._keys[-1] is None

    def key(self, text: str) -> None:
        """The key of what comes next."""
        self._keys[-1] = text

    def put(self, value: Any, anchor: str | None = None) -> None:
        """A value, or the beginning of one."""
        if anchor is not None:
            self._anchors[anchor] = value
        if not self._stack:
            self.root = value
            return
        into = self._stack[-1]
        if isinstance(into, list):
            into.append(value)
            return
        name = self._keys[-1]
        if name is None:
            raise UsageError("not what the API server shows: a key is not a text")
        into[name] = value
        self._keys[-1] = None

    def alias(self, anchor: str) -> Any:
        """The value that was called *anchor*."""
        if anchor not in self._anchors:
            raise UsageError(f"not YAML: alias {anchor!r} stands before its anchor")
        return self._anchors[anchor]


def _built(parser: Any) -> Iterator[Any]:
    builder = _Builder()
    while (event := parser.get_event()) is not None:
        kind = type(event)
        if kind is yaml.DocumentStartEvent:
            builder = _Builder()
        elif kind is yaml.DocumentEndEvent:
            yield builder.root
        elif kind is yaml.StreamEndEvent:
            return
        else:
            builder.take(event, kind)


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
