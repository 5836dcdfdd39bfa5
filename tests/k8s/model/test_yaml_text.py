"""A YAML file's text is a struct, or one line that says where it is wrong."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from k8s.errors import UsageError
from k8s.model.yaml_text import Flaw, parse


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The innermost."""

    size: int
    colour: str = "green"


class Branch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Holds leaves in every way that a file can."""

    leaves: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = {}
    last: Leaf | None = None


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    branches: tuple[Branch, ...]


def fits(tree: Tree) -> Iterator[Flaw]:
    """A tree without branches is none."""
    if not tree.branches:
        yield ("branches",), "expected one or more"


def test_a_file_is_a_value():
    """Whole numbers written as decimals are integers."""
    found = parse("branches:\n- last: {size: 2.0}\n", "f.yaml", Tree, misfits=fits)
    assert found == Tree(branches=(Branch(last=Leaf(size=2)),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("branches:\n- leaves:\n  - {size: 1}\n  - size: 1\n    sice: 2\n", "5: branches[0].leaves[1].sice"),
        ("branches:\n- by_name:\n    oak: {size: 1, sice: 2}\n", "3: branches[0].by_name.oak.sice"),
        ("branches:\n- last:\n    sice: 2\n    size: 1\n", "3: branches[0].last.sice"),
    ],
)
def test_an_unknown_key_tells_those_that_its_own_place_has(text: str, said: str):
    """In lists, mappings and where nothing could stand instead."""
    with pytest.raises(UsageError) as caught:
        parse(text, "f.yaml", Tree, misfits=fits)
    assert str(caught.value) == f"f.yaml:{said}: unknown key; known are size, colour"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("branches: []\n", "f.yaml:1: branches: expected one or more"),
        ("branches:\n- &a {}\n- *a\n", "f.yaml:3: *a: aliases are not read; write it out"),
        ("- 1\n", "f.yaml:1: expected a mapping, got [1]"),
    ],
)
def test_what_does_not_fit_is_one_line(text: str, said: str):
    """From the parts' fit, YAML itself, and the root."""
    read: Any = lambda: parse(text, "f.yaml", Tree, misfits=fits)  # noqa: E731
    with pytest.raises(UsageError) as caught:
        read()
    assert str(caught.value) == said
