"""How a file that is not ours is called where its content must not be kept."""

import hashlib
from pathlib import PurePath


def mark_of(path: PurePath, content: bytes) -> str:
    """Its name and what it holds, not where it lies: ``load.py sha256:9f86...``."""
    return f"{path.name} sha256:{hashlib.sha256(content).hexdigest()}"
