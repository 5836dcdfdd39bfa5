"""``samezone cluster create`` and ``destroy``: what they run, in which order, and when they refuse."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.infra.conftest import REPO
from tests.infra.standins import NAME, OUTPUTS, PLAN, Standins, items, named, path_with, view

pytestmark = pytest.mark.infra

CREATE = ("create", "--cidr", "203.0.113.7/32")
LEAVES = (
    f"/aws/eks/{NAME}/cluster",
    "X-Ray traces",
    "groups and sampling rules",
    "Transaction Search",
    "ECR",
    "EBS volumes",
    "load balancer",
    f"kubectl config delete-context {NAME}",
    "terraform's state",
)


@pytest.fixture
def there(tmp_path: Path) -> Standins:
    """A machine with all three programs, and a cluster that works."""
    standins = Standins(folder=tmp_path, kubectl=path_with("kubectl"))
    standins.install("terraform", "kubectl", "aws")
    standins.usual()
    return standins


def test_create_plans_asks_applies_and_writes_the_context(there: Standins):
    """In this order; afterwards it says where the state is and what to do next."""
    code, said = there.run(*CREATE)

    assert code == 0, said
    assert there.verbs() == [
        "terraform init",
        "terraform plan",
        "terraform show",
        "terraform apply",
        "terraform output",
        "aws eks update-kubeconfig",
    ]
    assert there.calls()[-1][1] == OUTPUTS["kubeconfig_command"].split()[1:]
    assert f"make deploy CONTEXT={NAME}" in said.splitlines()[-1]
    assert str(there.cluster / "terraform.tfstate") in said


def test_create_hands_terraform_what_was_asked(there: Standins):
    """Name, region, ranges, nodes and the user's own variables, of which copies are kept for destroy."""
    (there.folder / "mine.tfvars").write_text("single_nat_gateway = true\n")
    code, said = there.run(
        *CREATE,
        *("--cidr", "198.51.100.0/24", "--region", "us-east-1", "--nodes", "3"),
        *("--var-file", str(there.folder / "mine.tfvars")),
    )

    assert code == 0, said
    assert json.loads((there.cluster / "settings.tfvars.json").read_text()) == {
        "cluster_name": NAME,
        "region": "us-east-1",
        "public_access_cidrs": ["203.0.113.7/32", "198.51.100.0/24"],
        "node_defaults": {"size": 3},
    }
    assert (there.cluster / "given.tfvars").read_text() == "single_nat_gateway = true\n"
    plan = next(arguments for name, arguments, _ in there.calls() if "plan" in arguments)
    files = [one.partition("=")[2] for one in plan if one.startswith("-var-file=")]
    assert [Path(one).name for one in files] == ["next-given.tfvars", "next-settings.tfvars.json"]


def test_create_shows_account_nodes_and_cost_before_it_asks(there: Standins):
    """What a yes means stands above the question; nodes of two types are $1.71 of it."""
    there.answer = None
    code, said = there.run(*CREATE)

    assert code == 2
    assert "AWS account 111122223333" in said
    assert "open to 203.0.113.7/32" in said
    assert "3 x m6i.2xlarge" in said
    assert "together $1.89 an hour" in said
    assert "give --yes" in said.splitlines()[-1]


@pytest.mark.parametrize("answer", ["no\n", "\n", None])
def test_create_without_a_yes_changes_nothing(there: Standins, answer: str | None):
    """Nothing is applied, and the settings in force stay those of the last yes."""
    there.made()
    before = (there.cluster / "settings.tfvars.json").read_text()
    there.answer = answer
    code, _ = there.run(*CREATE, "--region", "eu-central-1", "--nodes", "9")

    assert code == 2
    assert there.verbs()[-1] == "terraform show"
    assert (there.cluster / "settings.tfvars.json").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say who may reach"),
        (("--cidr", "0.0.0.0/0"), "wider than /20"),
        (("--cidr", "10.0.0.1/24"), "host bits set"),
        (("--cidr", "none", "--cidr", "203.0.113.7/32"), "contradict"),
        ((*CREATE[1:], "--name", "../x"), "lower-case letter"),
        ((*CREATE[1:], "--var-file", "/nowhere/x.tfvars"), "No such file"),
    ],
)
def test_create_refuses_bad_arguments_before_anything_runs(
    there: Standins, arguments: tuple[str, ...], message: str
):
    """Exit code 2, one line, no program called."""
    code, said = there.run("create", *arguments)

    assert (code, there.calls()) == (2, [])
    assert message in said
    assert len(said.splitlines()) == 1


def test_a_private_api_is_asked_for_by_none(there: Standins):
    """``--cidr none`` opens the endpoint to nobody."""
    code, _ = there.run("create", "--cidr", "none", "--yes")

    assert code == 0
    assert json.loads((there.cluster / "settings.tfvars.json").read_text())["public_access_cidrs"] == []


def test_a_cluster_is_not_moved_to_another_region(there: Standins):
    """Terraform would lose sight of the one that exists."""
    there.made()
    code, said = there.run(*CREATE, "--region", "us-east-1")

    assert (code, there.calls()) == (2, [])
    assert "is in eu-central-1" in said


def test_a_plan_without_changes_asks_nobody(there: Standins):
    """The context is written again all the same."""
    there.say("terraform", "show -json", json.dumps(PLAN | {"resource_changes": []}))
    there.answer = None
    code, said = there.run(*CREATE)

    assert code == 0, said
    assert there.verbs()[-2:] == ["terraform output", "aws eks update-kubeconfig"]


def test_without_the_aws_command_the_exact_command_is_printed(there: Standins):
    """The cluster is made; the next command is not promised to work."""
    (there.folder / "bin" / "aws").unlink()
    code, said = there.run(*CREATE)

    assert code == 0
    assert OUTPUTS["kubeconfig_command"] in said
    assert "next:" not in said


def test_a_failing_aws_command_ends_with_5(there: Standins):
    """With its last line, and what to run."""
    there.say("aws", "", err="usage\nNo cluster found\n", code=254)
    code, said = there.run(*CREATE)

    assert code == 5
    assert f"No cluster found; run: {OUTPUTS['kubeconfig_command']}" in said


@pytest.mark.parametrize("failing", ["init", "plan", "apply"])
def test_a_failing_terraform_ends_with_5_its_error_and_its_log(there: Standins, failing: str):
    """One line: the last error and where the rest is."""
    diagnostic = {"severity": "error", "summary": "creating EKS Cluster", "detail": "limit exceeded"}
    line = json.dumps({"type": "diagnostic", "@message": "x", "diagnostic": diagnostic})
    there.say("terraform", f" {failing} ", f"{line}\n", code=1)
    code, said = there.run(*CREATE)

    log = there.cluster / f"{failing}.log"
    assert code == 5
    assert (
        f"terraform {failing}: creating EKS Cluster: limit exceeded (full log: {log})"
        in said.splitlines()[-1]
    )
    assert log.read_text() == f"{line}\n"


@pytest.mark.parametrize("verb", [CREATE, ("deploy",), ("destroy",)], ids=lambda verb: verb[0])
def test_without_terraform_nothing_starts(there: Standins, verb: tuple[str, ...]):
    """Exit code 2 and where to get it."""
    there.made()
    (there.folder / "bin" / "terraform").unlink()
    code, said = there.run(*verb)

    assert code == 2
    assert "terraform is not on PATH; install Terraform 1.9" in said.splitlines()[-1]


def test_destroy_removes_the_manifests_objects_then_the_cluster(there: Standins):
    """It plans, looks, asks, and has the collectors deleted while their operator lives."""
    there.made()
    code, said = there.run("destroy")

    assert code == 0, said
    assert there.verbs() == [
        "terraform init",
        "terraform plan (destroy)",
        "terraform show",
        "terraform output",
        "kubectl config current-context",
        "kubectl config view",
        "kubectl version",
        "kubectl get services",
        "kubectl get ingresses",
        "kubectl get pvc",
        "kubectl get crd",
        "kubectl delete opentelemetrycollectors.opentelemetry.io",
        "kubectl delete namespaces,clusterroles,clusterrolebindings",
        "terraform apply",
    ]
    deletions = [arguments for _, arguments, _ in there.calls() if "delete" in arguments]
    assert all("app.kubernetes.io/part-of=samezone" in arguments for arguments in deletions)
    assert all(arguments[:2] == ["--context", NAME] for arguments in deletions)


def decline(there: Standins) -> None:
    there.answer = "n\n"


def never_made(there: Standins) -> None:
    (there.cluster / "terraform.tfstate").unlink()


def other_current_context(there: Standins) -> None:
    there.say("kubectl", "config current-context", "production\n")


@pytest.mark.parametrize("spoil", [decline, never_made, other_current_context])
def test_destroy_says_what_it_leaves_even_when_it_is_refused(
    there: Standins, spoil: Callable[[Standins], None]
):
    """The whole list, exit code 2, and nothing was removed."""
    there.made()
    spoil(there)
    code, said = there.run("destroy", "--context", NAME)

    assert code == 2
    assert [one for one in LEAVES if one not in said] == []
    assert [one for one in there.verbs() if "delete" in one or "apply" in one] == []


def test_destroy_lists_what_others_made_in_the_cluster(there: Standins):
    """Load balancers and disks stand above the question."""
    there.made()
    balancer = named("web", "shop") | {"spec": {"type": "LoadBalancer"}}
    there.say("kubectl", "get services", items(balancer, named("db", "shop")))
    there.say("kubectl", "get pvc", items(named("data", "shop")))
    there.answer = "n\n"
    _, said = there.run("destroy")

    assert "Service shop/web (load balancer) is somebody's" in said
    assert "PersistentVolumeClaim shop/data (disk) is somebody's" in said
    assert "shop/db" not in said


def unanswering(there: Standins) -> None:
    there.say("kubectl", "version", err="connection refused\n", code=1)


def another_server(there: Standins) -> None:
    there.say("kubectl", "config view", view("https://production.example"))


def without_kubectl(there: Standins) -> None:
    (there.folder / "bin" / "kubectl").unlink()


@pytest.mark.parametrize("spoil", [unanswering, another_server, without_kubectl])
def test_half_a_cluster_can_be_destroyed(there: Standins, spoil: Callable[[Standins], None]):
    """Where kubectl cannot reach this very cluster it deletes nothing, warns, and terraform goes on."""
    there.made()
    spoil(there)
    code, said = there.run("destroy")

    assert code == 0, said
    assert "warning: " in said
    assert there.verbs()[-1] == "terraform apply"
    assert [one for one in there.verbs() if "delete" in one] == []


INTERRUPTED = """#!{python}
import pathlib, signal, sys, time
here, times = pathlib.Path(__file__).parent, []
def stop(*_):
    times.append(1)
    (here / "interrupts").write_text(str(len(times)))
signal.signal(signal.SIGINT, stop)
if "apply" in sys.argv:
    (here / "applying").touch()
    while not (here / "go").exists():
        time.sleep(0.02)
    (here / "finished").touch()
    sys.exit(1)
if "show" in sys.argv:
    print((here / "plan").read_text())
"""


def appears(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


def until(lines: Iterable[str], words: str) -> None:
    assert any(words in line for line in lines), words


@pytest.fixture
def applying(tmp_path: Path):
    """``samezone cluster create``, in a process group of its own, while terraform applies."""
    there = Standins(folder=tmp_path, kubectl="kubectl")
    there.install("kubectl")
    program = tmp_path / "bin" / "terraform"
    program.write_text(INTERRUPTED.format(python=sys.executable))
    program.chmod(0o755)
    (tmp_path / "bin" / "plan").write_text(json.dumps(PLAN))
    samezone = Path(sys.executable).parent / "samezone"
    process = subprocess.Popen(
        [samezone, "cluster", *CREATE, "--yes"],
        env=there.environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        appears(tmp_path / "bin" / "applying")
        yield process, tmp_path / "bin"
    finally:
        (tmp_path / "bin" / "go").touch()
        process.kill()
        process.wait()


def test_ctrl_c_reaches_terraform_once_and_it_ends_by_itself(applying: tuple[subprocess.Popen[str], Path]):
    """Two Ctrl-C in a terminal are one to terraform, which a second would make forget its state."""
    process, folder = applying
    assert process.stderr is not None
    os.killpg(process.pid, signal.SIGINT)
    appears(folder / "interrupts")
    os.killpg(process.pid, signal.SIGINT)
    until(process.stderr, "already stopping")
    assert process.poll() is None
    (folder / "go").touch()
    rest = process.stderr.read()
    process.wait()

    assert process.returncode == 130
    assert (folder / "interrupts").read_text() == "1"
    assert (folder / "finished").exists()
    assert "interrupted; terraform ended by itself" in rest
    assert "make destroy" in rest


def test_terraform_goes_on_when_samezone_is_killed(applying: tuple[subprocess.Popen[str], Path]):
    """It writes into its log, not into a pipe that breaks."""
    process, folder = applying
    process.kill()
    process.wait()
    (folder / "go").touch()

    appears(folder / "finished")


def test_the_make_verbs_are_one_line_each():
    """Their variables become options."""
    variables = ("CIDR=192.0.2.1/32 192.0.2.2/32", f"CONTEXT={NAME}", "OVERLAY=skewed", "CLUSTER=x", "YES=1")
    done = subprocess.run(
        ["make", "-n", "cluster", "deploy", "destroy", *variables, "EKS=--nodes 3"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [" ".join(line.split()) for line in done.stdout.splitlines() if "samezone cluster" in line]

    assert lines == [
        ".venv/bin/samezone cluster create --name x --cidr 192.0.2.1/32 --cidr 192.0.2.2/32 --yes --nodes 3",
        f".venv/bin/samezone cluster deploy --name x --context {NAME} --yes --overlay skewed",
        f".venv/bin/samezone cluster destroy --name x --context {NAME} --yes",
    ]
