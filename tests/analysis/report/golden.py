"""Golden files: what a rendering was when somebody last looked at it.

``SAMEZONE_UPDATE_GOLDEN=1 pytest tests/analysis/report`` rewrites them; read the difference first.
"""

import difflib
import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "golden"
_MOST_LINES = 30
_MOST_WIDTH = 160


def check(name: str, got: str) -> None:
    """*got* is what the golden file *name* holds; else leave ``NAME.got`` beside it and fail with a diff."""
    path = FOLDER / name
    beside = path.with_name(f"{name}.got")
    if os.environ.get("SAMEZONE_UPDATE_GOLDEN") == "1":
        path.write_text(got, encoding="utf-8")
    want = path.read_text(encoding="utf-8") if path.exists() else ""
    if want == got:
        beside.unlink(missing_ok=True)
        return
    beside.write_text(got, encoding="utf-8")
    lines = difflib.unified_diff(want.splitlines(), got.splitlines(), name, beside.name, lineterm="", n=1)
    shown = [line[:_MOST_WIDTH] for line in lines][:_MOST_LINES]
    pytest.fail("\n".join([f"{name} differs; SAMEZONE_UPDATE_GOLDEN=1 accepts it", *shown]), pytrace=False)
