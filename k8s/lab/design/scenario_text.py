"""A scenario file's text becomes a scenario, or one line that says where it is wrong (pure)."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from k8s.errors import UsageError
from k8s.lab.design.scenario import (
    DelayEntry,
    NodeEntry,
    Place,
    PodsEntry,
    RolloutEntry,
    Scenario,
    misfits,
)

_STRUCTS: Mapping[Place, type[msgspec.Struct]] = {
    (): Scenario,
    ("pods",): PodsEntry,
    ("delays",): DelayEntry,
    ("extra_nodes",): NodeEntry,
    ("rollout",): RolloutEntry,
}
"""Whose keys are known, by the first step to them."""
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "str": "text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
_SHOWN = 40
_ERROR = re.compile(r"(?P<said>.*?)(?:, got [^,]*?)?(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")

Flaw = tuple[Place, str]
"""Where, and what."""


def parse(text: str, path: str) -> Scenario:
    """The scenario in the file *path*; UsageError names the file, the line, the key and what is wrong."""
    lines: dict[Place, int] = {(): 1}
    raw = _plain(_loaded(text, path, lines))
    try:
        found = msgspec.convert(raw, Scenario)
    except msgspec.ValidationError as error:
        raise _refusal(path, lines, tuple(_flaws(raw)) or (_flaw(error, raw),)) from error
    if odd := tuple(misfits(found)):
        raise _refusal(path, lines, odd)
    return found


def _loaded(text: str, path: str, lines: dict[Place, int]) -> Any:
    """The document, and the line of every place in it."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise UsageError(f"{path}:{line}: *{event.anchor}: aliases are not read; write it out")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: {' '.join(str(error.problem).split())}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}:1: {' '.join(str(error).split())}") from error
    if root is not None and (twice := tuple(_read_lines(root, (), lines))):
        raise _refusal(path, lines, twice)
    return raw


def _read_lines(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Iterator[Flaw]:
    """Fill in the line of every place; a key that is given twice is a flaw, which YAML would swallow."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                yield inner, "given twice"
            lines[inner] = key.start_mark.line + 1
            yield from _read_lines(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*place, index] = value.start_mark.line + 1
            yield from _read_lines(value, (*place, index), lines)


def _plain(value: Any) -> Any:
    """The document with text as keys; 2.0 is the integer 2, as JSON Schema has it."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flaws(raw: Any) -> Iterator[Flaw]:
    """What is wrong with each part by itself, so that one flaw does not hide another."""
    for part in _parts(raw):
        try:
            msgspec.convert(part, Scenario)
        except msgspec.ValidationError as error:
            place, message = _flaw(error, part)
            # What a part lacks may be in another one, except in a list, which is never taken apart.
            if "missing required" not in str(error) or any(isinstance(step, int) for step in place):
                yield place, message


def _parts(value: Any) -> Iterator[Any]:
    """Each entry of nested mappings alone in its mappings; anything else is one part."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            for part in _parts(one):
                yield {key: part}
    else:
        yield value


def _flaw(error: msgspec.ValidationError, document: Any) -> Flaw:
    """Where and what, in a document whose mappings that are not a struct have one entry each."""
    told = _ERROR.fullmatch(str(error))
    said, path = (told["said"], told["path"] or "") if told else (str(error), "")
    place: Place = ()
    found = document
    for name, index in _STEP.findall(path):
        step = next(iter(found)) if index == "..." else int(index) if index else name
        place, found = (*place, step), found[step]
    if about := _FIELD.fullmatch(said):
        kind, key = about.groups()
        if kind == "missing required":
            return place, f"expected a key {key}"
        known = _STRUCTS[place[:1]].__struct_fields__
        return (*place, key), f"unknown key; known are {', '.join(known)}"
    words = re.sub(r"`([^`]*)`", lambda kinds: _in_words(kinds[1]), said).replace("matching regex", "like")
    return place, f"{words[:1].lower()}{words[1:]}, got {_shown(found)}"


def _in_words(kinds: str) -> str:
    return " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | "))


def _refusal(path: str, lines: Mapping[Place, int], found: tuple[Flaw, ...]) -> UsageError:
    """The first flaw in the file, and how many more there are."""
    place, message = min(found, key=lambda flaw: _line(lines, flaw[0]))
    where = f"{_dotted(place)}: " if place else ""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    said = "".join(letter if letter.isprintable() else "?" for letter in f"{where}{message}{more}")
    return UsageError(f"{path}:{_line(lines, place)}: {said}")


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """Of the place; of what is around it where YAML spells its key in another way."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _dotted(place: Place) -> str:
    """``pods.catalog.eu-west-1a``, ``extra_nodes[0].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
