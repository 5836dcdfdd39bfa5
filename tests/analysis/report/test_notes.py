"""Footnotes."""

from dataclasses import replace

from analysis.report import notes
from analysis.report.notes import Side, Topic
from loadtest.record import Caveat
from tests.analysis.report.comparison import samples


def test_equal_caveats_share_a_number():
    """A caveat of both arms is one note that says so."""
    found = notes.number(samples.unknown())

    assert [note.number for note in found.items] == [1, 2, 3, 4]
    assert [note.about for note in found.items] == ["both arms", "both arms", "before", "after"]


def test_notes_touch_their_topic_and_side():
    """A note is found by what it touches and by its arm."""
    found = notes.number(samples.unknown())

    assert found.touching(Topic.ROUTING, side=Side.AFTER) == (4,)
    assert found.touching(Topic.ROUTING, side=Side.BEFORE) == ()
    assert found.touching(Topic.TRUST, side=Side.BEFORE) == (2, 3)


def test_an_unknown_code_touches_the_share():
    """A caveat nobody thought of stands at the answer itself."""
    found = notes.number(replace(samples.tar(), caveats=(Caveat(code="brand-new", text="Look."),)))

    assert found.touching(Topic.SHARE, side=Side.BEFORE) == (1,)


def test_a_number_of_both_arms_takes_the_notes_of_either():
    """A number made of both arms, as the cost before and after, carries the notes of each."""
    found = notes.number(samples.unknown())

    assert found.touching(Topic.ROUTING, Topic.TRUST) == (2, 3, 4)
