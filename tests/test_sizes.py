"""Nothing grows out of hand: files, functions, corridors; and who may touch what ends or parses a program."""

import ast
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.sources import REPO, ROOMS, dotted, files, nodes, shown

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
CATCHES_ALL = frozenset({"k8s/lab/processes.py"})
"""A forked child writes down whatever ends it and ends there: it must not go on in its parent's code."""
MOST_FLAT_MODULES = {"k8s": 7, "loadtest": 15, "analysis": 12}
"""Directly in the room's folder, ``__init__`` aside: the rest lives in folders named after a job."""


def only(found: Collection[str], excused: Collection[str]) -> None:
    """What was found is what is excused: nothing new, and nothing that is mended already."""
    assert sorted(set(found) - set(excused)) == []
    assert sorted(set(excused) - set(found)) == [], "mended: take it off the list"


def test_no_file_is_too_long():
    """One idea fits in 400 lines."""
    lines = {shown(path): len(path.read_text().splitlines()) for room in ROOMS for path in files(room)}
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long():
    """From ``def`` to its last line."""
    found = [
        f"{file}:{node.name}"
        for file, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert found == []


def test_nothing_catches_everything():
    """``except Exception`` hides what nobody thought of; undoing and raising again may be for everything."""
    found = set()
    for file, node in nodes():
        if isinstance(node, ast.ExceptHandler):
            caught = {dotted(one) for one in _types(node.type)}
            raises_it = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if caught & {"", "Exception"} or ("BaseException" in caught and not raises_it):
                found.add(file)
    only(found, CATCHES_ALL)


def _types(caught: ast.expr | None) -> list[ast.AST]:
    """The types that a handler names; a bare one names a type without a name."""
    return [*caught.elts] if isinstance(caught, ast.Tuple) else [caught or ast.Pass()]


def test_only_command_lines_know_arguments():
    """``argparse.Namespace`` stands in ``cli.py`` and ``*_cli.py`` only: below, requests are typed."""
    found = {
        file
        for file, node in nodes()
        if (dotted(node) == "argparse.Namespace" or _imports_namespace(node)) and not _is_cli(file)
    }
    assert found == set()


def _imports_namespace(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "argparse"
        and "Namespace" in {alias.name for alias in node.names}
    )


def _is_cli(file: str) -> bool:
    return file.endswith(("/cli.py", "_cli.py"))


def test_a_program_ends_in_one_place():
    """At most one ``sys.exit`` a file, below ``if __name__``; nothing raises SystemExit."""
    exits = Counter(
        file for file, node in nodes() if isinstance(node, ast.Call) and dotted(node.func) == "sys.exit"
    )
    assert {file: count for file, count in exits.items() if count > 1} == {}
    assert [file for file, node in nodes() if isinstance(node, ast.Name) and node.id == "SystemExit"] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_corridor(room: str):
    """Few modules stand in the room's folder itself."""
    flat = [path.name for path in (REPO / room).glob("*.py") if path.name != "__init__.py"]
    assert len(flat) <= MOST_FLAT_MODULES[room], flat


def test_no_cycle_between_packages():
    """Packages import each other in one direction; a module beside packages counts as one itself."""
    assert _cycle(_edges()) is None


def _edges() -> dict[str, set[str]]:
    """Which package of a room imports which."""
    graph = grimp.build_graph(*ROOMS)
    found: dict[str, set[str]] = defaultdict(set)
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = _package(graph, importer), _package(graph, imported)
            if one != other:
                found[one].add(other)
    return found


def _package(graph: grimp.ImportGraph, module: str) -> str:
    parent = module.rpartition(".")[0]
    if not parent or graph.find_children(module):
        return module
    beside_packages = any(graph.find_children(child) for child in graph.find_children(parent))
    return module if beside_packages else parent


def _cycle(edges: Mapping[str, set[str]]) -> list[str] | None:
    """A cycle, if there is one."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def test_a_cycle_is_seen():
    """And gone without one of its imports."""
    assert _cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) is not None
    assert _cycle({"a": {"b"}, "b": set(), "c": {"a"}}) is None
