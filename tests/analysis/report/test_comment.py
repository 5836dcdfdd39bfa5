"""The blocks of a comment."""

import pytest

from analysis.report import comment
from tests.analysis.report import blocks, golden

ZERO = "\u200b"


def test_golden():
    """Every block is what it was when somebody last looked at it."""
    lines = [
        *comment.headline("What is *bold* | stays text", blocks.BANNER),
        *comment.headline("No decision", None),
        *comment.figures(blocks.FIGURES),
        *comment.folded("A fold", (), comment.facts(blocks.FACTS)),
        *comment.folded("Tables", blocks.TABLES),
        *comment.reading({"Term": "its meaning."}, ("A limit.",)),
        *comment.notes(blocks.FOOTNOTES),
    ]
    golden.check("blocks.md", "\n".join([*lines, ""]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("`code` *bold* _it_ ~gone~ \\", "\\`code\\` \\*bold\\* \\_it\\_ \\~gone\\~ \\\\"),
        ("<b> & co", "&lt;b&gt; &amp; co"),
        ("two\nlines", "two lines"),
        ("[a](b) [c][d]", f"[a]{ZERO}(b) [c]{ZERO}[d]"),
        ("@team #12", f"@{ZERO}team #{ZERO}12"),
        ("https://example.org www.example.org", f"https:{ZERO}//example.org w{ZERO}ww.example.org"),
        ("$1 and $2", "&#36;1 and &#36;2"),
    ],
)
def test_escape(text, shown):
    """Nothing in a text is markup, a link, a mention or a formula on GitHub."""
    assert shown == comment.escape(text)


def test_no_notes_no_heading():
    """Without footnotes nothing is said of them."""
    assert list(comment.notes(())) == []
