"""The GitHub workflows: they parse, call verbs that exist, pin what they use, and may do little."""

import re
from typing import Any

import pytest
import yaml

from tests.infra.rendered import MANIFESTS, REPO

Raw = dict[Any, Any]

pytestmark = pytest.mark.infra

FOLDER = REPO / ".github" / "workflows"
WORKFLOWS = tuple(sorted(path.name for path in FOLDER.iterdir()))
MAKEFILE = (REPO / "Makefile").read_text()
PINNED = re.compile(r"[\w.-]+/[\w./-]+@(v\d+(\.\d+){0,2}|[0-9a-f]{40})")


def workflow(name: str) -> Raw:
    """A workflow; PyYAML reads its key "on" as True, as YAML 1.1 wants it."""
    found: Raw = yaml.safe_load((FOLDER / name).read_text())
    return found


def jobs(name: str) -> dict[str, Raw]:
    found: dict[str, Raw] = workflow(name)["jobs"]
    return found


def steps(name: str) -> list[Raw]:
    return [step for job in jobs(name).values() for step in job["steps"]]


def made(name: str) -> list[str]:
    """The make verbs that a workflow calls, in order."""
    return [verb for step in steps(name) for verb in re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))]


def targets() -> set[str]:
    """What make can make."""
    rules = re.findall(r"^([a-z][a-z -]*):(?!=)", MAKEFILE, re.MULTILINE)
    return {name for rule in rules for name in rule.split()}


def test_there_are_two_workflows():
    """One for every change, one for the whole job on a cluster."""
    assert WORKFLOWS == ("ci.yml", "e2e-kind.yml")
    assert set(workflow("ci.yml")[True]) == {"push", "pull_request"}
    assert set(workflow("e2e-kind.yml")[True]) == {"workflow_dispatch", "schedule"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_verb_is_in_the_makefile(name: str):
    """What a workflow makes can be made."""
    assert made(name)
    assert set(made(name)) - targets() == set()


def test_the_verbs_of_each():
    """Lint, tests, infrastructure, faults; on kind the cluster first, then the job, its end in any case."""
    assert made("ci.yml") == ["lint", "test", "test-infra", "test-faults"]
    assert made("e2e-kind.yml") == ["kind", "baseline", "enable-tar", "report", "kind-down"]
    last = steps("e2e-kind.yml")[-1]
    assert (last["run"], last["if"]) == ("make kind-down", "always()")


def test_the_variables_are_the_makefiles():
    """What the environment sets is a variable that make takes from it, and says cluster, not lab."""
    (job,) = jobs("e2e-kind.yml").values()
    known = set(re.findall(r"^([A-Z]+) *\?=", MAKEFILE, re.MULTILINE))
    assert set(job["env"]) <= known
    assert job["env"]["PLATFORM"] == "cluster"


def test_kind_is_the_release_that_the_node_image_was_built_for():
    """The cluster's file names the release; the workflow installs it."""
    (wanted,) = re.findall(r"kind (\d+\.\d+)", (MANIFESTS / "kind" / "cluster.yaml").read_text())
    assert f"sigs.k8s.io/kind@v{wanted}.0\n" in (FOLDER / "e2e-kind.yml").read_text()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned(name: str):
    """By version or commit; runners by release."""
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    assert [one for one in used if not PINNED.fullmatch(one)] == []
    assert all("latest" not in job["runs-on"] for job in jobs(name).values())
    for wrong in ("actions/checkout", "actions/checkout@main", "actions/checkout@v4-beta"):
        assert not PINNED.fullmatch(wrong)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_they_may_only_read(name: str):
    """One permission, no secret, no kept token; nothing that a stranger writes gets into a shell."""
    assert workflow(name)["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in jobs(name).values())
    assert "secrets." not in (FOLDER / name).read_text()
    assert all("${{" not in step.get("run", "") for step in steps(name))
    checkouts = [step for step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(jobs(name))
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_they_end_and_do_not_pile_up(name: str):
    """Every job has a time limit, a newer run ends an older one, packages are cached by the lock."""
    assert workflow(name)["concurrency"]["cancel-in-progress"] is True
    assert all(job["timeout-minutes"] <= 60 for job in jobs(name).values())
    for step in steps(name):
        if step.get("uses", "").startswith("actions/setup-python@"):
            assert step["with"]["cache"] == "pip"
            lists = step["with"]["cache-dependency-path"].split()
            assert (
                lists == ["requirements.txt", "requirements-test.txt"][: 1 if name == "e2e-kind.yml" else 2]
            )
            assert all((REPO / one).is_file() for one in lists)
            assert step["with"]["python-version"] == "3.11"
