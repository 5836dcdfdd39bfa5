"""What Services had before we changed them: one small file each, so that anybody can put it back later.

The first original wins: setting a second mode on top of a first does not forget what the user had.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path

from k8s.errors import UsageError
from k8s.routing.modes import RoutingSettings
from k8s.topology import ServiceKey


class Originals:
    """Recorded knobs under one folder, a file per context and Service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def remember(self, context: str, key: ServiceKey, original: RoutingSettings) -> bool:
        """Record *original* unless there is a record already; True where it was new."""
        path = self._path(context, key)
        if path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(original), indent=1) + "\n")
        temporary.replace(path)
        return True

    def recall(self, context: str, key: ServiceKey) -> RoutingSettings | None:
        """The recorded knobs, or None; UsageError where the file is not readable."""
        path = self._path(context, key)
        try:
            raw = json.loads(path.read_text())
            return RoutingSettings(**raw)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"reading the recorded settings of Service {key} in {path}: {error}") from error

    def forget(self, context: str, key: ServiceKey) -> None:
        """Drop the record."""
        self._path(context, key).unlink(missing_ok=True)

    def forget_all(self, context: str) -> None:
        """Drop every record of a context: the place itself is gone."""
        for path in self._folder.glob(f"{_safe(context)}__*.json"):
            path.unlink(missing_ok=True)

    def _path(self, context: str, key: ServiceKey) -> Path:
        return self._folder / f"{_safe(context)}__{_safe(key.namespace)}__{_safe(key.name)}.json"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)
