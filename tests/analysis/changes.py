"""Random changes of an artifact: of its bytes, of its structure, of what it says."""

import copy
import gzip
import json
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

NUMBER: Final = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
VALUES: Final = (
    b"-1", b"0", b"1", b"1e39", b"1" + b"0" * 39, b"1000000000000000000", b"NaN", b"Infinity", b"-Infinity",
    b"1e999", b"-0.0", b"1.5", b'"five"', b"null", b"true", b"[]", b"{}", b'""', b'"\xff"', b'"\\ud800"',
    b"[" * 3000,     b'{"a":' * 3000, b"9223372036854775808", b"4294967296", b"2000000000",
)  # fmt: skip
"""In a number's place."""
LINES: Final = frozenset({"topology.jsonl", "traces.jsonl.gz"})


@dataclass(frozen=True, kw_only=True)
class Change:
    """A mutated artifact."""

    name: str
    """Of the change."""
    data: bytes | None
    """None: the file is gone."""


def mutate(rng: random.Random, name: str, data: bytes, other: bytes) -> Change:
    """One random change of the artifact called *name*; *other* is the same artifact of another run."""
    if name.endswith(".gz") and rng.random() < 0.2:
        how = rng.choice(BYTES)
        return Change(name=f"packed: {how.__name__}", data=how(rng, data))
    ways = rng.choices((BYTES, VALUE, STRUCTURE, WHOLE), (3, 4, 6, 1))[0]
    how = rng.choice(ways)
    if ways is WHOLE:
        return Change(name=how.__name__, data=how(rng, data, other))  # type: ignore[call-arg]
    plain = _unpacked(name, data)
    if ways is STRUCTURE:
        changed = _restructured(rng, name, data, how)
    elif name.endswith(".gz") and rng.random() < 0.5:
        changed = _in_document(rng, plain, how)
    else:
        changed = how(rng, plain)
    return Change(
        name=how.__name__, data=gzip.compress(changed, 1, mtime=0) if name.endswith(".gz") else changed
    )


def _unpacked(name: str, data: bytes) -> bytes:
    return gzip.decompress(data) if name.endswith(".gz") else data


def flip(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def overwrite(rng: random.Random, data: bytes) -> bytes:
    at, length = rng.randrange(len(data)), rng.randint(1, 8)
    return data[:at] + rng.randbytes(length) + data[at + length :]


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return (
        data[:at]
        + rng.choice((b"\x00", b"\xff", b"\n", b'"', b"{", b"]", b",", b"9", b"\xe2\x82"))
        + data[at:]
    )


def cut_out(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 2, 10, 100, 5000)) :]


def truncate(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.choice((0, 1, rng.randrange(len(data)), len(data) - 1, len(data) - 2))]


def repeat(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    end = at + rng.choice((1, 10, 1000))
    return data[:end] + data[at:end] + data[end:]


def digit(rng: random.Random, data: bytes) -> bytes:
    found = list(re.finditer(rb"\d", data))
    at = rng.choice(found).start() if found else 0
    return data[:at] + str(rng.randrange(10)).encode() + data[at + 1 :]


def number(rng: random.Random, data: bytes) -> bytes:
    found = list(NUMBER.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(VALUES) + data[one.end() :]


def scale(rng: random.Random, data: bytes) -> bytes:
    found = [one for one in NUMBER.finditer(data) if one[0] not in {b"0", b"0.0"}]
    if not found:
        return data
    one = rng.choice(found)
    value = json.loads(one[0]) if one[0].lstrip(b"-")[:1] != b"0" else float(one[0])
    changed = rng.choice((value * 10, -value, value + 1, value - 1, value * 2, value // 2))
    return data[: one.start()] + json.dumps(changed).encode() + data[one.end() :]


BYTES: Final = (flip, overwrite, insert, cut_out, truncate, repeat)
VALUE: Final = (digit, number, scale, scale)


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key)."""
    todo = [value]
    while todo:
        one = todo.pop()
        items = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, inner in items:
            yield one, key
            if isinstance(inner, dict | list):
                todo.append(inner)


def drop(rng: random.Random, value: Any) -> None:
    """A key, or an element of a list."""
    holder, key = rng.choice(list(_holders(value)))
    del holder[key]


def drop_deep(rng: random.Random, value: Any) -> None:
    """An object of a list: a node, an edge, a pod, a page, a worker."""
    found = [
        (one, key) for one, key in _holders(value) if isinstance(one, list) and isinstance(one[key], dict)
    ]
    if found:
        holder, key = rng.choice(found)
        del holder[key]


def duplicate(rng: random.Random, value: Any) -> None:
    found = [(one, key) for one, key in _holders(value) if isinstance(one, list)]
    if found:
        holder, key = rng.choice(found)
        holder.insert(key, copy.deepcopy(holder[key]))


def swap(rng: random.Random, value: Any) -> None:
    """Two values of one container."""
    holder, key = rng.choice(list(_holders(value)))
    other = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]


def replace_by_another(rng: random.Random, value: Any) -> None:
    """A value by one of the same type from elsewhere: another pod's name, another node, another count."""
    found = list(_holders(value))
    holder, key = rng.choice(found)
    like = [
        one[at] for one, at in rng.sample(found, min(60, len(found))) if type(one[at]) is type(holder[key])
    ]
    if like:
        holder[key] = copy.deepcopy(rng.choice(like))


def retype(rng: random.Random, value: Any) -> None:
    holder, key = rng.choice(list(_holders(value)))
    holder[key] = rng.choice((None, True, 0, -7, 10**18, 1.5, "", "x", [], {}, [[]], {"a": {}}))


def rename_key(rng: random.Random, value: Any) -> None:
    found = [(one, key) for one, key in _holders(value) if isinstance(one, dict)]
    if found:
        holder, key = rng.choice(found)
        holder[f"{key}x"] = holder.pop(key)


def shift_times(rng: random.Random, value: Any) -> None:
    """Every time of a kind by a minute, an hour or a day."""
    names = {
        key for _, key in _holders(value) if isinstance(key, str) and key.endswith(("_s", "Time", "_time"))
    }
    if names:
        name, by = rng.choice(sorted(names)), rng.choice((60.0, 3600.0, 86400.0, -86400.0))
        for holder, key in list(_holders(value)):
            if key == name and isinstance(holder[key], int | float):
                holder[key] += by


def rename_everywhere(rng: random.Random, value: Any) -> None:
    """A text, wherever it stands in the file: a pod, a zone, a node."""
    texts = sorted({holder[key] for holder, key in _holders(value) if isinstance(holder[key], str)})
    if texts:
        old, new = rng.choice(texts), rng.choice([*texts, "other"])
        for holder, key in list(_holders(value)):
            if holder[key] == old:
                holder[key] = new


def drop_everywhere(rng: random.Random, value: Any) -> None:
    """Every object that has a name, wherever: a pod from all snapshots, a node from all pages."""
    named = [
        (one, key) for one, key in _holders(value) if isinstance(one, list) and isinstance(one[key], dict)
    ]
    names = sorted(
        {str(holder[key][name]) for holder, key in named for name in ("name", "Name") if name in holder[key]}
    )
    if names:
        name = rng.choice(names)
        for holder in {id(holder): holder for holder, _ in named}.values():
            holder[:] = [
                one
                for one in holder
                if not (isinstance(one, dict) and name in (one.get("name"), one.get("Name")))
            ]


STRUCTURE: Final = (
    drop, drop_deep, drop_deep, duplicate, swap, replace_by_another, retype, rename_key, shift_times,
    rename_everywhere, drop_everywhere,
)  # fmt: skip


def missing(rng: random.Random, data: bytes, other: bytes) -> None:
    """The file is gone."""
    del rng, data, other


def of_another_run(rng: random.Random, data: bytes, other: bytes) -> bytes:
    del rng, data
    return other


def of_both(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def nothing(rng: random.Random, data: bytes, other: bytes) -> bytes:
    del data, other
    return rng.choice(
        (
            b"",
            b"\n",
            b"{}",
            b"[]",
            b"null",
            b"0",
            b"\x00" * 4096,
            gzip.compress(b"\xff" * 100),
            zlib.compress(b"{}"),
        )
    )


WHOLE: Final[tuple[Callable[..., Any], ...]] = (missing, of_another_run, of_both, nothing)


def _restructured(rng: random.Random, name: str, data: bytes, how: Callable[..., Any]) -> bytes:
    value = parsed(name, data)
    if name.endswith(".gz") and rng.random() < 0.7:
        segment = rng.choice(rng.choice(value)["Segments"])
        document = json.loads(segment["Document"])
        how(rng, document)
        segment["Document"] = json.dumps(document)
    else:
        how(rng, value)
    if name not in LINES:
        return json.dumps(value).encode()
    return b"".join(json.dumps(one).encode() + b"\n" for one in value)


def _in_document(rng: random.Random, data: bytes, how: Callable[..., bytes]) -> bytes:
    """A byte or a number of one segment document, inside the string."""
    rows = [json.loads(line) for line in data.splitlines()]
    segment = rng.choice(rng.choice(rows)["Segments"])
    segment["Document"] = how(rng, segment["Document"].encode()).decode("utf-8", "replace")
    return b"".join(json.dumps(one).encode() + b"\n" for one in rows)


def parsed(name: str, data: bytes) -> Any:
    """An artifact as plain values, its documents too where asked for by ``changed_paths``."""
    plain = _unpacked(name, data)
    return [json.loads(line) for line in plain.splitlines()] if name in LINES else json.loads(plain)


def changed_paths(name: str, before: bytes, after: bytes | None) -> Iterator[str]:
    """Keys that differ, with ``*`` for places in lists; ``?`` where the file cannot be parsed any more."""
    try:
        yield from dict.fromkeys(_differing(parsed(name, before), parsed(name, after or b""), ""))
    except (ValueError, OSError, EOFError, zlib.error, RecursionError):
        yield "?"


def _differing(left: Any, right: Any, path: str) -> Iterator[str]:
    if path.endswith(".Document") and isinstance(left, str) and isinstance(right, str):
        try:
            left, right = json.loads(left), json.loads(right)
        except ValueError:
            yield path
            return
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}, key=str):
            yield from _differing(left.get(key), right.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for one, two in zip(left, right, strict=True):
            yield from _differing(one, two, f"{path}[*]")
    elif type(left) is not type(right) or left != right:
        yield path or "[*]"
