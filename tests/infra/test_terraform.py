"""The Terraform module by Terraform's own means: format, validity, its tests with a mocked provider."""

import ast
import re
import shutil

import boto3
import pytest

from tests.infra.conftest import REPO, TERRAFORM, Terraform

pytestmark = [pytest.mark.infra, pytest.mark.tools, pytest.mark.timeout(600)]


def test_the_files_are_formatted(terraform: Terraform) -> None:
    """``terraform fmt`` has nothing to change, tests included."""
    done = terraform.run("fmt", "-check", "-recursive", "-diff", str(TERRAFORM))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_module_is_valid(terraform: Terraform) -> None:
    """The provider's own schema accepts every argument."""
    assert "Success!" in terraform.must("validate", "-no-color")


def test_the_modules_own_tests_pass(terraform: Terraform) -> None:
    """Every run of every test file passes, and none is left out."""
    runs = sum(
        len(re.findall(r'^run "', path.read_text(), re.MULTILINE))
        for path in (TERRAFORM / "tests").glob("*.tftest.hcl")
    )
    assert f"Success! {runs} passed, 0 failed." in terraform.must("test", "-no-color")


def test_the_modules_tests_can_fail(terraform: Terraform) -> None:
    """Without the rule on open endpoints the tests of refusals fail."""
    broken = terraform.folder.parent / "broken"
    shutil.copytree(terraform.folder, broken, symlinks=True)
    variables = (broken / "variables.tf").read_text()
    assert ">= 20])" in variables
    (broken / "variables.tf").write_text(variables.replace(">= 20])", ">= 0])"))
    other = Terraform(program=terraform.program, folder=broken, env=terraform.env)
    done = other.run("test", "-no-color", "-filter=tests/refusals.tftest.hcl")
    assert done.returncode == 1
    assert 'run "an_api_open_to_everybody"... fail' in done.stdout


def test_the_cidrs_of_the_api_must_be_said(terraform: Terraform) -> None:
    """Who may reach the API has no default."""
    done = terraform.run("plan", "-no-color", "-input=false", env={"AWS_REGION": "eu-west-1"})
    assert done.returncode == 1
    assert 'The root module input variable "public_access_cidrs" is not set' in done.stderr


def called_by(file: str, service: str) -> set[str]:
    """The operations of a service that a file of ours names, as IAM actions."""
    operations = boto3.client(service, region_name="eu-west-1").meta.method_to_api_mapping
    tree = ast.parse((REPO / "analysis" / "source" / file).read_text())
    words = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {f"{service}:{operations[word]}" for word in words if word in operations}


def allowed_by(*names: str) -> set[str]:
    """The actions in these lists of identity.tf."""
    identity = (TERRAFORM / "identity.tf").read_text()
    found: set[str] = set()
    for name in names:
        block = re.search(rf"\b{name} += \[(.*?)\]", identity, re.DOTALL)
        assert block is not None, name
        found |= set(re.findall(r'"(\w+:\w+)"', block[1]))
    return found


def test_the_analysis_may_do_all_that_it_does() -> None:
    """Every X-Ray operation that our client calls is in the read policy."""
    called = called_by("xray/client.py", "xray")
    assert "xray:GetServiceGraph" in called
    assert called - allowed_by("xray_read_actions") == set()


def test_the_analysis_may_ask_for_spans_and_no_more() -> None:
    """The operations of CloudWatch Logs that our client calls, each one and no other."""
    assert called_by("spans/logs_insights.py", "logs") == allowed_by(
        "spans_read_actions", "spans_stop_actions"
    )
