"""A recording becomes a film: what the terminal showed, then the verdict."""

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.readme.filming import VERDICT, film, screens, verdict
from tests.readme.recording import Recording, record

PROGRAM = r"""
import os, sys
sys.stderr.write("starting <&> on %d columns\n" % os.get_terminal_size().columns)
for share in range(0, 101, 10):
    sys.stderr.write("\r\x1b[2Kmeasuring \x1b[38;5;197m%d%%\x1b[0m" % share)
print("\n\x1b[1;32mPASS\x1b[0m The change is an improvement.")
for number in range(40):
    print("line", number)
print("report: runs/report.html")
sys.exit(3)
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder: Path = tmp_path_factory.mktemp("recorded")
    return record([sys.executable, "-c", PROGRAM], folder, {**os.environ, "TERM": "xterm"})


def test_a_command_is_recorded_on_a_terminal(recording: Recording):
    """80 wide, all that came, and how it ended."""
    came = b"".join(part for _, part in recording.chunks)
    assert b"on 80 columns" in came
    assert came.endswith(b"report: runs/report.html\r\n")
    assert recording.code == 3


def test_the_verdict_is_what_stays(recording: Recording):
    """From its line on, as many as fit, what is left out counted, and the last of all."""
    rows = [row.plain for row in verdict(recording)]
    assert len(rows) == 24
    assert rows[0] == "PASS The change is an improvement."
    assert rows[1:22] == [f"line {number}" for number in range(21)]
    assert rows[22:] == ["... 19 more lines ...", "report: runs/report.html"]


def test_no_verdict_no_film():
    """Then there is nothing to show."""
    with pytest.raises(ValueError, match="no verdict"):
        film(Recording(chunks=((0.1, b"0 failed\r\n"),), code=1), "make demo")


def test_a_line_is_drawn_over_as_the_terminal_did():
    """What was overwritten is on one screen and not on a later one; the same screen is shown once."""
    chunks = [(second, b"\r\x1b[2Kmeasuring %d%%" % (second // 4 * 10)) for second in range(1, 15)]
    shown = [
        [row.plain for row in rows if row.plain]
        for rows in screens(Recording(chunks=(*chunks,), code=0), "do")
    ]
    assert shown[0] == ["$ do"]
    assert [rows[-1] for rows in shown[1:]] == [
        "measuring 0%",
        "measuring 10%",
        "measuring 20%",
        "measuring 30%",
    ]


def test_a_film_is_one_svg(recording: Recording):
    """Well-formed, with all words and colours of the verdict, which is seen also where nothing moves."""
    root = ET.fromstring(film(recording, "make demo"))  # noqa: S314 - it is ours
    svg = "{http://www.w3.org/2000/svg}"
    frames = {
        one.get("id"): "".join(one.itertext()) for one in root.iter(f"{svg}g") if one.get("class") == "frame"
    }
    assert "PASS" in frames["still"]
    assert "report:\N{NO-BREAK SPACE}runs/report.html" in frames["still"]
    assert "$\N{NO-BREAK SPACE}make\N{NO-BREAK SPACE}demo" in frames["f0"]
    style = root.find(f"{svg}style")
    assert style is not None
    assert style.text is not None
    still, motion = style.text.split("@media (prefers-reduced-motion: no-preference)")
    assert "#still { visibility: visible; }" in still
    assert set(re.findall(r"#(\w+) { animation", motion)) == set(frames)
    (last,) = (one for one in root.iter(f"{svg}g") if one.get("id") == "still")
    bold = [one for one in last.iter(f"{svg}text") if one.text == "PASS"]
    assert bold
    assert f".{bold[0].get('class')} {{ fill: #98a84b;font-weight: bold" in frames["still"]


@pytest.mark.parametrize("line", ["warming up  100%  0 failed", "failed requests   0"])
def test_not_every_failure_is_a_verdict(line: str):
    """Only the words that a verdict has."""
    assert VERDICT.search(line) is None
