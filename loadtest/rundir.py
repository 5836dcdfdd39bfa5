"""The run folder ``runs/<time>-<arm>/``: atomic writes, checked reads.

The only place that knows our own JSON. A file is written under a temporary name and then renamed, so that a
reader sees all of it or nothing. Unknown keys are accepted; an unreadable file says which key and why.
"""

import gzip
import os
import re
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from k8s.commandline.json_text import decode, indented
from k8s.errors import UsageError
from k8s.process.whole_files import write_whole
from k8s.topology import Snapshot
from loadtest import bounds
from loadtest.record import SCHEMA, RunRecord

T = TypeVar("T")

RECORD: Final = "record.json"
TOPOLOGY: Final = "topology.jsonl"
TRUTH: Final = "truth.json"
GRAPH: Final = "graph.json"
TRACES: Final = "traces.jsonl.gz"
COMPARISON: Final = "comparison.json"
OBSERVATION: Final = "observation.json"
MOST_BYTES: Final = 512 * 1024 * 1024
"""Of one artifact, unpacked: twenty thousand traces take a quarter of it, and a small file may unpack to
anything."""


def write_bytes(path: Path, data: bytes) -> None:
    """Write all of *data* or nothing; it is on the disk then, should the machine lose power."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise UsageError(f"writing {path}: {error.strerror or error}") from error


def write_json(path: Path, value: Any) -> None:
    """Write a value (dataclasses, sequences, numbers) as indented JSON."""
    write_bytes(path, indented(value, _refuse) + b"\n")


def _refuse(value: Any) -> Any:
    raise TypeError(f"no artifact holds a {type(value).__name__}")


def write_packed(path: Path, value: Any) -> None:
    """Write a value as JSON without indentation, which would be most of a file that is not for people."""
    write_bytes(path, msgspec.json.encode(value) + b"\n")


def read_json(path: Path, type_: type[T], *, schema: int | None = None) -> T:
    """Read a value of *type_*; UsageError names the file, the key and the reason."""
    data = _read(path)
    if schema is not None:
        _check_schema(path, data, schema)
    return decode(
        msgspec.json.Decoder(type_), data, f"reading {path}", "is it an artifact of another version?"
    )


class _Schema(msgspec.Struct):
    schema: int


_BEGINS: Final = re.compile(rb'\{\s*"schema"\s*:\s*(0|[1-9]\d{0,8})\s*[,}]')


def _check_schema(path: Path, data: bytes, newest: int) -> None:
    """It is the first thing we write: to look for it in all of a graph would be to read that twice."""
    if (begins := _BEGINS.match(data)) is not None:
        found = int(begins[1])
    else:
        decoder = msgspec.json.Decoder(_Schema)
        found = decode(decoder, data, f"reading {path}", "this is not one of our artifacts").schema
    if not 1 <= found <= newest:
        raise UsageError(
            f"reading {path}: schema {found} is not known (newest here is {newest}); update samezone"
        )


def _read(path: Path) -> bytes:
    """The bytes of an artifact, unpacked where its name ends in ``.gz``."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except EOFError as error:
        raise UsageError(f"reading {path}: {error}; it may be truncated") from error
    except zlib.error as error:
        raise UsageError(f"reading {path}: damaged ({error})") from error
    except OSError as error:
        raise UsageError(f"reading {path}: {error.strerror or error}") from error
    if not data and path.suffix == ".gz" and not path.stat().st_size:
        raise UsageError(f"reading {path}: it is empty, not even packed; it may be truncated")
    if len(data) > MOST_BYTES:
        raise UsageError(
            f"reading {path}: it holds more than {MOST_BYTES // 1024**2} MiB; no artifact is so large"
        )
    return data


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write one JSON value a line; gzip where the name ends in ``.gz``."""
    data = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    write_bytes(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def read_lines(path: Path, type_: type[T]) -> tuple[T, ...]:
    """Read one value a line; UsageError names the line."""
    decoder = msgspec.json.Decoder(type_)
    return tuple(
        decode(decoder, line, f"reading {path} line {number}", "is it an artifact of another version?")
        for number, line in enumerate(_read(path).splitlines(), start=1)
    )


def plain(label: str) -> str:
    """An arm's label as part of a file's name and of a query: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", label)


def create(root: Path, arm: str, *, now_s: float) -> Path:
    """Make ``<root>/<UTC time>-<arm>``; a second run in the same second gets a number behind it."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    safe = plain(arm)
    for number in range(1, 1000):
        folder = root / (f"{stamp}-{safe}" if number == 1 else f"{stamp}-{safe}.{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"making run folder {folder}: {error.strerror or error}") from error
        return folder
    raise UsageError(f"making a run folder in {root}: a thousand runs in one second")


def read_record(folder: Path) -> RunRecord:
    """The record of a run folder, checked; UsageError where the folder is not one."""
    if not folder.is_dir():
        raise UsageError(f"reading run {folder}: no such folder; see the folders under runs/")
    if not (folder / RECORD).is_file():
        raise UsageError(f"reading run {folder}: not a run folder, it holds no {RECORD}")
    record = read_json(folder / RECORD, RunRecord, schema=SCHEMA)
    if (wrong := bounds.wrong_record(record)) is not None:
        raise UsageError(f"reading {folder / RECORD}: {wrong}; it was damaged or edited")
    for name in ("warmup", "measured"):
        window = getattr(record, name)
        if window is not None and window.end_s < window.start_s:
            raise UsageError(
                f"reading {folder / RECORD}: the {name} window ends {-window.length_s:g} s before it starts; "
                "the clock went backwards during the run, so measure again"
            )
    return record


def read_topology(folder: Path) -> tuple[Snapshot, ...]:
    """The run's snapshots, oldest first; none where the cluster never answered."""
    path = folder / TOPOLOGY
    snapshots = read_lines(path, Snapshot)
    for number, snapshot in enumerate(snapshots, start=1):
        if (wrong := bounds.wrong_snapshot(snapshot)) is not None:
            raise UsageError(f"reading {path} line {number}: {wrong}; it was damaged or edited")
    return snapshots


def find(root: Path, accept: Callable[[Path], bool]) -> Path | None:
    """The newest run folder that *accept* says yes to; names sort by time."""
    try:
        with os.scandir(root) as found:
            names = sorted(one.name for one in found if one.is_dir())
    except OSError:
        return None
    return next((root / name for name in reversed(names) if accept(root / name)), None)
