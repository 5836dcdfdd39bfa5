"""Make the README's pictures from a real demo: ``python -m tests.readme.pictures [VARIABLE=... for make]``.

It takes some minutes, of a machine that does nothing else: with a verdict other than *pass* the pictures stay
as they were. ``.github/demo.svg`` is the terminal, ``.github/report.png`` the report's first screen; that
needs chromium.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.readme.filming import film, verdict
from tests.readme.recording import record
from tests.sources import REPO

TERMINAL = REPO / ".github" / "demo.svg"
REPORT = REPO / ".github" / "report.png"
SCREEN = (1000, 680)
"""Width and height of the report's picture."""
NEEDED = ("Makefile", ".venv", "pyproject.toml", "requirements.txt", "requirements-test.txt")
"""What make looks for where it is called."""
PLACE = Path(tempfile.gettempdir()) / "samezone"
"""Where the demo runs: its paths are in the picture, so they are nobody's home."""


def main(variables: Sequence[str]) -> str | None:
    """Record, draw, photograph; what went wrong, or nothing."""
    if PLACE.exists():
        return f"{PLACE} is there already: take it away, and begin anew"
    # What set-up prints is no part of the film.
    subprocess.run(["make", "--quiet", "setup"], cwd=REPO, check=True)
    PLACE.mkdir()
    for name in NEEDED:
        (PLACE / name).symlink_to(REPO / name)
    command = ["make", "demo", *variables]
    recording = record(command, PLACE, {**os.environ, "TERM": "xterm-256color"})
    if recording.code:
        return f"no pictures: the demo ended with {recording.code}; what it left is in {PLACE}"
    (report,) = PLACE.glob("runs/*/report.html")
    photograph(report, PLACE / REPORT.name)
    (PLACE / TERMINAL.name).write_text(film(recording, shlex.join(command)), encoding="utf-8")
    said = verdict(recording)[0].plain.strip()
    if not re.search(r"\bpass\b", said, re.IGNORECASE):
        return f"the demo says {said!r}: its pictures are in {PLACE}, and the README's are as they were"
    for picture in (TERMINAL, REPORT):
        shutil.copyfile(PLACE / picture.name, picture)
    shutil.rmtree(PLACE)
    return None


def photograph(page: Path, picture: Path) -> None:
    """The first screen of *page*, by chromium."""
    size = f"--window-size={SCREEN[0]},{SCREEN[1]}"
    with tempfile.TemporaryDirectory() as profile:
        browser = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}")
        subprocess.run(
            [
                *browser,
                "--hide-scrollbars",
                "--disable-lcd-text",
                size,
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            capture_output=True,
            timeout=120,
            check=True,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
