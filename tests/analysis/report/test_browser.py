"""The page in a real browser, where there is one."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.report.comparison import html
from analysis.report.drawing import Paint
from analysis.report.trial import html as trial_html
from tests.analysis.report.comparison import judged_samples, samples
from tests.analysis.report.trial import trial_samples

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1280,2000",
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")


def console_of(page: str, folder: Path) -> list[str]:
    """What the browser's console says while *page* is shown and drawn."""
    shown, picture = folder / "page.html", folder / "page.png"
    shown.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            f"--screenshot={picture}",
            shown.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert picture.stat().st_size > 10_000
    return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def test_the_console_is_heard(tmp_path):
    """A page that breaks its own policy is noticed, so silence below means something."""
    broken = html.render(samples.tar()).replace("</main>", "<script>1</script></main>")

    assert any("Content Security Policy" in line for line in console_of(broken, tmp_path))


@pytest.mark.parametrize("name", ["tar", "hostile"])
def test_the_console_is_silent(tmp_path, name):
    """The browser has nothing to complain about."""
    assert console_of(html.render(getattr(samples, name)()), tmp_path) == []


@pytest.mark.parametrize("name", ["judged", "trial"])
def test_the_decision_is_seen(tmp_path, name):
    """The browser has nothing to complain about, and the first screen bears the decision's colour."""
    page, paint = {
        "judged": lambda: (html.render(judged_samples.inconclusive()), Paint.OPEN),
        "trial": lambda: (trial_html.render(trial_samples.five()), Paint.PASS),
    }[name]()

    assert console_of(page, tmp_path) == []
    assert painted(tmp_path / "page.png", paint, height=300) > 3000
    assert painted(tmp_path / "page.png", Paint.FAIL, height=300) < 30


def painted(picture: Path, paint: Paint, *, height: int) -> int:
    """How many pixels of the top of a picture have a colour."""
    wanted = [int(paint.value[start : start + 2], 16) for start in (1, 3, 5)]
    pixels = np.asarray(Image.open(picture).convert("RGB"))[:height]
    return int((np.abs(pixels.astype(int) - wanted).max(axis=2) < 6).sum())
