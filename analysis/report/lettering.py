"""How wide a text is on a page, without a font engine: enough to keep texts apart.

A page takes the reader's own sans serif font, so no width is exact. The table holds the advance widths of
DejaVu Sans, in thousandths of the font size: of the common ones it is the widest, so that what fits here fits
in Segoe UI, Helvetica, Roboto or San Francisco too.
"""

import unicodedata
from typing import Final

from analysis.report.names import elide, plain

_NARROW: Final = dict.fromkeys("ijlI'|", 350) | dict.fromkeys(" .,:;!()[]{}/\\-ftr\u00a0\u202f\u00b7", 425)
_BROAD: Final = dict.fromkeys("mwMWQ@%\u2026\u2192\u2193\ufffd", 1000) | dict.fromkeys(
    "ADGHNOUV+<=>~^#&\u2212\u00d7", 850
)
_WIDTHS: Final = _NARROW | _BROAD
_USUAL: Final = 650
"""Of any other letter or digit."""
_WIDE: Final = 1300
"""Of ideographs, emoji and whatever else takes two cells on a terminal."""
_BOLD: Final = 1.12


def width(text: str, *, size: float, bold: bool = False) -> float:
    """The greatest width, in pixels, that *text* is likely to take at a font *size* in pixels."""
    total = sum(_advance(character) for character in plain(text))
    return total * size / 1000 * (_BOLD if bold else 1.0)


def fit(text: str, room: float, *, size: float, bold: bool = False) -> str:
    """*text*, its middle replaced by an ellipsis until it takes at most *room* pixels."""
    text = plain(text)
    for most in range(len(text), 1, -1):
        shown = elide(text, most)
        if width(shown, size=size, bold=bold) <= room:
            return shown
    return elide(text, 1)


def _advance(character: str) -> int:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _USUAL
