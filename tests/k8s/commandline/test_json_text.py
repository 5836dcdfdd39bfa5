"""Answers for programs: every value is one that JSON has."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from k8s.commandline.json_text import as_json


class Columns(Sequence[int]):
    """Neither a list nor a tuple."""

    def __len__(self) -> int:
        return 3

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...

    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        return range(3)[at]


def test_a_sequence_of_its_own_kind_is_a_list():
    """And a path is its text: nothing is shown as an object at an address."""
    assert json.loads(as_json({"flows": Columns(), "at": Path("runs")})) == {"flows": [0, 1, 2], "at": "runs"}
