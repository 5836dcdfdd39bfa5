"""The page."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace

import pytest

from analysis.model import ArmResult
from analysis.report import prose
from analysis.report.comparison import html
from analysis.verdict.listed import listed
from tests.analysis.report.comparison import samples
from tests.analysis.report.page import Page

SAMPLES = ("tar", "no_effect", "unknown", "hostile", "empty", "idle", "crowd", "city")


@pytest.fixture(scope="module")
def pages():
    """Every sample's page."""
    return {name: html.render(getattr(samples, name)()) for name in SAMPLES}


@pytest.mark.parametrize("name", SAMPLES)
def test_balanced(pages, name):
    """Every element that opens closes."""
    assert Page(pages[name]).problems == []


@pytest.mark.parametrize("name", SAMPLES)
def test_ids(pages, name):
    """Every id is used once, and every link leads to one."""
    page = Page(pages[name])
    known = {f"#{one}" for one in page.ids}

    assert [one for one, count in Counter(page.ids).items() if count > 1] == []
    assert set() == set(page.references) - known - {"data:,"}


@pytest.mark.parametrize("name", SAMPLES)
def test_self_contained(pages, name):
    """Nothing is fetched and nothing but our own script runs: no handler, no style that names an address."""
    page = Page(pages[name])

    assert page.tags.count("script") == ("output" in page.tags)
    assert not {"iframe", "object", "embed", "form", "base", "img"} & set(page.tags)
    assert [one for one in page.attributes if one.startswith("on")] == []
    assert not re.search(r"@import|url\(", pages[name])


def test_no_address(pages):
    """The only addresses in a page are the names of the SVG namespace."""
    assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\"\s<]+", pages["tar"]))


def test_policy_comes_first(pages):
    """The content security policy forbids the network before anything could use it."""
    head = pages["tar"].partition("<title>")[0]

    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in head
    (script,) = re.findall(r"<script>(.*?)</script>", pages["tar"], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in head
    assert "<style" not in head
    assert "<link" not in head


def test_hostile_names_are_text(pages):
    """What tries to break out is shown as it is, and nothing else of it is there."""
    text, page = pages["hostile"], pages["hostile"]

    assert "</script><script>alert(1)</script>|`x` & \"q\" 'a' **b**" in Page(page).text
    assert "&lt;script&gt;alert(1)" in text
    assert not re.search(r"<script(?!>\"use strict\")|[\x00-\x09\x0b-\x1f\u202e\ud800]", text)
    assert "{{ 7*7 }}" in text


def test_answer_is_on_top(pages):
    """The sentence, both shares with intervals and the difference come before everything else."""
    top = Page(pages["tar"].partition("<nav")[0]).text.replace("\u00a0", " ")

    for part in ("from 34.5 % to 100.0 %", "95 % interval [32.9, 36.0]", "+65.5 points", "[+63.4, +67.6]"):
        assert part in top


def test_sections_follow_the_reader(pages):
    """Answer, pictures, numbers, checks, how it was measured, how to read it, notes."""
    keys = re.findall(r'<section id="(\w+)"', pages["tar"])

    assert keys == ["answer", "pictures", "numbers", "checks", "origin", "reading", "notes"]


def test_notes_are_referenced(pages):
    """Every footnote is referenced from at least one cell."""
    page = Page(pages["unknown"])

    assert {f"#note-{number}" for number in (1, 2, 3, 4)} <= set(page.references)


def test_an_arm_without_calls(pages):
    """A comparison without a single known call still makes a page that says so."""
    assert "No calls of this pair were seen in this arm." in pages["empty"]


@pytest.mark.parametrize("name", SAMPLES)
def test_small_enough_to_send(pages, name):
    """A page is below 300 KB, so that it goes into a mail and opens on a phone."""
    assert len(pages[name].encode()) < 300_000


def test_why_zones_are_drawn_in_place_of_pods():
    """Too many flows to list are too many pods to draw; of a source that names none it is said."""
    seen = samples.tar()

    def of_services(arm: ArmResult) -> ArmResult:
        return replace(arm, grain="service", pairs=tuple(replace(one, grain="service") for one in arm.pairs))

    shown = {
        "every flow": seen,
        "too many": replace(
            seen, baseline=listed(seen.baseline, most=0), candidate=listed(seen.candidate, most=0)
        ),
        "no pods": replace(seen, baseline=of_services(seen.baseline), candidate=of_services(seen.candidate)),
    }
    reasons = (prose.MANY_PODS, prose.NO_PODS.format(grain="service"), prose.NO_PODS.format(grain="workload"))
    told = {name: [one in Page(html.render(value)).text for one in reasons] for name, value in shown.items()}
    assert told == {
        "every flow": [False, False, False],
        "too many": [True, False, False],
        "no pods": [False, True, False],
    }
