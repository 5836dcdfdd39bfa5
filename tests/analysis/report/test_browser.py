"""The page in a real browser, where there is one."""

import html as escaping
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.report.comparison import html
from analysis.report.drawing import Paint
from analysis.report.trial import html as trial_html
from tests.analysis.report.comparison import judged_samples, samples
from tests.analysis.report.test_pictures import odd_names
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

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]


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


def answer_of(page: str, script: str, folder: Path) -> object:
    """What *script* returns in *page*, whose policy is taken away: it would forbid any script."""
    shown = folder / "asked.html"
    code = f"document.title = JSON.stringify((() => {{ {script} }})());"
    open_page = re.sub(r"<meta http-equiv=[^>]*>", "", page)
    shown.write_text(open_page.replace("</body>", f"<script>{code}</script></body>"), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", shown.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    return json.loads(escaping.unescape(title[1]))


@pytest.mark.parametrize(
    ("page", "paint"),
    [
        (lambda: html.render(judged_samples.inconclusive()), Paint.OPEN),
        (lambda: trial_html.render(trial_samples.five()), Paint.PASS),
    ],
    ids=["judged", "trial"],
)
def test_the_decision_is_seen(tmp_path, page, paint):
    """The browser has nothing to complain about, and the first screen bears the decision's colour."""
    script = """
        const word = document.querySelector(".decision strong");
        return [getComputedStyle(word).color, word.getBoundingClientRect().bottom < 300];
    """
    red, green, blue = (int(paint.value[start : start + 2], 16) for start in (1, 3, 5))

    assert console_of(page(), tmp_path) == []
    assert answer_of(page(), script, tmp_path) == [f"rgb({red}, {green}, {blue})", True]


TEXTS_APART = """
    const faults = [];
    for (const svg of document.querySelectorAll("figure svg")) {
        const {width, height} = svg.viewBox.baseVal;
        const boxes = [...svg.querySelectorAll("text")].map((text) => {
            const name = text.firstChild.data, {x, y, width, height} = text.getBBox();
            // The letters themselves: a line's box has room above and below them.
            return {name, left: x, right: x + width, top: y + 0.2 * height, bottom: y + 0.8 * height};
        });
        boxes.forEach((one, place) => {
            if (one.left < -1 || one.right > width + 1 || one.bottom > height) faults.push(one.name);
            for (const other of boxes.slice(place + 1))
                if (one.left < other.right && other.left < one.right &&
                    one.top < other.bottom && other.top < one.bottom)
                    faults.push(`${one.name} / ${other.name}`);
        });
    }
    return [document.querySelectorAll("figure svg text").length, faults];
"""


@pytest.mark.parametrize(
    "page",
    [
        lambda: html.render(samples.hostile()),
        lambda: html.render(odd_names(samples.unknown())),
        lambda: trial_html.render(trial_samples.five()),
        lambda: trial_html.render(trial_samples.hostile()),
    ],
    ids=["hostile", "odd-names", "trial", "hostile-trial"],
)
def test_no_text_is_cut_or_overlaps(tmp_path, page):
    """With the browser's own font every text of a picture stands within it and apart from the others."""
    count, faults = answer_of(page(), TEXTS_APART, tmp_path)

    assert count > 20
    assert faults == []


def test_overlaps_are_noticed(tmp_path):
    """A picture whose texts are twice as large is noticed, so silence above means something."""
    large = re.sub(r"font-size:1(\d)px", r"font-size:3\1px", html.render(samples.tar()))

    assert answer_of(large, TEXTS_APART, tmp_path)[1] != []
