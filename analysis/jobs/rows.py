"""A run's row of the history, kept in its folder so that a long history is read in seconds.

``row.json`` is made of the run's other artifacts and of nothing else; it may be deleted at any time. It is
believed as long as it is whole and those artifacts are the ones that it was made of: by their size and time
of change, or, where these are others (a copied folder), by their content.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from analysis.history import Run
from k8s.errors import InvalidRunError, UsageError
from loadtest import rundir

ROW: Final = "row.json"
SCHEMA: Final = 1
METHOD: Final = 1
"""Of the figures in a row: it rises when the same artifacts give others, and older rows are made anew."""
_MADE_OF: Final = (rundir.RECORD, rundir.TOPOLOGY, rundir.GRAPH, rundir.TRACES, rundir.TRUTH)
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What an artifact was when the row was made of it."""

    name: str
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFile:
    """``row.json``."""

    schema: int = SCHEMA
    method: int = METHOD
    stamps: tuple[Stamp, ...]
    content: str
    """Digest of the artifacts."""
    row: Run | None
    """None for a run that is no point of a history."""
    why: str = ""
    """Why it is none."""
    check: str
    """Digest of the row itself: nobody looks at it otherwise."""


_DECODER: Final = msgspec.json.Decoder(RowFile)


def read(folder: Path) -> Run | None:
    """The row of a run folder; None where there is none that can be believed.

    InvalidRunError for a run that was found to be no point of a history, saying why.
    """
    try:
        found = _DECODER.decode((folder / ROW).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if (found.schema, found.method) != (SCHEMA, METHOD) or found.check != _check(found.row, found.why):
        return None
    if not _is_of(folder, found):
        return None
    if found.row is None:
        raise InvalidRunError(found.why)
    return found.row


def _is_of(folder: Path, found: RowFile) -> bool:
    stamps = tuple(_stamps(folder))
    if stamps == found.stamps:
        return True
    alike = [(one.name, one.size) for one in stamps] == [(one.name, one.size) for one in found.stamps]
    try:
        return alike and _content(folder, stamps) == found.content
    except OSError:
        return False


def save(folder: Path, row: Run | None, *, why: str = "") -> None:
    """Keep a run's row beside the artifacts that it was made of; where that cannot be, it is made anew.

    Without a row *why* says why it has none.
    """
    stamps = tuple(_stamps(folder))
    with suppress(OSError, UsageError):
        content = _content(folder, stamps)
        made = RowFile(stamps=stamps, content=content, row=row, why=why, check=_check(row, why))
        rundir.write_json(folder / ROW, made)


def _stamps(folder: Path) -> Iterator[Stamp]:
    for name in _MADE_OF:
        with suppress(OSError):
            found = (folder / name).stat()
            yield Stamp(name=name, size=found.st_size, changed_ns=found.st_mtime_ns)


def _content(folder: Path, stamps: tuple[Stamp, ...]) -> str:
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for one in stamps:
        digest.update(f"{one.name} {one.size} ".encode())
        digest.update((folder / one.name).read_bytes())
    return digest.hexdigest()


def _check(row: Run | None, why: str) -> str:
    return blake2b(msgspec.json.encode((row, why)), digest_size=_DIGEST_BYTES).hexdigest()
