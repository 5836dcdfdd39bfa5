"""Names as text."""

import pytest

from analysis.report import names


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("catalog-0", "catalog-0"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x1b[31mred\x00", "\ufffd[31mred\ufffd"),
        ("left\u202eright", "left\ufffdright"),
        ("half \ud800", "half \ufffd"),
        ("not xml \uffff", "not xml \ufffd"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
        ("12\u202f345\u00a0ms", "12\u202f345\u00a0ms"),
    ],
)
def test_plain(text, shown):
    """What hides, reorders or breaks a line becomes visible; emoji and our own spaces stay."""
    assert shown == names.plain(text)


def test_elide():
    """A long name keeps both ends and the length asked for."""
    assert names.elide("abcdefghijklmnopqrstuvwxyz", 9) == "abcd\u2026wxyz"
    assert names.elide("short", 9) == "short"


def test_short_names_of_pods():
    """Pods of one ReplicaSet are told apart by their last part; an odd one does not change that."""
    found = names.short_names(["catalog-6d5f7c9b8-x7k2p", "catalog-6d5f7c9b8-2vjpl", "remote"])

    assert list(found.values()) == ["2vjpl", "x7k2p", "remote"]


def test_short_names_of_stateful_pods():
    """A bare number is no name."""
    assert names.short_names(["ui-0", "ui-1"]) == {"ui-0": "ui-0", "ui-1": "ui-1"}


def test_short_names_stay_apart():
    """Equal ends take one part more, and names too long to differ are numbered."""
    assert names.short_names(["a-b-xyz", "a-c-xyz"]) == {"a-b-xyz": "b-xyz", "a-c-xyz": "c-xyz"}

    long = [f"{'same' * 9}{middle}{'same' * 9}" for middle in "abc"]
    assert len(set(names.short_names(long).values())) == 3
    assert all(len(label) <= 14 for label in names.short_names(long).values())


def test_mode():
    """A routing mode is said in words; an unknown one as it is."""
    assert names.mode("tar") == "Topology Aware Routing"
    assert names.mode("brand-new") == "brand-new"
