"""A YAML file's text becomes a msgspec struct, or one line that says where it is wrong (pure).

The struct is the one declaration of a file's shape: it converts, and its JSON schema is made of it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import yaml

from k8s.errors import UsageError

T = TypeVar("T", bound=msgspec.Struct)

Place = tuple[str | int, ...]
"""Keys and indices from the root of a document."""
Flaw = tuple[Place, str]
"""Where, and what."""

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


def parse(text: str, path: str, kind: type[T], *, misfits: Callable[[T], Iterator[Flaw]]) -> T:
    """The *kind* in the file *path*; UsageError names the file, the line, the key and what is wrong.

    *misfits* tells how its parts do not fit each other, which their types cannot say.
    """
    lines: dict[Place, int] = {(): 1}
    raw = _plain(_loaded(text, path, lines))
    try:
        found = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise _refusal(path, lines, tuple(_flaws(raw, kind)) or (_flaw(error, raw, kind),)) from error
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


def _flaws(raw: Any, kind: type[msgspec.Struct]) -> Iterator[Flaw]:
    """What is wrong with each part by itself, so that one flaw does not hide another."""
    for part in _parts(raw):
        try:
            msgspec.convert(part, kind)
        except msgspec.ValidationError as error:
            place, message = _flaw(error, part, kind)
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


def _flaw(error: msgspec.ValidationError, document: Any, kind: type[msgspec.Struct]) -> Flaw:
    """Where and what, in a document whose mappings that are not a struct have one entry each."""
    told = _ERROR.fullmatch(str(error))
    said, path = (told["said"], told["path"] or "") if told else (str(error), "")
    place: Place = ()
    found = document
    for name, index in _STEP.findall(path):
        step = _odd_key(found) if index == "..." else int(index) if index else name
        place, found = (*place, step), found[step]
    if about := _FIELD.fullmatch(said):
        lack, key = about.groups()
        if lack == "missing required":
            return place, f"expected a key {key}"
        known = _known(msgspec.inspect.type_info(kind), place)
        return (*place, key), f"unknown key; known are {', '.join(known)}"
    words = re.sub(r"`([^`]*)`", lambda kinds: _in_words(kinds[1]), said).replace("matching regex", "like")
    return place, f"{words[:1].lower()}{words[1:]}, got {_shown(found)}"


def _odd_key(counts: dict[str, Any]) -> str:
    """The key whose value is no count, where a mapping stands in a list and is not taken apart."""
    return next((key for key, one in counts.items() if type(one) is not int or one < 0), next(iter(counts)))


def _known(found: msgspec.inspect.Type, place: Place) -> tuple[str, ...]:
    """Keys of the struct at a place where an unknown one was found."""
    inspect = msgspec.inspect
    if isinstance(found, inspect.Metadata):
        return _known(found.type, place)
    if isinstance(found, inspect.UnionType):
        return next((keys for one in found.types if (keys := _known(one, place))), ())
    if isinstance(found, inspect.StructType):
        below = {field.encode_name: field.type for field in found.fields}
        if not place:
            return tuple(below)
        return _known(below[str(place[0])], place[1:]) if place[0] in below else ()
    if place and isinstance(found, inspect.DictType):
        return _known(found.value_type, place[1:])
    if place and isinstance(found, inspect.VarTupleType | inspect.ListType):
        return _known(found.item_type, place[1:])
    return ()


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


def schema_text(type_: Any, *, name: str, title: str) -> str:
    """The shape of such a file as JSON Schema 2020-12, as the file that is published holds it."""
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://samezone.dev/schemas/{name}.json",
        "title": title,
    }
    schema = heading | msgspec.json.schema(type_)
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
