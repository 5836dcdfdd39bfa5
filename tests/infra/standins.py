"""Stand-ins for terraform, kubectl and aws: they write down what they are asked, and answer from a table."""

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.cli import main
from k8s.console import Io

Raw = dict[str, Any]

NAME = "tar-demo-cluster"
SERVER = "https://ABCD.gr7.eu-west-1.eks.amazonaws.com"

SCRIPT = r"""#!{python} -SE
import json, os, pathlib, re, sys
here, name, args = pathlib.Path(__file__).parent, pathlib.Path(__file__).name, sys.argv[1:]
said = sys.stdin.read()
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([name, args, said]) + "\n")
line = " ".join(args)
for one in json.loads((here / "answers").read_text()):
    spent = here / ("spent-%d" % one["number"])
    if one["program"] == name and re.search(one["pattern"], line) and not (one["once"] and spent.exists()):
        spent.touch()
        sys.stdout.write(one["out"])
        sys.stderr.write(one["err"])
        break
else:
    one = {{"code": 0}}
if name == "terraform" and " apply " in line and one["code"] == 0:
    state = [arg.partition("=")[2] for arg in args if arg.startswith("-state=")][0]
    pathlib.Path(state).write_text(json.dumps({{"resources": [{{"type": "aws_vpc"}}]}}))
if name == "kubectl" and args[0] == "kustomize":
    os.execv({kubectl!r}, [{kubectl!r}, *args])
sys.exit(one["code"])
"""


def _resource(kind: str, **values: Any) -> Raw:
    return {"type": kind, "address": f"{kind}.x", "values": values}


def _group(zone: str, size: int, instance_type: str) -> Raw:
    return _resource(
        "aws_eks_node_group",
        node_group_name=f"zone-{zone}",
        scaling_config=[{"desired_size": size}],
        instance_types=[instance_type],
    )


PLAN: Raw = {
    "variables": {"region": {"value": "eu-west-1"}},
    "prior_state": {
        "values": {
            "root_module": {
                "resources": [
                    {
                        "address": "data.aws_caller_identity.current",
                        "values": {"account_id": "111122223333"},
                    }
                ]
            }
        }
    },
    "planned_values": {
        "outputs": {"zones": {"value": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]}},
        "root_module": {
            "resources": [
                _resource(
                    "aws_eks_cluster",
                    name=NAME,
                    version="1.35",
                    vpc_config=[{"endpoint_public_access": True, "public_access_cidrs": ["203.0.113.7/32"]}],
                ),
                _resource("aws_launch_template", block_device_mappings=[{"ebs": [{"volume_size": 40}]}]),
                _group("eu-west-1a", 3, "m6i.2xlarge"),
                _group("eu-west-1b", 2, "m6i.xlarge"),
                _group("eu-west-1c", 0, "m6i.xlarge"),
                _resource("aws_nat_gateway"),
                _resource("aws_eip"),
                _resource("aws_kms_key"),
            ]
        },
    },
    "resource_changes": [{"address": "aws_vpc.this", "mode": "managed", "change": {"actions": ["create"]}}],
}

OUTPUTS: Raw = {
    "cluster_name": NAME,
    "region": "eu-central-1",
    "cluster_endpoint": SERVER,
    "kubeconfig_command": f"aws eks update-kubeconfig --region eu-central-1 --name {NAME} --alias {NAME}",
    "place_env": "\n".join(
        [
            "region=eu-central-1",
            f"cluster={NAME}",
            *(f"zone-{n}=eu-central-1{at}" for n, at in enumerate("abc", 1)),
        ]
    ),
}


def view(server: str = SERVER, credentials: str = "aws") -> str:
    """What ``kubectl config view --minify -o json`` says."""
    user = {"user": {"exec": {"command": credentials}}}
    return json.dumps({"clusters": [{"cluster": {"server": server}}], "users": [user]})


def items(*objects: Raw) -> str:
    """A list as kubectl prints it."""
    return json.dumps({"items": objects})


def named(name: str, namespace: str | None = None, **more: Any) -> Raw:
    """An object with hardly more than a name."""
    return {"metadata": {"name": name} | ({"namespace": namespace} if namespace else {}) | more, "spec": {}}


@dataclass(slots=True)
class Standins:
    """A folder of stand-ins, alone on PATH, and a person who uses samezone there."""

    folder: Path
    kubectl: str
    answers: list[Raw] = field(default_factory=list)
    answer: str | None = "yes\n"
    waits: list[float] = field(default_factory=list)

    @property
    def cluster(self) -> Path:
        """The cluster's folder."""
        return self.folder / "home" / "clusters" / NAME

    def install(self, *names: str) -> None:
        """Put stand-ins of these programs on PATH."""
        (self.folder / "bin").mkdir(exist_ok=True)
        for name in names:
            path = self.folder / "bin" / name
            path.write_text(SCRIPT.format(python=sys.executable, kubectl=self.kubectl))
            path.chmod(0o755)
        self._write()

    def say(
        self, program: str, pattern: str, out: str = "", *, err: str = "", code: int = 0, once: bool = False
    ) -> None:
        """From now on *program* answers so to arguments that match; the newest answer comes first."""
        one = {"program": program, "pattern": pattern, "out": out, "err": err, "code": code, "once": once}
        self.answers.insert(0, one | {"number": len(self.answers)})
        self._write()

    def usual(self) -> None:
        """A cluster that works: plan, outputs, current context, an API server with nothing in it."""
        self.say("terraform", "show -json", json.dumps(PLAN))
        outputs = {name: {"value": value} for name, value in OUTPUTS.items()}
        self.say("terraform", "output -json", json.dumps(outputs))
        self.say("kubectl", "config current-context", f"{NAME}\n")
        self.say("kubectl", "config view", view())
        self.say("kubectl", " get .* -o json", items())

    def made(self) -> None:
        """The files of a cluster that was made before."""
        self.cluster.mkdir(parents=True)
        (self.cluster / "terraform.tfstate").write_text('{"resources": [{"type": "aws_vpc"}]}')
        settings = {"cluster_name": NAME, "region": "eu-central-1", "public_access_cidrs": []}
        (self.cluster / "settings.tfvars.json").write_text(json.dumps(settings))

    def environment(self) -> dict[str, str]:
        """Nothing of ours but the stand-ins and the home."""
        return {
            "PATH": str(self.folder / "bin"),
            "SAMEZONE_HOME": str(self.folder / "home"),
            "HOME": "/nowhere",
        }

    def run(self, *argv: str) -> tuple[int, str]:
        """``samezone cluster ...``: exit code and what was said."""
        out = io.StringIO()
        code = main(
            ["cluster", *argv],
            Io(
                out=out,
                err=out,
                environment=self.environment(),
                folder=self.folder,
                clock=lambda: 1_795_400_000.0 + sum(self.waits),
                monotonic=lambda: sum(self.waits),
                sleep=self.waits.append,
                answer=lambda _question: self.answer,
            ),
        )
        return code, out.getvalue()

    def calls(self) -> list[tuple[str, list[str], str]]:
        """What was asked so far: program, arguments, standard input."""
        path = self.folder / "bin" / "calls"
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def verbs(self) -> list[str]:
        """The calls in short: program and what it was to do."""
        return [f"{name} {_verb(name, arguments)}" for name, arguments, _ in self.calls()]

    def stdin_of(self, chosen: Callable[[list[str]], bool]) -> Raw:
        """What the one call with such arguments was given."""
        (found,) = (stdin for _, arguments, stdin in self.calls() if chosen(arguments))
        return dict(json.loads(found))

    def _write(self) -> None:
        (self.folder / "bin").mkdir(exist_ok=True)
        (self.folder / "bin" / "answers").write_text(json.dumps(self.answers))


def _verb(name: str, arguments: list[str]) -> str:
    words = [one for one in arguments if not one.startswith("-")]
    if name == "kubectl" and arguments[0] == "--context":
        words = words[1:]
    dry = " (dry run)" if "--dry-run=server" in arguments else ""
    destroy = " (destroy)" if "-destroy" in arguments else ""
    return (
        " ".join(words[: 2 if words[0] in ("config", "get", "delete", "eks", "rollout") else 1])
        + dry
        + destroy
    )


def path_with(name: str) -> str:
    """Where the real program is: ours, or the machine's."""
    folders = [str(Path(sys.executable).parent), *os.environ.get("PATH", "").split(os.pathsep)]
    return next(f"{folder}/{name}" for folder in folders if Path(folder, name).exists())
