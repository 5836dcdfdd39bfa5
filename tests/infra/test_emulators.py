"""``samezone cluster create`` and ``destroy`` for real, against emulators of AWS; the linter's opinion.

They enforce no IAM and start no machine: what is proven is that every resource can be made, in the right
order, and taken away again.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.eks.programs import Programs
from k8s.eks.terraform import Folder, Terraform
from tests.infra.conftest import CHECKOV, REPO, TERRAFORM, Tools, run_checkov
from tests.infra.conftest import Terraform as TerraformInFolder

pytestmark = [pytest.mark.infra, pytest.mark.tools, pytest.mark.timeout(900)]

MINISTACK = "ministack==1.5.33"
MOTO = "moto[iam]==5.2.5"
MANIFESTS = REPO / "k8s" / "manifests"
BIN = Path(sys.executable).parent
STARTS_WITHIN_S = 60.0

Raw = dict[str, Any]

VARIABLES = """
nodes_by_zone          = { "eu-west-1a" = { size = 3 } }
admin_principal_arns   = ["arn:aws:iam::000000000000:role/platform"]
harness_principal_arns = ["arn:aws:iam::000000000000:role/tester"]
addon_versions         = { adot = "v0.151.0-eksbuild.2" }
"""

# What ministack forgets. With anything else in the second plan, our own module would not stand still.
NODE_GROUP = frozenset({"launch_template", "update_config"})
KNOWN_DRIFT = {
    "aws_eks_cluster.this": frozenset({"upgrade_policy"}),
    'aws_eks_node_group.zone["eu-west-1a"]': NODE_GROUP,
    'aws_eks_node_group.zone["eu-west-1b"]': NODE_GROUP,
    'aws_eks_node_group.zone["eu-west-1c"]': NODE_GROUP,
    "aws_flow_log.this": frozenset(
        {"iam_role_arn", "log_format", "max_aggregation_interval", "tags", "tags_all"}
    ),
}

# Run in moto's own venv: policy names on the command line; prints the documents of those that AWS has.
ASK_MOTO = """
import json, sys
import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

with mock_aws():
    iam, found = boto3.client("iam"), {}
    for arn in sys.argv[1:]:
        try:
            policy = iam.get_policy(PolicyArn=arn)["Policy"]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchEntity", error
            continue
        version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        found[arn] = version["PolicyVersion"]["Document"]
    print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What ``samezone cluster create`` and ``destroy`` did."""

    created: subprocess.CompletedProcess[str]
    log: tuple[Raw, ...]
    """Terraform's events of the apply, in their order."""
    outputs: Raw
    second_plan: Raw
    clusters: Raw
    """What AWS's list of clusters held in between."""
    kubeconfig: Raw
    destroyed: subprocess.CompletedProcess[str]
    destroy_log: tuple[Raw, ...]
    clusters_after: Raw
    state_after: Raw

    @property
    def made(self) -> tuple[str, ...]:
        """Addresses of the resources that were made."""
        done = (line["hook"]["resource"]["addr"] for line in self.log if line["type"] == "apply_complete")
        return tuple(address for address in done if not address.startswith("data."))

    def at(self, event: str, address: str) -> int:
        """Position in the log of an event (``apply_start``, ``apply_complete``) of a resource."""
        (position,) = (
            number
            for number, line in enumerate(self.log)
            if line["type"] == event and line["hook"]["resource"]["addr"] == address
        )
        return position


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def ministack(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an emulator on a free port of 127.0.0.1, without containers."""
    program = tools.venv(MINISTACK) / "ministack"
    home, port = tmp_path_factory.mktemp("ministack"), free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": "eu-west-1",
        "DOCKER_HOST": "unix:///nonexistent.sock",
        "HOME": str(home),
    }
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [str(program)], cwd=home, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        await_health(f"http://127.0.0.1:{port}/_ministack/health", process, home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"the emulator did not come up:\n{log.read_text()[-2000:]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at a command line whose AWS is the emulator."""

    folder: Path
    env: dict[str, str]

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A program of our venv; nobody is there to answer."""
        return subprocess.run(
            [BIN / name, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def clusters(self) -> Raw:
        """What AWS says."""
        return dict(json.loads(self.run("aws", "eks", "list-clusters", "--output", "json").stdout))


@pytest.fixture(scope="module")
def applied(
    terraform: TerraformInFolder, ministack: str, tmp_path_factory: pytest.TempPathFactory
) -> Applied:
    """Create, plan again, destroy: one apply for all the tests here."""
    home = tmp_path_factory.mktemp("home")
    env = dict(terraform.env) | {
        "AWS_ENDPOINT_URL": ministack,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAMEZONE_HOME": str(home),
        "KUBECONFIG": str(home / "kubeconfig"),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "TF_CLI_ARGS_apply": "-parallelism=30",
    }
    person = Person(folder=home, env=env)
    (home / "more.tfvars").write_text(VARIABLES)
    create = ("cluster", "create", "--cidr", "203.0.113.7/32", "--var-file", "more.tfvars", "--yes")
    created = person.run("samezone", *create)
    assert created.returncode == 0, created.stderr
    folder = Folder(path=home / "clusters" / "tar-demo-cluster")
    log = events(folder)
    second_plan = Terraform(Programs(env), folder, print).plan(folder.settings, folder.given())
    clusters = person.clusters()
    destroyed = person.run("samezone", "cluster", "destroy", "--yes")
    return Applied(
        created=created,
        log=log,
        outputs={name: one["value"] for name, one in second_plan["planned_values"]["outputs"].items()},
        second_plan=second_plan,
        clusters=clusters,
        kubeconfig=yaml.safe_load((home / "kubeconfig").read_text()),
        destroyed=destroyed,
        destroy_log=events(folder),
        clusters_after=person.clusters(),
        state_after=json.loads(folder.state.read_text()),
    )


def events(folder: Folder) -> tuple[Raw, ...]:
    """What Terraform said in its last apply; a line that is no event warns of its command-line settings."""
    lines = folder.log("apply").read_text().splitlines()
    return tuple(json.loads(line) for line in lines if line.startswith("{"))


def drift(plan: Raw) -> dict[str, frozenset[str]]:
    """By resource, the attributes that a plan wants to change; known later, or empty both times, is none."""
    changed = {}
    for resource in plan["resource_changes"]:
        change = resource["change"]
        if change["actions"] in (["no-op"], ["read"]):
            continue
        before, after = change["before"] or {}, change["after"] or {}
        changed[resource["address"]] = frozenset(
            name
            for name in {*before, *after}
            if change["after_unknown"].get(name) is not True
            and (before.get(name) or after.get(name))
            and before.get(name) != after.get(name)
        )
    return changed


def test_every_resource_of_the_module_is_made(applied: Applied) -> None:
    """An apply makes each resource that the files declare, and says how many."""
    declared = {
        f"{kind}.{name}"
        for path in TERRAFORM.glob("*.tf")
        for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', path.read_text(), re.MULTILINE)
    }
    summary = [line["changes"] for line in applied.log if line["type"] == "change_summary"][-1]
    assert declared == {address.split("[")[0] for address in applied.made}
    assert len(applied.made) == summary["add"]


def test_addons_come_in_the_right_order(applied: Applied) -> None:
    """What makes nodes ready, nodes, coredns, cert-manager, adot: each waits for the one before."""
    nodes = [f'aws_eks_node_group.zone["eu-west-1{letter}"]' for letter in "abc"]
    first = [
        f'aws_eks_addon.before_nodes["{name}"]'
        for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
    ]
    steps = [
        first,
        nodes,
        ["aws_eks_addon.coredns"],
        ["aws_eks_addon.cert_manager"],
        ["aws_eks_addon.adot"],
    ]
    for earlier, later in pairwise(steps):
        done = max(applied.at("apply_complete", address) for address in earlier)
        assert done < min(applied.at("apply_start", address) for address in later), later


def test_a_second_plan_wants_only_what_the_emulator_forgot(applied: Applied) -> None:
    """The drift after an apply is exactly the emulator's own."""
    assert drift(applied.second_plan) == KNOWN_DRIFT


def test_create_shows_the_price_of_what_it_makes_and_writes_the_context(applied: Applied) -> None:
    """Seven nodes, as the variables ask; AWS has the cluster, and kubectl's current context is it."""
    assert re.search(r"7 x m6i\.xlarge +\$1\.498", applied.created.stderr)
    assert "AWS account 000000000000" in applied.created.stderr
    assert applied.clusters == {"clusters": ["tar-demo-cluster"]}
    assert applied.kubeconfig["current-context"] == "tar-demo-cluster"
    assert applied.kubeconfig["clusters"][0]["cluster"]["server"] == applied.outputs["cluster_endpoint"]


def test_everything_can_be_taken_away_again(applied: Applied) -> None:
    """A destroy removes as many resources as were made; AWS and the state know none any more."""
    assert applied.destroyed.returncode == 0, applied.destroyed.stderr
    summary = [line["changes"] for line in applied.destroy_log if line["type"] == "change_summary"][-1]
    assert summary["remove"] == len(applied.made)
    assert applied.clusters_after == {"clusters": []}
    assert applied.state_after["resources"] == []


def test_the_outputs_fit_the_manifests(applied: Applied) -> None:
    """The bound service account is the collector's, and place_env fills every key of place.env."""
    folder = MANIFESTS / "base" / "collector"
    namespace = yaml.safe_load((folder / "kustomization.yaml").read_text())["namespace"]
    account = yaml.safe_load((folder / "collector.yaml").read_text())["spec"]["serviceAccount"]
    wanted = re.findall(r"^([a-z0-9-]+)=", (MANIFESTS / "place" / "place.env").read_text(), re.MULTILINE)
    assert applied.outputs["collector_service_account"] == f"{namespace}/{account}"
    assert [line.split("=")[0] for line in applied.outputs["place_env"].splitlines()] == wanted


def test_the_managed_policies_exist(applied: Applied, tools: Tools) -> None:
    """AWS has every managed policy we attach; the collector has the X-Ray daemon's rights, no more."""
    resources = applied.second_plan["planned_values"]["root_module"]["resources"]
    attached = {
        one["values"]["policy_arn"] for one in resources if one["type"] == "aws_iam_role_policy_attachment"
    }
    (written,) = (
        one["values"]["policy"] for one in resources if one["address"] == "aws_iam_role_policy.collector"
    )
    daemon, invented = (
        f"arn:aws:iam::aws:policy/{name}" for name in ("AWSXRayDaemonWriteAccess", "Invented")
    )
    done = subprocess.run(
        [str(tools.venv(MOTO) / "python"), "-c", ASK_MOTO, daemon, invented, *sorted(attached)],
        env={"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    known = json.loads(done.stdout)
    assert set(known) == attached | {daemon}
    (ours,), (theirs,) = json.loads(written)["Statement"], known[daemon]["Statement"]
    assert set(ours["Action"]) == set(theirs["Action"])


def test_the_linter_finds_only_what_is_skipped_with_a_reason(tools: Tools, tmp_path: Path) -> None:
    """Checkov passes with our skip list, finds each entry without it, and each has a comment above."""
    program, config = tools.venv(CHECKOV) / "checkov", TERRAFORM / ".checkov.yaml"
    # Checkov takes a .checkov.yaml that lies in the folder by itself: without it means elsewhere.
    for path in TERRAFORM.glob("*.tf"):
        (tmp_path / path.name).write_text(path.read_text())
    with_list = run_checkov(program, TERRAFORM, "--config-file", str(config))
    without = run_checkov(
        program, tmp_path, "--framework", "terraform", "--skip-download", "--output", "json"
    )
    found = {check["check_id"] for check in json.loads(without.stdout)["results"]["failed_checks"]}
    assert with_list.returncode == 0, with_list.stdout
    assert found == set(yaml.safe_load(config.read_text())["skip-check"])
    text = config.read_text()
    assert all(re.search(rf"^  # .+\n  - {skip}$", text, re.MULTILINE) for skip in found)
