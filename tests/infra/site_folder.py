"""A place to import from that holds chosen distributions and nothing else, as a container image does."""

from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path


def site_of(names: Iterable[str], folder: Path) -> Path:
    """The *folder*, made, with links to everything that the installed ones of these distributions brought."""
    folder.mkdir()
    for name in sorted(names):
        with suppress(ModuleNotFoundError):
            for path in distribution(name).files or ():
                top = path.parts[0]
                if top != ".." and not (folder / top).exists():
                    (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder
