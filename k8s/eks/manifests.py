"""The manifests rendered for a place: kustomize over a copy whose place.env is filled in."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from k8s.eks.programs import Programs
from k8s.errors import UsageError
from k8s.model.objects import Raw

ROOT: Final = Path(__file__).parents[2]
MANIFESTS: Final = Path("k8s") / "manifests"
PLACE: Final = MANIFESTS / "place" / "place.env"
OURS: Final = "app.kubernetes.io/part-of=samezone"
"""The label of everything that the manifests make."""
_NAME_LABEL: Final = "app.kubernetes.io/name"
_WORKER: Final = "locust-worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What an overlay consists of."""

    objects: tuple[Raw, ...]

    def of_kind(self, kind: str) -> tuple[Raw, ...]:
        """The objects of one kind."""
        return tuple(one for one in self.objects if one["kind"] == kind)

    @property
    def deployments(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of each Deployment, the collectors' that the operator will make among them."""
        own = [_key(one) for one in self.of_kind("Deployment")]
        made = [
            (space, f"{name}-collector") for space, name in map(_key, self.of_kind("OpenTelemetryCollector"))
        ]
        return tuple(own + made)

    def with_workers(self, each: int) -> "Rendered":
        """The same with *each* load generators in every zone, where the manifests have one."""
        return replace(self, objects=tuple(_with_workers(one, each) for one in self.objects))

    def summary(self) -> str:
        """How many of each kind, for a person."""
        counts = Counter(one["kind"] for one in self.objects)
        return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def overlays() -> tuple[str, ...]:
    """The names to choose from."""
    return tuple(sorted(path.name for path in (ROOT / MANIFESTS / "overlays").iterdir() if path.is_dir()))


def render(programs: Programs, overlay: str, place: Mapping[str, str]) -> Rendered:
    """The overlay for *place*: values by key of place.env; UsageError without such an overlay or key."""
    if overlay not in overlays():
        raise UsageError(f"cluster deploy: no overlay {overlay!r}; there are {', '.join(overlays())}")
    with _copy() as root:
        (root / PLACE).write_text(_filled((ROOT / PLACE).read_text(), place))
        folder = root / MANIFESTS / "overlays" / overlay
        done = programs.run("kubectl", "kustomize", "--load-restrictor", "LoadRestrictionsNone", str(folder))
    if done.code != 0:
        raise UsageError(f"kubectl kustomize of overlay {overlay}: {done.reason}")
    return Rendered(objects=tuple(one for one in yaml.safe_load_all(done.out) if one))


def parse_place(text: str) -> dict[str, str]:
    """Keys and values of a place.env."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {key: value for key, _, value in pairs}


def as_list(objects: tuple[Raw, ...]) -> str:
    """Objects as one document that kubectl takes."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@contextmanager
def _copy() -> Iterator[Path]:
    """The tree as the manifests see it: they copied, our modules, which they make ConfigMaps of, linked."""
    with tempfile.TemporaryDirectory(prefix="samezone-") as folder:
        root = Path(folder)
        (root / "k8s").mkdir()
        shutil.copytree(ROOT / MANIFESTS, root / MANIFESTS)
        for path in (ROOT / "loadtest", *(ROOT / "k8s").glob("*.py")):
            (root / path.relative_to(ROOT)).symlink_to(path)
        yield root


def _filled(text: str, place: Mapping[str, str]) -> str:
    """place.env with the values of *place*; every key has to get one: those in the tree are an example's."""
    missing = sorted(set(parse_place(text)) - set(place))
    if missing:
        raise UsageError(f"place.env: nothing says {', '.join(missing)}; give --place FILE with every key")
    return "".join(f"{key}={place[key]}\n" for key in parse_place(text))


def _key(one: Raw) -> tuple[str, str]:
    return one["metadata"]["namespace"], one["metadata"]["name"]


def _with_workers(one: Raw, each: int) -> Raw:
    if one["kind"] != "Deployment" or one["metadata"].get("labels", {}).get(_NAME_LABEL) != _WORKER:
        return one
    return {**one, "spec": {**one["spec"], "replicas": one["spec"]["replicas"] * each}}
