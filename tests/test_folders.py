"""Each package maps its folder."""

import ast
import re
from pathlib import Path

import pytest

from tests.sources import REPO, ROOMS, files

PACKAGES = tuple(
    path.parent.relative_to(REPO) for room in ROOMS for path in files(room) if path.name == "__init__.py"
)


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_the_docstring_names_every_module_and_folder(package: Path):
    """Who opens a folder reads there what is in it, and which folders are below."""
    folder = REPO / package
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert modules - set(re.findall(r"``(\w+)(?:\.\w+)?``", said)) == set()
    assert folders - set(re.findall(r"``(\w+)/``", said)) == set()
