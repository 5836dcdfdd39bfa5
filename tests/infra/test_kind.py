"""The kind cluster: its file, and what is asked of docker and kind, in which order."""

import argparse
import io
import json
import re
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from k8s.console import Io, Parser
from k8s.eks import kind, kind_cli
from k8s.eks.programs import Programs
from k8s.errors import ExitCode, SamezoneError, UnreachableError, UsageError
from tests.infra.rendered import MANIFESTS, REPO, ZONE_LABEL, place

pytestmark = pytest.mark.infra

CONFIG = MANIFESTS / "kind" / "cluster.yaml"
REGION_LABEL = "topology.kubernetes.io/region"
NODE_IMAGE = r"kindest/node:v1\.35\.\d+@sha256:[0-9a-f]{64}"

# The fields that we use of kind's v1alpha4 configuration, as pkg/apis/config/v1alpha4/types.go types them.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "apiVersion", "name", "nodes"],
    "properties": {
        "kind": {"const": "Cluster"},
        "apiVersion": {"const": "kind.x-k8s.io/v1alpha4"},
        "name": {"type": "string"},
        "nodes": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["role", "image"],
                "properties": {
                    "role": {"enum": ["control-plane", "worker"]},
                    "image": {"type": "string"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        },
    },
}

STANDIN = """#!{python} -SE
import json, os, pathlib, signal, sys
here, name = pathlib.Path(__file__).parent, pathlib.Path(__file__).name
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
answers = json.loads((here / "answers").read_text())
out, err, code = answers.get(" ".join([name, *sys.argv[1:3]]), ["", "", 0])
if out == "interrupt":
    os.kill(os.getppid(), signal.SIGINT)
    signal.pause()
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


THERE = {"kind get clusters": ("other\nsamezone\n", "", 0)}
OTHERS = {"kind get clusters": ("other\n", "", 0)}


class Machine:
    """A machine with some programs, which write down what they are asked."""

    def __init__(
        self, folder: Path, *names: str, answers: Mapping[str, tuple[str, str, int]] | None = None
    ) -> None:
        """*answers*: what a program prints and returns, by its name and first two arguments."""
        self._folder = folder
        folder.mkdir()
        (folder / "calls").touch()
        (folder / "answers").write_text(json.dumps(answers or {}))
        for name in names:
            (folder / name).write_text(STANDIN.format(python=sys.executable))
            (folder / name).chmod(stat.S_IRWXU)
        self.said: list[str] = []

    @property
    def programs(self) -> Programs:
        return Programs({"PATH": str(self._folder)})

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]


def config() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(CONFIG.read_text())
    return found


def nodes() -> list[Mapping[str, object]]:
    found = config()["nodes"]
    assert isinstance(found, list)
    return found


def test_the_configuration_is_kinds():
    """Fields are refused that kind does not know; the schema refuses them, too."""
    jsonschema.validate(config(), SCHEMA)
    assert config()["name"] == kind.NAME


def test_three_zones_with_one_worker_each():
    """The workers carry the region and the zones of the kind place file; the control plane carries none."""
    lines = (MANIFESTS / "kind" / "place.env").read_text().splitlines()
    own = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert set(own) == set(place())
    labels = [node.get("labels") for node in nodes()]
    assert labels == [
        None,
        *({REGION_LABEL: own["region"], ZONE_LABEL: own[f"zone-{slot}"]} for slot in "123"),
    ]
    assert [node["role"] for node in nodes()] == ["control-plane", "worker", "worker", "worker"]


def test_the_node_image_is_pinned():
    """All nodes run one image of Kubernetes 1.35, by digest: a tag may be built for another kind."""
    (image,) = {str(node["image"]) for node in nodes()}
    assert re.fullmatch(NODE_IMAGE, image)


def test_up_makes_builds_and_loads(tmp_path: Path):
    """In this order; the image is the one that the manifests name, and the build's context is the tree."""
    machine = Machine(tmp_path / "bin", "docker", "kind")
    kind.up(machine.programs, machine.said.append)
    build = ["--quiet", "--file", str(kind.DOCKERFILE), "--tag", kind.IMAGE, str(REPO)]
    assert machine.calls == [
        ["docker", "version", "--format", "{{.Server.Version}}"],
        ["kind", "get", "clusters"],
        ["kind", "create", "cluster", "--config", str(CONFIG), "--wait", "180s"],
        ["docker", "build", *build],
        ["kind", "load", "docker-image", kind.IMAGE, "--name", "samezone"],
    ]
    assert machine.said[-1] == "kind cluster samezone is ready, context kind-samezone"
    assert f"image: {kind.IMAGE}\n" in (MANIFESTS / "standin" / "standin.yaml").read_text()
    assert kind.DOCKERFILE.is_file()


def test_up_keeps_a_cluster_that_is_there(tmp_path: Path):
    """Only the image is built and loaded anew."""
    machine = Machine(tmp_path / "bin", "docker", "kind", answers=THERE)
    kind.up(machine.programs, machine.said.append)
    assert [call[:2] for call in machine.calls] == [
        ["docker", "version"],
        ["kind", "get"],
        ["docker", "build"],
        ["kind", "load"],
    ]
    assert machine.said[0] == "kind cluster samezone is there already"


@pytest.mark.parametrize(
    ("deleting", "raised"),
    [(("", "", 0), KeyboardInterrupt), (("", "docker is gone", 1), UnreachableError)],
)
def test_up_interrupted_leaves_no_half_cluster(
    deleting: tuple[str, str, int], raised: type[BaseException], tmp_path: Path
):
    """What kind had made is deleted again; where that fails, it is said with how to."""
    answers = {**OTHERS, "kind create cluster": ("interrupt", "", 0), "kind delete cluster": deleting}
    machine = Machine(tmp_path / "bin", "docker", "kind", answers=answers)
    with pytest.raises(raised):
        kind.up(machine.programs, machine.said.append)
    assert machine.calls[-1] == ["kind", "delete", "cluster", "--name", "samezone"]


def test_down_deletes_what_is_there(tmp_path: Path):
    """The cluster of our name, and no other."""
    machine = Machine(tmp_path / "bin", "docker", "kind", answers=THERE)
    kind.down(machine.programs, machine.said.append)
    assert machine.calls[-1] == ["kind", "delete", "cluster", "--name", "samezone"]
    nothing = Machine(tmp_path / "bin2", "docker", "kind", answers=OTHERS)
    kind.down(nothing.programs, nothing.said.append)
    assert [call[:2] for call in nothing.calls] == [["docker", "version"], ["kind", "get"]]


@pytest.mark.parametrize("act", [kind.up, kind.down])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "docker and kind not on PATH; install docker: https://docs.docker.com"),
        (("docker",), "kind not on PATH; install kind: https://kind.sigs.k8s.io"),
        (("kind",), "docker not on PATH; install docker: https://docs.docker.com"),
    ],
)
def test_what_is_missing_is_named(
    act: Callable[[Programs, Callable[[str], None]], None],
    names: tuple[str, ...],
    message: str,
    tmp_path: Path,
):
    """Exit 2, before anything is asked of a program that is there."""
    machine = Machine(tmp_path / "bin", *names)
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        act(machine.programs, machine.said.append)
    assert caught.value.exit_code == ExitCode.USAGE
    assert machine.calls == []


def test_an_installed_samezone_builds_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without the repository's lock there is nothing to build from; nothing is asked of docker or kind."""
    monkeypatch.setattr(kind, "LOCK", tmp_path / "requirements.txt")
    machine = Machine(tmp_path / "bin", "docker", "kind")
    with pytest.raises(UsageError, match=r"is built from a clone of samezone's repository, and .* is none"):
        kind.up(machine.programs, machine.said.append)
    assert machine.calls == []


def test_a_docker_that_is_not_running(tmp_path: Path):
    """Its own words, exit 2, and nothing was made."""
    refusal = {"docker version --format": ("", "Cannot connect to the Docker daemon\n", 1)}
    machine = Machine(tmp_path / "bin", "docker", "kind", answers=refusal)
    with pytest.raises(UsageError, match=r"docker is not running \(Cannot connect to the Docker daemon\)"):
        kind.up(machine.programs, machine.said.append)
    assert len(machine.calls) == 1


def test_a_step_that_fails_ends_it(tmp_path: Path):
    """Nothing is loaded where nothing was built; the last line says why."""
    refusal = {"docker build --quiet": ("", "a\nno space\n", 1)}
    machine = Machine(tmp_path / "bin", "docker", "kind", answers=refusal)
    with pytest.raises(UnreachableError, match="docker build --quiet failed: no space"):
        kind.up(machine.programs, machine.said.append)
    assert machine.calls[-1][:2] == ["docker", "build"]


def test_the_verbs_are_up_and_down(tmp_path: Path):
    """The command line passes the environment on and returns 0."""
    machine = Machine(tmp_path / "bin", "docker", "kind")
    parser = Parser(prog="samezone")
    kind_cli.add(parser.add_subparsers(parser_class=Parser))
    said = io.StringIO()
    surroundings = Io(err=said, environment={"PATH": str(tmp_path / "bin")})
    for word in ("up", "down"):
        args: argparse.Namespace = parser.parse_args(["kind", word])
        assert args.command(args, surroundings) == 0
    assert "kind cluster samezone is ready" in said.getvalue()
    with pytest.raises(SamezoneError):
        args.command(args, Io(err=said, environment={"PATH": ""}))
    assert [call[0] for call in machine.calls][-2:] == ["docker", "kind"]


def test_make_kind_deploys_the_overlay_without_aws():
    """Into the context that kind makes, with the place of that cluster."""
    (recipe,) = re.findall(r"^kind:.*\n((?:\t.+\n)+)", (REPO / "Makefile").read_text(), re.MULTILINE)
    first, second = recipe.splitlines()
    assert first.endswith(" kind up")
    place_file = "k8s/manifests/kind/place.env"
    wanted = f" cluster deploy --context {kind.CONTEXT} --place {place_file} --overlay no-aws --yes"
    assert second.endswith(wanted)
