"""The manifests as kubectl renders them, for the tests of this folder."""

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).parents[2]
MANIFESTS = REPO / "k8s" / "manifests"
OVERLAYS = tuple(sorted(path.name for path in (MANIFESTS / "overlays").iterdir()))
TARGETS = ("base", *(f"overlays/{name}" for name in OVERLAYS))
WITHOUT_OPERATOR = ("overlays/no-aws",)
WITH_OPERATOR = tuple(target for target in TARGETS if target not in WITHOUT_OPERATOR)
ZONE_LABEL = "topology.kubernetes.io/zone"
BIN = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", "")

Raw = dict[str, Any]


@functools.cache
def render(target: str) -> str:
    """What ``kubectl kustomize`` makes of a folder."""
    kubectl = shutil.which("kubectl", path=BIN)
    assert kubectl, "kubectl is missing; it comes with the development dependencies"
    done = subprocess.run(
        [kubectl, "kustomize", "--load-restrictor", "LoadRestrictionsNone", str(MANIFESTS / target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def parsed(target: str) -> tuple[Raw, ...]:
    """The rendered objects; nobody changes them."""
    return tuple(yaml.load_all(render(target), Loader=yaml.CSafeLoader))


def objects(target: str, kind: str | None = None) -> list[Raw]:
    """The rendered objects, all or those of a kind."""
    return [one for one in parsed(target) if kind in (None, one["kind"])]


def everything() -> list[Raw]:
    """The objects of all overlays, equal ones once."""
    return list({repr(one): one for target in TARGETS for one in parsed(target)}.values())


def deployments(target: str) -> dict[str, Raw]:
    """By name."""
    return {one["metadata"]["name"]: one for one in objects(target, "Deployment")}


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPod:
    """A pod that a manifest leads to."""

    owner: str
    metadata: Raw
    spec: Raw

    @property
    def containers(self) -> list[Raw]:
        """All of them, those that run before the others included."""
        found: list[Raw] = self.spec.get("initContainers", []) + self.spec["containers"]
        return found


def pods(target: str) -> list[RenderedPod]:
    """Every pod, the collector's as the operator would make it."""
    found = [
        RenderedPod(
            owner=one["metadata"]["name"],
            metadata=one["spec"]["template"]["metadata"],
            spec=one["spec"]["template"]["spec"],
        )
        for one in objects(target, "Deployment")
    ]
    for one in objects(target, "OpenTelemetryCollector"):
        spec = one["spec"]
        container = {"name": "otc-container"} | {
            key: spec[key] for key in ("image", "securityContext", "resources", "env")
        }
        made = {"securityContext": spec["podSecurityContext"], "containers": [container]}
        found.append(RenderedPod(owner=f"{one['metadata']['name']}-collector", metadata={}, spec=made))
    return found


def containers(target: str) -> list[Raw]:
    """Every container of every pod."""
    return [one for pod in pods(target) for one in pod.containers]


def collector(target: str) -> Raw:
    """The collector's configuration, with the operator or without."""
    for found in objects(target, "OpenTelemetryCollector"):
        config: Raw = found["spec"]["config"]
        return config
    (text,) = (one["data"]["collector.yaml"] for one in objects(target, "ConfigMap") if _is_config(one))
    plain: Raw = yaml.safe_load(text)
    return plain


def collector_env(target: str) -> dict[str, str]:
    """The environment variables of the collector's container."""
    (pod,) = (one for one in pods(target) if one.owner == "xray-collector")
    return {one["name"]: one["value"] for one in pod.containers[0]["env"]}


def place() -> dict[str, str]:
    """Keys and values of place.env."""
    lines = (MANIFESTS / "place" / "place.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _is_config(one: Raw) -> bool:
    return str(one["metadata"]["name"]).startswith("xray-collector-")
