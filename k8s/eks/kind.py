"""A kind cluster of three zones on this machine, with the X-Ray stand-in's image in its nodes.

What runs in it comes with ``samezone cluster deploy``, as on every other cluster.
"""

from pathlib import Path
from typing import Final

from k8s.effects import Say
from k8s.eks.programs import Done, Programs
from k8s.errors import UnreachableError, UsageError
from k8s.process import interrupts

ROOT: Final = Path(__file__).parents[2]
NAME: Final = "samezone"
CONTEXT: Final = f"kind-{NAME}"
CONFIG: Final = ROOT / "k8s" / "manifests" / "kind" / "cluster.yaml"
DOCKERFILE: Final = ROOT / "k8s" / "manifests" / "standin" / "Dockerfile"
LOCK: Final = ROOT / "requirements.txt"
"""Which packages go into the image; a clone has it, an installed samezone does not."""
IMAGE: Final = "samezone-standin:0.1.0"
NODES_READY: Final = "180s"
_WHERE_FROM: Final = {
    "docker": "https://docs.docker.com/engine/install/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation, release 0.33",
}


def up(programs: Programs, say: Say) -> None:
    """Make the cluster unless it is there, build the stand-in's image and load it into the nodes.

    UsageError when docker or kind is missing, docker is not running, or this is no clone of the
    repository to build an image from; nothing has been done then.
    """
    if not LOCK.is_file():
        raise UsageError(
            f"kind up: {IMAGE} is built from a clone of samezone's repository, and {ROOT} is none (it has no "
            f"{LOCK.name}); run make kind in a clone, the other verbs then work from here too"
        )
    _require(programs, "kind up", "docker", "kind")
    if NAME in _clusters(programs):
        say(f"kind cluster {NAME} is there already")
    else:
        say(f"making kind cluster {NAME}: one control-plane node, a worker in each of three zones")
        _create(programs, say)
    say(f"building {IMAGE} and loading it into the nodes")
    _must(programs, "docker", "build", "--quiet", "--file", str(DOCKERFILE), "--tag", IMAGE, str(ROOT))
    _must(programs, "kind", "load", "docker-image", IMAGE, "--name", NAME)
    say(f"kind cluster {NAME} is ready, context {CONTEXT}")


def down(programs: Programs, say: Say) -> None:
    """Delete the cluster; nothing to do where there is none."""
    _require(programs, "kind down", "docker", "kind")
    if NAME not in _clusters(programs):
        say(f"there is no kind cluster {NAME}")
        return
    _must(programs, "kind", "delete", "cluster", "--name", NAME)
    say(f"kind cluster {NAME} is gone")


def _create(programs: Programs, say: Say) -> None:
    """A whole cluster or none: interrupted, what there is of it is deleted again."""
    with interrupts.held():
        try:
            with interrupts.allowed():
                _must(programs, "kind", "create", "cluster", "--config", str(CONFIG), "--wait", NODES_READY)
        except KeyboardInterrupt:
            say(f"deleting what was made of kind cluster {NAME}")
            done = programs.run("kind", "delete", "cluster", "--name", NAME, is_apart=True)
            if done.code != 0:
                raise UnreachableError(
                    f"kind up: interrupted, and what was made of cluster {NAME} could not be deleted: "
                    f"{done.reason}; run: make kind-down"
                ) from None
            raise


def _require(programs: Programs, doing: str, *names: str) -> None:
    missing = [name for name in names if programs.find(name) is None]
    if missing:
        advice = "; ".join(f"install {name}: {_WHERE_FROM[name]}" for name in missing)
        raise UsageError(f"{doing}: {' and '.join(missing)} not on PATH; {advice}")
    done = programs.run("docker", "version", "--format", "{{.Server.Version}}")
    if done.code != 0:
        raise UsageError(f"{doing}: docker is not running ({done.reason}); start it first")


def _clusters(programs: Programs) -> list[str]:
    return _must(programs, "kind", "get", "clusters").out.split()


def _must(programs: Programs, name: str, *arguments: str) -> Done:
    done = programs.run(name, *arguments)
    if done.code != 0:
        raise UnreachableError(f"{name} {' '.join(arguments[:2])} failed: {done.reason}")
    return done
