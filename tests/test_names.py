"""One word, one thing: within a room a public class, a type alias or a module has its name alone."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import ROOMS, dotted, files, shown, tree

SAME_THING: dict[str, frozenset[str]] = {
    "k8s": frozenset(),
    "loadtest": frozenset(),
    # One file a format in analysis/report/comparison and in analysis/report/trial; a trial is run in
    # analysis/trial, and reported there.
    "analysis": frozenset({"html", "markdown", "console", "junit", "trial"}),
}
"""Words that several modules share because each does the same for another subject."""

TYPE_VARIABLES = ("TypeVar", "ParamSpec")


def aliases(node: ast.stmt) -> Iterator[str]:
    """What a statement of a module defines in CapWords: ``Raw = Mapping[str, Any]`` and the like."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case _:
            return
    is_variable = isinstance(value, ast.Call) and dotted(value.func) in TYPE_VARIABLES
    if name[0].isupper() and not name.isupper() and not is_variable:
        yield name


def definitions(path: Path) -> Iterator[str]:
    """The public classes and type aliases of a module."""
    for node in tree(path).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        yield from aliases(node)


def modules(room: str) -> Iterator[tuple[str, Path]]:
    """Name and file of each module and package; every package may have a ``cli``."""
    for path in files(room):
        if path.stem == "__init__":
            yield path.parent.name, path
        elif path.stem != "cli":
            yield path.stem, path


def twice(room: str) -> dict[str, list[str]]:
    """Names that several files of a room define, and which files."""
    where = defaultdict(list)
    for path in files(room):
        for name in definitions(path):
            where[name].append(shown(path))
    for name, path in modules(room):
        where[name].append(shown(path))
    return {name: found for name, found in where.items() if len(found) > 1}


@pytest.mark.parametrize("room", ROOMS)
def test_one_word_one_thing(room: str):
    """Only what is the same thing stands twice, and it does."""
    found = twice(room)
    excused = SAME_THING[room]
    new = {name: where for name, where in found.items() if name not in excused}
    assert not new, "rename the less central one to its own, more precise word"
    assert not excused - found.keys(), "these stand once now: take them off the list"


def test_a_second_definition_is_seen(tmp_path: Path):
    """Classes, aliases and NewTypes count; constants, variables of types and private classes do not."""
    path = tmp_path / "module.py"
    path.write_text(
        "class Place: ...\n"
        "class _Hidden: ...\n"
        "Raw = dict[str, int]\n"
        'Zone = NewType("Zone", str)\n'
        "Share: TypeAlias = int | str\n"
        'T = TypeVar("T")\n'
        'Item = TypeVar("Item")\n'
        "LIMIT = 3\n"
        "number = 4\n"
    )
    assert list(definitions(path)) == ["Place", "Raw", "Zone", "Share"]
