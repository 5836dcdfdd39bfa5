"""How wide a text is."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.report.lettering import fit, width
from analysis.report.names import plain


def test_width_grows_with_letters_size_and_weight():
    """Wide letters, larger and bolder ones take more room; an ideograph takes two letters' room."""
    assert width("illi", size=12) < width("abcd", size=12) < width("WMWM", size=12)
    assert width("abcd", size=24) == 2 * width("abcd", size=12)
    assert width("abcd", size=12, bold=True) > width("abcd", size=12)
    assert width("\u6f22", size=12) == 2 * width("a", size=12)


@given(st.text(max_size=80), st.floats(min_value=0, max_value=400))
def test_what_is_fit_fits(text, room):
    """A text that was fit takes no more than its room, unless one character is too much already."""
    shown = fit(text, room, size=12)

    assert len(shown) <= 1 or width(shown, size=12) <= room


@given(st.text(max_size=80))
def test_room_enough_changes_nothing(text):
    """A text that has room stays whole."""
    assert fit(text, width(text, size=12), size=12) == plain(text)


def test_both_ends_are_kept():
    """What is cut out is the middle."""
    assert fit("catalog-6d5f7c9b8-x7k2p", 80, size=12) == "cata\u2026x7k2p"
