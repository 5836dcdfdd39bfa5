"""A picture as a value: marks in CSS pixels from the top left, in colours that the page may turn dark."""

from dataclasses import dataclass
from enum import StrEnum


class Paint(StrEnum):
    """The palette; the page's style sheet has a variable of the same name for each, for light and dark.

    Same and cross are the blue and the vermilion of Okabe and Ito's palette, darkened until text in them
    has a contrast of 4.5 on paper; they differ for every common kind of colour blindness and in grey.
    """

    INK = "#1c2128"
    MUTED = "#5d6672"
    RULE = "#d5dae1"
    BAND = "#f3f5f8"
    PAPER = "#fefefe"
    SAME = "#0068b3"
    CROSS = "#c44a00"
    UNKNOWN = "#6b7078"
    PASS = "#00704f"  # noqa: S105 - no password
    FAIL = "#b3202c"
    OPEN = "#7a5a00"
    INVALID = "#6a3fa1"
    ARM_0 = "#3d4652"
    ARM_1 = "#0067b5"
    ARM_2 = "#c24b01"
    ARM_3 = "#00714d"
    ARM_4 = "#a03b79"
    ARM_5 = "#7a5c01"

    @property
    def variable(self) -> str:
        """The name of its CSS variable."""
        return f"--{self.name.lower()}"


class Anchor(StrEnum):
    """Which end of a text sits at its x."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    fill: Paint
    opacity: float = 1.0
    radius: float = 0.0
    stroke: Paint | None = None
    tip: str = ""
    """Shown by browsers while the pointer rests on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line between two points, or a cubic Bezier curve through four control points."""

    points: tuple[tuple[float, float], ...]
    paint: Paint
    width: float = 1.0
    opacity: float = 1.0
    dashed: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A disc, or with a *stroke* of its own a ring around one."""

    x: float
    y: float
    radius: float
    paint: Paint
    stroke: Paint | None = None
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One line of text; *y* is its baseline."""

    x: float
    y: float
    text: str
    anchor: Anchor = Anchor.START
    size: float = 12.0
    bold: bool = False
    paint: Paint = Paint.INK
    tip: str = ""
    resting: bool = False
    """Gives way to the words of a spot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A closed shape with straight sides."""

    points: tuple[tuple[float, float], ...]
    fill: Paint
    stroke: Paint | None = None
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A part of a picture that tells its numbers while the pointer is on it, or the keyboard's focus."""

    x: float
    y: float
    width: float
    height: float
    says: tuple[str, ...]
    """One line each."""
    at: tuple[float, float]
    """Where the first line is shown: its left end, and its baseline."""


Mark = Box | Line | Dot | Polygon | Label | Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Marks, drawn in their order."""

    width: float
    height: float
    label: str
    """What a reader who cannot see it is told."""
    marks: tuple[Mark, ...]
