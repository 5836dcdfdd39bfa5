"""What is known of the user's own locustfile, as values: both sides of the swarm speak of it so."""

from dataclasses import dataclass
from typing import Final

PATH: Final = "SAMEZONE_LOCUSTFILE"
"""Variable of the file's path."""
CHECK: Final = "SAMEZONE_LOCUSTFILE_CHECK"
"""Variable that asks for a Description of the file on the standard output, in a line that begins with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserClass:
    """A user class as Locust spawns it."""

    name: str
    weight: float = 1.0
    fixed_count: int = 0
    """Not 0: so many of it, whatever its weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A locustfile as it was loaded, or why it was not."""

    label: str = ""
    classes: tuple[UserClass, ...] = ()
    shapes: tuple[str, ...] = ()
    """Load shapes in it, which are not used."""
    problem: str = ""
    """``FILE:LINE: what is wrong``."""
