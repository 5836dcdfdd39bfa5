"""Names that become parts of paths and queries."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.model import names

HOSTILE = (
    "", ".", "..", "../../..", "/etc/passwd", "a/b", "a\\b", "-rf", "--help", "a-", ".a", "_", 'a"b', "a'b",
    "a b", "a\nb", "a\r", "a\x00b", "a\x1b[31m", "\u00e4", "\u202ea", "\uff0e\uff0e", "a\udcff", "$(id)",
    "`id`", "{}", "%2e%2e", "a;b", "*", "a" * 64, "a" * 300, "a\u0661",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile(text: str):
    """None is a label or a DNS label; a message shows each in one short line of plain letters."""
    assert not names.is_label(text)
    assert not names.is_dns_label(text)
    shown = names.shown(text)
    assert re.fullmatch(r"[ -~]{2,90}", shown)


@pytest.mark.parametrize("text", ["a", "0", "tar", "after-2.fix_B", "a" * 63])
def test_labels(text: str):
    """As kubectl label takes them."""
    assert names.is_label(text)


@given(st.text(max_size=70))
def test_a_dns_label_is_a_label(text: str):
    """The narrower rule is within the wider one; both leave a path and a quoted text as they are."""
    if names.is_dns_label(text):
        assert names.is_label(text)
    if names.is_label(text):
        assert not set(text) & set("/\\\"'\0 \n")
        assert text not in {".", ".."}
