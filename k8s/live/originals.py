"""What Services had before we changed them: one small file each, so that anybody can put it back later.

The first original wins: setting a second mode on top of a first does not forget what the user had. A file is
on the disk before the Service is changed: it outlives a machine that loses power.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from k8s.errors import UsageError
from k8s.process.whole_files import write_whole
from k8s.routing.modes import RoutingSettings
from k8s.routing.restoring import Original, possible
from k8s.topology import ServiceKey


class Originals:
    """Records under one folder, a file per context and Service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def remember(self, context: str, key: ServiceKey, original: Original) -> None:
        """Record *original* in place of an earlier record; UsageError where that cannot be written."""
        path = self._path(context, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, encoded(original) + b"\n", mode=0o600)
        except OSError as error:
            raise UsageError(
                f"recording what Service {key} has in {path}: {error.strerror or error}; without that record "
                "nothing is changed; make the folder writable, or name another one in SAMEZONE_HOME"
            ) from error

    def recall(self, context: str, key: ServiceKey) -> Original | None:
        """The record, or None; UsageError where the file is not readable."""
        for path in (self._path(context, key), self._early_path(context, key)):
            try:
                return decoded(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"reading the recorded settings of Service {key} in {path}: {error}; look at the "
                    "Service, and delete the file when it is as it should be"
                ) from error
        return None

    def forget(self, context: str, key: ServiceKey) -> None:
        """Drop the record."""
        for path in (self._path(context, key), self._early_path(context, key)):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise UsageError(f"dropping the record of Service {key}: {error}") from error

    def forget_all(self, context: str) -> None:
        """Drop every record of a context: the place itself is gone."""
        for name in {_named(context), _safe(context)}:
            for path in self._folder.glob(f"{name}__*.json"):
                path.unlink(missing_ok=True)

    def _path(self, context: str, key: ServiceKey) -> Path:
        return self._folder / f"{_named(context)}__{_named(key.namespace)}__{_named(key.name)}.json"

    def _early_path(self, context: str, key: ServiceKey) -> Path:
        """Of earlier versions, in which two contexts could share a file."""
        return self._folder / f"{_safe(context)}__{_safe(key.namespace)}__{_safe(key.name)}.json"


def encoded(original: Original) -> bytes:
    """The record as JSON, for a file or an annotation."""
    return msgspec.json.encode(original)


def decoded(data: bytes | str) -> Original:
    """The record that is written there; ValueError says what is wrong with it.

    Earlier versions wrote the knobs alone: then everything that one of their changes could have set is ours.
    """
    raw: Any = msgspec.json.decode(data)
    if (
        isinstance(raw, dict)
        and "had" not in raw
        and raw.keys() & RoutingSettings.__dataclass_fields__.keys()
    ):
        had = msgspec.convert(raw, RoutingSettings)
        return Original(had=had, ours=possible(had))
    return msgspec.convert(raw, Original)


def _named(text: str) -> str:
    """A part of a file's name, of its own for each *text*."""
    safe = _safe(text)
    return safe if safe == text else f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)
