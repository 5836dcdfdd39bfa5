"""A recording as a film in one SVG: some seconds of the terminal as it was, then the verdict, which stays.

Whoever shows no animation, or wants none, sees the verdict.
"""

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import groupby

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.readme.recording import COLUMNS, ROWS, Recording

FRAMES = 14
"""At most so many of the terminal at work; each of them is shown for FRAME_S."""
FRAME_S = 0.7
STILL_S = 9.0
"""How long the verdict is shown, of each round."""
VERDICT = re.compile(r"\b(pass|fail|inconclusive|invalid)\b", re.IGNORECASE)
NAMES = {"brown": "yellow"}
"""A colour that the terminal calls otherwise than Rich does."""

# Rich's own shape of an SVG names fonts by address, which nobody loads in a README: the system's own serve.
FRAME = """\
<g id="{unique_id}" class="frame">
<style>{styles}</style><defs>{lines}</defs>
{backgrounds}{matrix}
</g>"""
FILM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
text {{ font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
.frame {{ visibility: hidden; }}
#still {{ visibility: visible; }}
@media (prefers-reduced-motion: no-preference) {{
MOTION
}}
</style>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
FRAMES
</g>
</svg>
"""


def film(recording: Recording, command: str) -> str:
    """The SVG; ValueError where the recording has no verdict in it."""
    frames = [_svg(rows, FRAME, f"f{number}") for number, rows in enumerate(screens(recording, command))]
    still = verdict(recording)
    whole = _svg(still, FILM, "film", "samezone")
    whole = whole.replace("MOTION", "\n".join(_motion(len(frames))))
    return whole.replace("FRAMES", "\n".join([*frames, _svg(still, FRAME, "still")]))


def _motion(frames: int) -> Iterator[str]:
    """Each frame by turns for FRAME_S, then the still one for STILL_S, and so on."""
    length_s = frames * FRAME_S + STILL_S
    for number in range(frames):
        yield from _shown(f"f{number}", number * FRAME_S, (number + 1) * FRAME_S, length_s)
    yield from _shown("still", frames * FRAME_S, length_s, length_s)


def _shown(name: str, from_s: float, to_s: float, length_s: float) -> Iterator[str]:
    """It is seen between these times of each round, and at no other."""
    steps = {0.0: "hidden", from_s: "visible", to_s: "hidden"}  # from_s may be 0
    marks = " ".join(f"{at_s / length_s:.2%} {{ visibility: {how}; }}" for at_s, how in steps.items())
    yield f"#{name} {{ animation: {name} {length_s:.1f}s step-end infinite; }}"
    yield f"@keyframes {name} {{ {marks} }}"


def screens(recording: Recording, command: str) -> list[list[Text]]:
    """The terminal at FRAMES moments at equal distances, without those at which nothing had changed."""
    length_s = recording.chunks[-1][0]
    terminal = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(terminal)
    stream.feed(f"$ {command}\r\n".encode())
    found: list[list[Text]] = [_rows(terminal)]
    for at_s, came in recording.chunks:
        # On the screen at a moment is what came before it; so the answer, which comes last, is on none.
        if at_s >= len(found) * length_s / FRAMES:
            found.append(_rows(terminal))
        stream.feed(came)
    return [one for one, before in zip(found, [None, *found], strict=False) if one != before]


def verdict(recording: Recording) -> list[Text]:
    """A terminal's rows from the verdict on, and the last of all; ValueError where there is none."""
    tall = pyte.Screen(COLUMNS, 1000)
    pyte.ByteStream(tall).feed(b"".join(came for _, came in recording.chunks))
    rows = _rows(tall)
    while rows and not rows[-1].plain.strip():
        rows.pop()
    starts = [number for number, row in enumerate(rows) if VERDICT.search(row.plain)]
    if not starts:
        raise ValueError("the recording has no verdict in it")
    first = starts[0]
    if len(rows) - first <= ROWS:
        return rows[first:]
    left_out = len(rows) - first - (ROWS - 1)
    return [
        *rows[first : first + ROWS - 2],
        Text(f"... {left_out} more lines ...", Style(dim=True)),
        rows[-1],
    ]


def _rows(terminal: pyte.Screen) -> list[Text]:
    """What is on the screen."""
    return [Text.assemble(*_parts(terminal.buffer[row])) for row in range(terminal.lines)]


def _parts(row: Mapping[int, pyte.screens.Char]) -> Iterator[tuple[str, Style]]:
    """Pieces that look alike, without the spaces behind the last letter."""
    last = max((column for column, one in row.items() if one.data.strip()), default=-1)
    for style, alike in groupby((row[column] for column in range(last + 1)), key=_style):
        yield "".join(one.data for one in alike), style


def _style(one: pyte.screens.Char) -> Style:
    return Style(color=_colour(one.fg), bgcolor=_colour(one.bg), bold=one.bold, reverse=one.reverse)


def _colour(name: str) -> str | None:
    """As Rich names it; None for the terminal's own."""
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    plain = name.removeprefix("bright")
    return ("bright_" if plain != name else "") + NAMES.get(plain, plain)


def _svg(rows: list[Text], shape: str, name: str, title: str = "") -> str:
    """These rows in *shape*, by Rich."""
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), color_system="truecolor", legacy_windows=False
    )
    for row in [*rows, *[Text()] * (ROWS - len(rows))]:
        console.print(row, soft_wrap=True)
    return console.export_svg(title=title, theme=SVG_EXPORT_THEME, code_format=shape, unique_id=name)
