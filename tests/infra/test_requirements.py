"""The lists of pinned packages: complete, no longer than needed, and in agreement with pyproject.toml."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution, packages_distributions
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.infra.rendered import REPO

pytestmark = pytest.mark.infra

RUNTIME = "requirements.txt"
TESTS = "requirements-test.txt"
ROOMS = ("k8s", "loadtest", "analysis")
LINE = re.compile(
    r"[a-z0-9][a-z0-9-]*==[\w.+!]+( ; python_full_version (<|>=) '3\.\d+')? \\"
    r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
)


def project() -> dict[str, Any]:
    return tomllib.loads((REPO / "pyproject.toml").read_text())


def pins(file: str) -> dict[str, str]:
    """Version by name, as this Python would install them."""
    found = {}
    for line in (REPO / file).read_text().splitlines():
        name, _, rest = line.partition("==")
        version, _, marker = rest.rstrip("\\").partition(";")
        if rest and (not marker.strip() or Marker(marker).evaluate()):
            found[name] = version.strip()
    return found


def needed(wanted: Iterable[str]) -> set[str]:
    """These distributions and all that they need on this machine, from what is installed."""
    waiting = [Requirement(one) for one in wanted]
    found: dict[str, set[str]] = {}
    while waiting:
        one = waiting.pop()
        extras = found.setdefault(canonicalize_name(one.name), set())
        if extras and one.extras <= extras:
            continue
        extras |= one.extras | {""}
        for text in distribution(one.name).requires or ():
            needs = Requirement(text)
            if needs.marker is None or any(needs.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needs)
    return set(found)


def runtime() -> list[str]:
    return [*project()["project"]["dependencies"], *project()["dependency-groups"]["build"]]


@pytest.mark.parametrize("file", [RUNTIME, TESTS])
def test_a_list_is_names_versions_and_hashes(file: str):
    """No address of a registry, no option, no path: whatever pip is set up to use serves them."""
    lines = (REPO / file).read_text().splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert len(lines) > len(pins(file))


def test_the_runtime_list_is_what_the_verbs_need():
    """The dependencies, the build backend, what these need, and nothing else."""
    assert set(pins(RUNTIME)) == needed(runtime())


def test_the_other_list_is_what_only_the_tests_need():
    """What the tests and lint need besides; no name is in both."""
    assert set(pins(TESTS)) == needed(project()["dependency-groups"]["test"]) - needed(runtime())


def test_what_is_pinned_is_within_the_bounds():
    """Each dependency has a lower bound, so that nothing older than what was tested is taken."""
    pinned = pins(RUNTIME)
    for text in project()["project"]["dependencies"]:
        wanted = Requirement(text)
        assert pinned[canonicalize_name(wanted.name)] in wanted.specifier, text
        assert [one.version for one in wanted.specifier if one.operator == ">="], text


def foreign_modules() -> set[str]:
    """Top names of what the rooms import from outside the standard library; ``google.rpc`` has two."""
    found = set()
    for path in (path for room in ROOMS for path in (REPO / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    tops = {".".join(name.split(".")[: 2 if name.startswith("google.") else 1]) for name in found}
    return {top for top in tops if top.split(".")[0] not in {*sys.stdlib_module_names, *ROOMS}}


def test_whatever_is_imported_is_a_dependency():
    """Not what another package happens to bring."""
    named = {canonicalize_name(Requirement(text).name) for text in project()["project"]["dependencies"]}
    known = packages_distributions() | {
        "google.protobuf": ["protobuf"],
        "google.rpc": ["googleapis-common-protos"],
    }
    missing = {
        module: known.get(module)
        for module in foreign_modules()
        if not named & {canonicalize_name(name) for name in known.get(module, ())}
    }
    assert missing == {}
