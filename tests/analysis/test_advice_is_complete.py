"""What a message tells somebody to type can be typed: no word of it stands for a name that is known."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import analysis
from analysis import stages

ROOT = Path(analysis.__file__).parents[1]
PLACEHOLDER = re.compile(r"\bsamezone [a-z][^;]*?(?<![-$\w])(?!TAR\b|API\b)[A-Z]{3,}\b")
UNKNOWN = frozenset({stages.COLLECT, stages.AGAIN})
"""What ``stages.of_run`` puts a folder into, and ``of_observation`` takes out."""


def strings(tree: ast.Module) -> Iterator[str]:
    """Text that may be printed: every string that is no docstring, nor an option's help."""
    told = {
        id(one.value)
        for one in ast.walk(tree)
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
    }
    for one in ast.walk(tree):
        if isinstance(one, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in one.values)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in told:
            yield one.value


def faults(code: str) -> list[str]:
    return [text for text in strings(ast.parse(code)) if PLACEHOLDER.search(text) and text not in UNKNOWN]


def test_no_command_has_a_word_to_be_filled_in():
    """In any module of the three rooms."""
    modules = [path for room in ("k8s", "loadtest", "analysis") for path in (ROOT / room).rglob("*.py")]

    assert len(modules) > 300
    assert {path.name: found for path in modules if (found := faults(path.read_text()))} == {}


def test_such_a_word_is_noticed():
    """So silence above means something."""
    assert faults('raise ValueError(f"{x}; run: samezone compare BEFORE AFTER")')
    assert faults('"""samezone collect RUN"""\nprint("again: samezone collect RUN")') == [
        "again: samezone collect RUN"
    ]


def test_a_folder_is_put_in_as_a_shell_takes_it():
    """Also one with a blank; an observation has no run to be collected."""
    said = f"the counts differ; {stages.AGAIN}"

    assert (
        stages.of_run(said, "my runs/1") == "the counts differ; collect again: samezone collect 'my runs/1'"
    )
    assert stages.of_observation(said) == "the counts differ; observe again"
