"""The sources of the three rooms, as the tests of their shape see them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPO = Path(__file__).parents[1]
ROOMS = ("k8s", "loadtest", "analysis")


def files(room: str) -> tuple[Path, ...]:
    """Every Python file of a room."""
    return tuple(sorted((REPO / room).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def shown(path: Path) -> str:
    """A path as a person names it."""
    return str(path.relative_to(REPO))


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of every file of every room, with the file's name."""
    for room in ROOMS:
        for path in files(room):
            for node in ast.walk(tree(path)):
                yield shown(path), node


def dotted(node: ast.AST) -> str:
    """``a.b`` for a name or an attribute; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute) if dotted(value):
            return f"{dotted(value)}.{attribute}"
        case _:
            return ""
