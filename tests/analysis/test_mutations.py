"""Some hundred mutated run folders: no traceback, and no headline figure that changes without a word.

``python -m tests.analysis.mutations`` makes as many as are asked for.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.analysis import mutations, stored_shop
from tests.analysis.changes import changed_paths, mutate
from tests.analysis.mutations import Seen, campaign, seen

COUNT = 400


@pytest.mark.parametrize("seed", [20261129])
def test_mutated_runs_are_refused_named_or_harmless(seed: int):
    """Bytes, values, structure and whole files, on the lab and off it."""
    tally = campaign(COUNT, seed, out=lambda _: None)

    assert tally.faults == []
    assert tally.ends.total() == COUNT
    # A campaign whose mutations do nothing, or are refused all, would show nothing.
    assert min(tally.ends[one] for one in ("refused", "named", "harmless")) > COUNT / 10
    assert tally.compared > COUNT / 100


def test_the_runs_are_whole_before_they_are_mutated(tmp_path):
    """Every gate holds, and the figures are the shop's."""
    stored_shop.store(tmp_path)
    found = {role: seen(tmp_path / role) for role in stored_shop.ROLES}

    assert not any(one.failed for one in found.values())
    assert [one.headline.coverage for one in found.values()] == [1.0] * 3
    assert found[stored_shop.CANDIDATE].headline.share == 1.0
    assert 0.3 < (found[stored_shop.BASELINE].headline.share or 0) < 0.37


def test_a_change_without_a_word_is_found(monkeypatch):
    """Where no gate and no caveat speaks, the campaign does: it can fail."""

    def deaf(folder: Path) -> Seen:
        return replace(seen(folder), named=frozenset(), failed=False)

    monkeypatch.setattr(mutations, "seen", deaf)
    tally = campaign(100, 20261129, out=lambda _: None)

    assert any(" became " in one for one in tally.faults)


def test_paths_of_what_changed_are_told():
    """Places in lists do not count; documents are looked into."""
    before, after = b'{"a": [{"b": 1}, {"b": 2}], "c": 3}', b'{"a": [{"b": 1}, {"b": 5}]}'

    assert list(changed_paths("record.json", before, after)) == ["a[*].b", "c"]
    assert list(changed_paths("record.json", before, b"{")) == ["?"]


def test_a_mutation_is_the_same_one_each_time():
    """By its seed."""
    one, two = (mutate(random.Random(7), "record.json", b'{"a": 1}', b'{"b": 2}') for _ in range(2))
    assert one == two
