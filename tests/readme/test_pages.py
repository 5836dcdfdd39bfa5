"""The pages fit together: links lead somewhere, nothing is said twice, no page is left out."""

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.readme.pages import PAGES, text
from tests.sources import REPO, ROOMS

LEAST_LETTERS = 50
"""Of a sentence that no other page may have: shorter ones are headings and names."""


def tokens(page: str) -> list[Token]:
    """All of a page, inner ones, too."""
    outer = MarkdownIt().enable("table").parse(text(page))
    return [*outer, *(inner for one in outer for inner in one.children or ())]


def links(page: str) -> list[str]:
    """What a page links to or shows."""
    found = [str(one.attrs[name]) for one in tokens(page) for name in ("href", "src") if name in one.attrs]
    html = "".join(one.content for one in tokens(page) if one.type.startswith("html_"))
    return found + re.findall(r'(?:src|href)="(.*?)"', html)


def anchors(page: str) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = [after.content for one, after in pairwise(tokens(page)) if one.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str):
    """A file or folder of the repository, and a heading in it."""
    broken = []
    for link in links(page):
        file, _, anchor = link.partition("#")
        to = ((REPO / page).parent / file).resolve() if file else REPO / page
        if not to.exists() or (anchor and anchor not in anchors(str(to.relative_to(REPO)))):
            broken.append(link)
    assert broken == []


def test_a_broken_link_is_seen():
    """Links, pictures and tags are all found, and anchors are GitHub's."""
    assert {"#try-it", "k8s/README.md#on-eks", ".github/demo.svg", ".github/report.png"} <= set(
        links("README.md")
    )
    assert {"on-eks", "what-is-changed-and-how-it-is-put-back"} <= anchors("k8s/README.md")


def test_no_page_is_left_out():
    """Each page of the rooms is checked, and can be reached from the first by links."""
    there = {str(path.relative_to(REPO)) for room in ROOMS for path in (REPO / room).rglob("*.md")}
    assert there <= set(PAGES)
    reached, waiting = {"README.md"}, ["README.md"]
    while waiting:
        page = waiting.pop()
        files = {link.partition("#")[0] for link in links(page)}
        found = {str(((REPO / page).parent / file).resolve().relative_to(REPO)) for file in files if file}
        new = (found & set(PAGES)) - reached
        reached |= new
        waiting += new
    assert reached == set(PAGES)


def test_nothing_is_said_twice():
    """No sentence stands in two places."""
    where = defaultdict(list)
    for page in PAGES:
        prose = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
        for sentence in re.split(r"(?<=[.:;|])\s+", " ".join(prose.split())):
            if len(sentence) >= LEAST_LETTERS:
                where[sentence].append(page)
    assert {sentence: pages for sentence, pages in where.items() if len(pages) > 1} == {}


def test_the_first_page_is_short():
    """What it is, two commands, a picture, three doors: the rest is beside the code."""
    assert len(text("README.md").splitlines()) <= 70
    assert len(text("README.md").split("\n## ")[0].splitlines()) <= 25


def test_pictures_can_be_shown_anywhere():
    """The report's is small, the terminal's asks nobody for anything and names no one's home."""
    assert (REPO / ".github" / "report.png").stat().st_size < 150_000
    film = (REPO / ".github" / "demo.svg").read_text(encoding="utf-8")
    assert len(film) < 500_000
    addresses = set(re.findall(r"https?://[^\"'\s<)]+", film)) - {"http://www.w3.org/2000/svg"}
    assert not any(re.search(r"\.(woff2?|css|js|png)\b", one) for one in addresses)
    assert not re.search(r"@import|@font-face|url\((?!#)|<script|href=", film)
    assert str(Path.home()) not in film
