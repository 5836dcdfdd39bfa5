"""Where the texts of a drawing stand: none may be cut by its edge or touch another one."""

from itertools import combinations

from analysis.report.drawing import Anchor, Drawing, Label
from analysis.report.lettering import width

_BEFORE = {Anchor.START: 0.0, Anchor.MIDDLE: 0.5, Anchor.END: 1.0}
_Box = tuple[float, float, float, float]


def box(label: Label) -> _Box:
    """(left, top, right, bottom) of a text, by its likely width and the height of its letters."""
    wide = width(label.text, size=label.size, bold=label.bold)
    left = label.x - _BEFORE[label.anchor] * wide
    return left, label.y - 0.75 * label.size, left + wide, label.y + 0.2 * label.size


def faults(drawing: Drawing) -> list[str]:
    """Texts that are cut, and pairs of texts that overlap."""
    found = [(mark, box(mark)) for mark in drawing.marks if isinstance(mark, Label)]
    cut = [
        f"cut: {label.text}"
        for label, (left, top, right, bottom) in found
        if left < -0.5 or top < -0.5 or right > drawing.width + 0.5 or bottom > drawing.height + 0.5
    ]
    return cut + [
        f"overlap: {one.text} / {other.text}"
        for (one, first), (other, second) in combinations(found, 2)
        if _touch(first, second)
    ]


def _touch(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
