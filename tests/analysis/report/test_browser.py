"""The page in a real browser, where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.report import html
from tests.analysis.report import samples

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
