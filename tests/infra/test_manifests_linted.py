"""Checkov's opinion of the rendered manifests, the stand-in's Dockerfile and the workflows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infra.conftest import Tools
from tests.infra.rendered import MANIFESTS, REPO, TARGETS, render

pytestmark = [pytest.mark.infra, pytest.mark.tools, pytest.mark.timeout(900)]

CHECKOV = "checkov==3.3.30"
CONFIG = MANIFESTS / ".checkov.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is deployed and what builds it, beside each other."""
    found = tmp_path_factory.mktemp("linted")
    for target in TARGETS:
        (found / f"{Path(target).name}.yaml").write_text(render(target))
    shutil.copy(MANIFESTS / "standin" / "Dockerfile", found)
    shutil.copytree(REPO / ".github" / "workflows", found / ".github" / "workflows")
    return found


def checkov(tools: Tools, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(tools.venv(CHECKOV) / "checkov"), "--directory", str(folder), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_what_is_skipped_with_a_reason_is_found(tools: Tools, folder: Path) -> None:
    """Checkov passes with our list; without it finds each entry of it, and each has a comment above."""
    with_list = checkov(tools, folder, "--config-file", str(CONFIG))
    assert with_list.returncode == 0, with_list.stdout
    config = yaml.safe_load(CONFIG.read_text())
    frameworks = [word for one in config["framework"] for word in ("--framework", one)]
    without = checkov(tools, folder, *frameworks, "--skip-download", "--output", "json")
    results = json.loads(without.stdout)
    assert {one["check_type"] for one in results} == set(config["framework"])
    assert all(one["summary"]["passed"] > 20 for one in results)
    found = {check["check_id"] for one in results for check in one["results"]["failed_checks"]}
    assert found == set(config["skip-check"])
    text = CONFIG.read_text()
    assert all(re.search(rf"^  # \S.+\n  - {skip}$", text, re.MULTILINE) for skip in found)


def test_the_linter_can_find_something(tools: Tools, tmp_path: Path) -> None:
    """A privileged container is found in spite of the list."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", "namespace": "x"},
        "spec": {"containers": [{"name": "x", "image": "x:1", "securityContext": {"privileged": True}}]},
    }
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod))
    done = checkov(tools, tmp_path, "--config-file", str(CONFIG))
    assert done.returncode == 1
    assert "CKV_K8S_16" in done.stdout
