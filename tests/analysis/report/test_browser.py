"""The page in a real browser, where there is one."""

import re

import pytest

from analysis.observe.observed import Observation
from analysis.report import at_traffic
from analysis.report.comparison import html
from analysis.report.comparison.sections import traffic_of
from analysis.report.drawing import Paint
from analysis.report.observation import html as observation_html
from analysis.report.trial import html as trial_html
from tests.analysis.observe.looks import cluster, seen
from tests.analysis.report.comparison import courses, judged_samples, samples
from tests.analysis.report.test_pictures import odd_names
from tests.analysis.report.trial import trial_samples
from tests.analysis.traced_shop import Shop
from tests.browser import PHONE, Browser, Screen, needs_browser

pytestmark = needs_browser


def test_the_console_is_heard(browser: Browser):
    """A page that breaks its own policy is noticed, so silence below means something."""
    broken = html.render(samples.tar()).replace("</main>", "<script>1</script></main>")

    with browser.showing(broken) as tab:
        assert any("Content Security Policy" in line for line in tab.console)


@pytest.mark.parametrize("name", ["tar", "hostile"])
def test_the_console_is_silent(browser: Browser, name: str):
    """The browser has nothing to complain about."""
    with browser.showing(html.render(getattr(samples, name)())) as tab:
        assert tab.console == []


@pytest.mark.parametrize(
    ("page", "paint"),
    [
        (lambda: html.render(judged_samples.inconclusive()), Paint.OPEN),
        (lambda: trial_html.render(trial_samples.five()), Paint.PASS),
    ],
    ids=["judged", "trial"],
)
def test_the_decision_is_seen(browser: Browser, page, paint):
    """The browser has nothing to complain about, and the first screen bears the decision's colour."""
    script = """
        const word = document.querySelector(".decision strong");
        return [getComputedStyle(word).color, word.getBoundingClientRect().bottom < 300];
    """
    red, green, blue = (int(paint.value[start : start + 2], 16) for start in (1, 3, 5))

    with browser.showing(page()) as tab:
        assert tab.run(script) == [f"rgb({red}, {green}, {blue})", True]
        assert tab.console == []


TEXTS_APART = """
    const faults = [];
    for (const svg of document.querySelectorAll("figure svg")) {
        const {width, height} = svg.viewBox.baseVal;
        const seen = [...svg.querySelectorAll("text")].filter((text) => text.getClientRects().length);
        const boxes = seen.map((text) => {
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
        lambda: html.render(courses.with_course(samples.tar())),
        lambda: trial_html.render(trial_samples.five()),
        lambda: trial_html.render(trial_samples.hostile()),
    ],
    ids=["hostile", "odd-names", "course", "trial", "hostile-trial"],
)
def test_no_text_is_cut_or_overlaps(browser: Browser, page):
    """With the browser's own font every text of a picture stands within it and apart from the others."""
    with browser.showing(page()) as tab:
        count, faults = tab.run(TEXTS_APART)

    assert count > 20
    assert faults == []


def test_overlaps_are_noticed(browser: Browser):
    """A picture whose texts are twice as large is noticed, so silence above means something."""
    large = re.sub(r"font-size:1(\d)px", r"font-size:3\1px", html.render(samples.tar()))

    with browser.showing(large) as tab:
        assert tab.run(TEXTS_APART)[1] != []


@pytest.mark.parametrize(
    "page",
    [
        lambda: html.render(courses.with_course(judged_samples.inconclusive())),
        lambda: trial_html.render(trial_samples.five()),
        lambda: observation_html.render(seen(Shop(by_pod=True))),
        lambda: observation_html.render(unplaced()),
    ],
    ids=["judged", "trial", "observation", "observation-without-zones"],
)
def test_nobody_is_kept_out(browser: Browser, page):
    """axe-core finds nothing serious, nor a pale letter in the dark."""
    with browser.showing(page()) as tab:
        assert tab.barriers() == []
        tab.resize(Screen(dark=True))
        assert tab.barriers("color-contrast") == []


def unplaced() -> Observation:
    """An observation that knows no zone: it has nothing to draw, and much to remark upon."""
    return seen(Shop(by_pod=True), shown=cluster((), ()))


PALE = '<p style="color: light-dark(#ccc, #444); background: light-dark(#ddd, #333)">pale</p>'


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "page",
    [lambda: html.render(samples.tar()), lambda: observation_html.render(seen(Shop(by_pod=True)))],
    ids=["comparison", "observation"],
)
def test_barriers_are_noticed(browser: Browser, page, dark: bool):
    """Grey on grey and a picture without words are found, so silence above means something."""
    worse = page().replace("</main>", f'{PALE}<img src="data:,"></main>')

    with browser.showing(worse, Screen(dark=dark)) as tab:
        found = " ".join(tab.barriers("color-contrast", "image-alt"))

    assert "color-contrast" in found
    assert "image-alt" in found


SHOWN = """
    return [...document.querySelectorAll(".says")].filter((one) => one.getClientRects().length).map((one) => {
        const svg = one.ownerSVGElement, {width, height} = svg.viewBox.baseVal, box = one.getBBox();
        const inside = box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= height;
        const hint = svg.querySelector(".hint").getClientRects().length;
        return [one.textContent, inside, hint];
    });
"""
"""The words of spots that are to be seen: whether they stand within their picture, and beside its hint."""


@pytest.mark.parametrize(
    "page",
    [
        lambda: html.render(courses.with_course(samples.tar())),
        lambda: trial_html.render(trial_samples.five()),
    ],
    ids=["comparison", "trial"],
)
def test_numbers_are_told_to_pointer_and_keyboard(browser: Browser, page):
    """One part's numbers at a time: of the focused one, of the next after Tab, of the one pointed at."""
    with browser.showing(page()) as tab:
        assert tab.run(SHOWN) == []
        tab.run("document.querySelector('.spot').focus()")
        (first,) = tab.run(SHOWN)
        tab.press("Tab")
        (second,) = tab.run(SHOWN)
        x, y = tab.run("""
            const box = document.querySelectorAll(".spot rect")[2].getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        """)
        tab.point(x, y)
        (third,) = tab.run(SHOWN)

    assert len({first[0], second[0], third[0]}) == 3
    assert [one[1:] for one in (first, second, third)] == [[True, 0]] * 3


def test_the_reader_gives_the_rate(browser: Browser):
    """Money follows the number of calls a second, says so in words, and bad numbers get an answer, too."""
    script = """
        const form = document.querySelector(".at-traffic"), input = form.querySelector("input");
        return ["1000", "-1", ""].map((value) => {
            input.value = value;
            input.dispatchEvent(new Event("input"));
            return form.querySelector("output").textContent;
        }).concat([String(form.hidden)]);
    """
    compared = samples.tar()
    scaled = traffic_of(compared)
    with browser.showing(html.render(compared)) as tab:
        told = tab.run(script)
        assert tab.console == []

    assert scaled is not None
    assert told[0] == at_traffic.said(scaled, 1000.0)
    assert told[1:] == ["Give a number of calls a second."] * 2 + ["false"]


@pytest.mark.parametrize(
    "page",
    [
        lambda: html.render(courses.with_course(judged_samples.inconclusive())),
        lambda: html.render(samples.hostile()),
        lambda: trial_html.render(trial_samples.five()),
        lambda: observation_html.render(seen(Shop(by_pod=True))),
    ],
    ids=["judged", "hostile", "trial", "observation"],
)
def test_a_phone_shows_all_of_it(browser: Browser, page):
    """Nothing is wider than the screen but what scrolls in a frame of its own, and no picture is blank."""
    script = """
        const wide = [...document.querySelectorAll("body *")].filter((one) =>
            one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll"));
        const blank = [...document.querySelectorAll("figure svg")].filter((one) =>
            one.getBoundingClientRect().width < 250);
        const named = wide.map((one) => one.outerHTML.slice(0, 99));
        return [document.documentElement.scrollWidth, named, blank.length];
    """
    with browser.showing(page(), PHONE) as tab:
        assert tab.run(script) == [PHONE.width, [], 0]
