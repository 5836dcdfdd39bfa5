"""Which of the Services that there are somebody may have meant."""

import difflib
from collections.abc import Sequence
from typing import Final

from k8s.topology import ServiceKey

_LIKE: Final = 0.7
"""How alike two names have to be, from 0 to 1, as difflib counts."""
_MOST_NEAR: Final = 3


def near_names(key: ServiceKey, known: Sequence[ServiceKey]) -> str:
    """The same name elsewhere, or names that are spelt alike, as the end of a message; else nothing."""
    same = sorted(str(one) for one in known if one.name == key.name)
    near = same or difflib.get_close_matches(str(key), sorted(map(str, known)), _MOST_NEAR, _LIKE)
    return f"; there is {', '.join(near[:_MOST_NEAR])}" if near else ""
