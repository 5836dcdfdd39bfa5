"""Which of the names that there are somebody may have meant."""

from collections.abc import Iterable
from typing import Final

_LIKE: Final = 0.6
"""How alike two words have to be, from 0 to 1, as difflib counts."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The name most like *word*, in whatever case it was typed; None where none is like it."""
    import difflib  # noqa: PLC0415 - for mistakes alone

    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=_LIKE)
    return by_lower[found[0]] if found else None


def hint(word: str, known: Iterable[str]) -> str:
    """The same as the end of a message: ``; did you mean tar?``, or nothing."""
    found = nearest(word, known)
    return "" if found is None else f"; did you mean {found}?"
