"""The documents in the files that people save: folders, compressed files, several documents in one.

JSON and YAML are told apart by how they begin, whatever a file is called.
"""

import gzip
import io
import json
import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s.errors import UsageError
from k8s.live import yaml_reader

SAVE = "kubectl get nodes,pods,services,endpointslices -A -o json"
"""What makes a file that holds everything needed."""
STANDARD_INPUT = Path("-")
MOST_BYTES = 2_000_000_000
"""Unpacked; a cluster of 100,000 pods makes about 1 GB."""
_SUFFIXES = frozenset({".json", ".yaml", ".yml", ".jsonl", ".ndjson"})
"""Of files in a folder that are looked into, packed by gzip or not: logs and archives lie beside them."""
_KIND = re.compile(
    rb"\bkind[\"']?\s*:\s*[\"']?([A-Z]\w*?)(?:List)?[\"']?\s*,?\s*[\"']?(?:metadata|items|apiVersion)[\"']?\s*:"
)
_LARGE = 2_000_000
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

Progress = Callable[[str, float], None]
"""Told a file's name and how much of it is read, 0 to 1; called for large files only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedFile:
    """One file, not yet parsed."""

    name: str
    data: bytes
    """As it lies on the disk: maybe packed by gzip."""
    changed_s: float
    """Seconds since the epoch."""
    named: bool
    """Whether the user gave it by its name; else it was found in a folder."""
    unreadable: str = ""
    """Why nothing of it could be read; empty where it could."""

    @property
    def is_packed(self) -> bool:
        """Whether it is packed by gzip, so that one that cannot be unpacked tells nothing."""
        return self.data.startswith(_GZIP)


def files(paths: Sequence[Path]) -> Iterator[SavedFile]:
    """The files that *paths* name, folders with all that is in them.

    UsageError for a named one that cannot be read; one found in a folder says so itself.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield SavedFile(
                name="standard input",
                data=sys.stdin.buffer.read(),
                changed_s=time.time(),
                named=True,
            )
        elif path.is_dir():
            found = sorted(one for one in path.rglob("*") if _may_hold_objects(one))
            if not found:
                raise UsageError(
                    f"reading {path}: no .json or .yaml file in this folder; save it with: {SAVE}"
                )
            yield from (_file(one, named=False) for one in found)
        else:
            yield _file(path, named=True)


def _may_hold_objects(path: Path) -> bool:
    unpacked = path.with_suffix("") if path.suffix == ".gz" else path
    # Unlike the method of Path this takes a folder that may not be entered for no file.
    return unpacked.suffix in _SUFFIXES and os.path.isfile(path)  # noqa: PTH113


def _file(path: Path, *, named: bool) -> SavedFile:
    try:
        data, changed_s = path.read_bytes(), path.stat().st_mtime
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        if not named:
            return SavedFile(name=str(path), data=b"", changed_s=0.0, named=False, unreadable=str(why))
        raise UsageError(f"reading {path}: {why}; save it with: {SAVE}") from None
    return SavedFile(name=str(path), data=data, changed_s=changed_s, named=named)


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            whole = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"not a whole gzip file: {error}") from None
    if len(whole) > MOST_BYTES:
        raise UsageError(f"more than {MOST_BYTES // 10**6} MB when unpacked")
    return whole


def kinds_in(file: SavedFile) -> frozenset[str]:
    """The kinds of which a file that cannot be parsed seems to hold objects; of a cut-off one what is left.

    An object's kind stands before its metadata or its API version, that of a mere reference does not.
    """
    data = file.data
    if file.is_packed:
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MOST_BYTES)
        except zlib.error:
            data = b""
    return frozenset(one.decode() for one in _KIND.findall(data.replace(b"\x00", b"")))


def documents(file: SavedFile, progress: Progress | None = None) -> Iterator[Any]:
    """The documents of one file, in their order; UsageError says what is wrong, without the file's name.

    Those before the wrong one have been given by then.
    """
    if file.unreadable:
        raise UsageError(file.unreadable)
    data = _unpacked(file.data)
    if not data.strip():
        raise UsageError(f"the file is empty; save it with: {SAVE}")
    if not _begins_as_json(data):
        yield from _yaml_documents(data, file.name, progress)
        return
    text = _text(data)
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield from _flow_yaml(data, at, error)
            return
        yield value
        at = _skip(text, end)


def _begins_as_json(data: bytes) -> bool:
    start = data[:64].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start[:1] in (b"{", b"[")


def _text(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data), "surrogatepass").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise UsageError(f"not JSON: {error}; save it with: {SAVE}") from None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,\x1e":
        at += 1
    return at


def _flow_yaml(data: bytes, at: int, error: Exception) -> Iterator[Any]:
    """YAML may begin with a brace, too; if it is neither, it was meant as JSON."""
    try:
        found = [] if at else list(yaml_reader.documents(io.BytesIO(data)))
    except UsageError:
        found = []
    if not found:
        raise UsageError(f"not JSON: {error}; save it with: {SAVE}") from None
    yield from found


def _yaml_documents(data: bytes, name: str, progress: Progress | None) -> Iterator[Any]:
    if data.startswith(_UTF16) and len(data) % 2:
        data = data[:-1]
    stream = _Watched(data, name, progress if len(data) >= _LARGE else None)
    words: list[str] = []
    others = 0
    try:
        for one in yaml_reader.documents(stream):
            if isinstance(one, str):
                words.append(one)
            elif one is not None:
                others += 1
                yield one
    except UsageError as error:
        raise UsageError(
            f"neither JSON nor YAML as kubectl prints it: {error}; save it with: {SAVE}"
        ) from None
    if words and not others:
        raise UsageError(
            f"not what kubectl prints with -o json or yaml, but plain text; save it with: {SAVE}"
        )
    yield from words


class _Watched:
    """Bytes that tell how far they have been read."""

    def __init__(self, data: bytes, name: str, progress: Progress | None) -> None:
        self._bytes, self._length = io.BytesIO(data), len(data)
        self._name, self._progress = name, progress
        self._told = 0.0

    def read(self, size: int = -1, /) -> bytes:
        """At most *size* bytes."""
        found = self._bytes.read(size)
        share = self._bytes.tell() / self._length
        if self._progress is not None and (share >= self._told + 0.01 or not found):
            self._told = share
            self._progress(self._name, 1.0 if not found else share)
        return found
