"""The Locust pods: the official image, our modules from ConfigMaps, a swarm that starts from these alone."""

import re
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from importlib.metadata import distribution, version
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from k8s.errors import UnreachableError
from loadtest.swarm.locust_master import LocustMaster
from loadtest.worker.tracing import VERSION
from tests.infra.rendered import REPO, TARGETS, containers, deployments, objects
from tests.infra.site_folder import site_of

pytestmark = pytest.mark.infra

IMAGE = "locustio/locust-otel"


def closure(entry: Path) -> set[str]:
    """Modules of ours that a script imports, directly or not; nothing else is found or followed."""
    finder = ModuleFinder([str(REPO)])
    finder.run_script(str(entry))
    return {name for name in finder.modules if name.partition(".")[0] in ("k8s", "loadtest")}


def modules_of(package: Path) -> set[str]:
    """The package's dotted name, and those of its modules."""
    name = package.relative_to(REPO).as_posix().replace("/", ".")
    return {name, *(f"{name}.{path.stem}" for path in package.glob("*.py"))} - {f"{name}.__init__"}


def in_the_image() -> set[str]:
    """Names of the distributions in the official image: Locust with its extra "otel", and what they need.

    Source: Dockerfile.ci and Dockerfile.otel of locustio/locust install exactly that.
    """
    found, waiting = set(), [Requirement("locust[otel]")]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in found:
            continue
        found.add(name)
        # What is in the image but not here is nothing that our modules could import here.
        with suppress(ModuleNotFoundError):
            for text in distribution(name).requires or ():
                needed = Requirement(text)
                extras = wanted.extras or {""}
                if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in extras):
                    waiting.append(needed)
    return found


def mounted(target: str, deployment: str, root: Path) -> Path:
    """The files a Locust pod sees: its ConfigMaps, where it mounts them; the folder of the packages."""
    maps = {one["metadata"]["name"]: one["data"] for one in objects(target, "ConfigMap")}
    spec = deployments(target)[deployment]["spec"]["template"]["spec"]
    volumes = {one["name"]: one.get("configMap", {}).get("name") for one in spec["volumes"]}
    for mount in spec["containers"][0]["volumeMounts"]:
        folder = root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in maps.get(volumes[mount["name"]], {}).items():
            (folder / name).write_text(text)
    return root / "mnt" / "samezone"


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_is_the_official_one_of_our_version(target: str):
    """Master and workers run Locust as it is locked: nothing is built for them."""
    images = {one["image"] for one in containers(target) if one["name"] == "locust"}
    assert images == {f"{IMAGE}:{version('locust')}"}
    assert f"\nlocust=={version('locust')} " in (REPO / "requirements.txt").read_text()


@pytest.mark.parametrize("target", TARGETS)
def test_the_configmaps_hold_what_a_locust_process_imports(target: str, tmp_path: Path):
    """Every module of the closure of the locustfile and no other; ``loadtest`` is only a folder there."""
    expected = closure(REPO / "loadtest" / "worker" / "locustfile.py") | {"loadtest.worker.locustfile"}
    assert {name for name in expected if name.startswith("loadtest")} == modules_of(
        REPO / "loadtest" / "worker"
    ) | {"loadtest"}
    expected.remove("loadtest")
    for name in deployments(target):
        if name.startswith("locust-"):
            tree = mounted(target, name, tmp_path / name)
            paths = {path.relative_to(tree).with_suffix("").as_posix() for path in tree.rglob("*.py")}
            assert expected == {path.removesuffix("/__init__").replace("/", ".") for path in paths}


@pytest.mark.parametrize("target", TARGETS)
def test_a_secret_has_people_log_in(target: str):
    """The master alone takes it into its environment, and starts without it as well."""
    taken = {
        name: made["spec"]["template"]["spec"]["containers"][0].get("envFrom")
        for name, made in deployments(target).items()
    }
    assert taken.pop("locust-master") == [{"secretRef": {"name": "samezone-web", "optional": True}}]
    assert {name for name, secret in taken.items() if secret} == set()
    assert "flask-login" in in_the_image()  # what a locustfile's login imports


def test_spans_carry_the_version_of_the_project():
    """A Locust process has no installed package to ask, so the version stands in its code as well."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_the_image_lacks_what_only_the_harness_needs():
    """The list is not all of our environment: without this the next test could prove nothing."""
    packages = in_the_image()
    assert {"locust", "gevent", "flask", "geventhttpclient", "opentelemetry-sdk"} <= packages
    assert not {"msgspec", "numpy", "aiohttp", "kubernetes", "boto3"} & packages


def test_the_pods_commands_make_a_swarm(tmp_path: Path):
    """Master and worker, started as their pods start them, find each other.

    They import from the mounted files and the image's packages alone.
    """
    site = site_of(in_the_image(), tmp_path / "site")
    web, rpc = free_port(), free_port()
    local = {
        "--web-port=8089": f"--web-port={web}",
        "--master-bind-port=5557": f"--master-bind-port={rpc}",
        "--master-port=5557": f"--master-port={rpc}",
        "--master-host=locust-master.locust.svc.cluster.local": "--master-host=127.0.0.1",
    }
    bound = {"locust-master": ["--master-bind-host=127.0.0.1", "--web-host=127.0.0.1"], "locust-worker": []}
    running: list[subprocess.Popen[bytes]] = []
    try:
        for name, extra in bound.items():
            tree = mounted("overlays/simple", name, tmp_path / name)
            container = deployments("overlays/simple")[name]["spec"]["template"]["spec"]["containers"][0]
            said = [word.replace("/mnt/samezone", str(tree)) for word in container["command"]]
            arguments = [local.get(word, word) for word in container["args"]]
            environment = {one["name"]: one.get("value", f"a-{one['name']}") for one in container["env"]}
            environment |= {"PYTHONPATH": f"{tree}:{site}", "HOME": str(tmp_path)}
            with (tmp_path / f"{name}.log").open("wb") as log:
                running.append(
                    subprocess.Popen(
                        [sys.executable, "-S", *said[1:], *arguments, *extra],
                        env=environment,
                        cwd=tmp_path,
                        stdout=log,
                        stderr=log,
                    )
                )
        assert await_worker(f"http://127.0.0.1:{web}", tmp_path) == (
            "a-SAMEZONE_POD",
            "a-SAMEZONE_ZONE",
            "a-SAMEZONE_NODE",
        )
        probe = container["readinessProbe"]["exec"]["command"]
        connected = [word.replace("15B5", f"{rpc:04X}") for word in probe]
        strangers = [word.replace("15B5", f"{free_port():04X}") for word in probe]
        assert [subprocess.run(words, check=False).returncode for words in (connected, strangers)] == [0, 1]
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_a_module_of_the_harness_does_not_start_there(tmp_path: Path):
    """What imports msgspec fails with the image's packages: the test above would notice."""
    site = site_of(in_the_image(), tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import loadtest.rundir"],
        env={"PYTHONPATH": f"{REPO}:{site}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"ModuleNotFoundError: No module named 'msgspec'", done.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_worker(url: str, logs: Path) -> tuple[str, str, str]:
    """Pod, zone and node of the one worker, as its master knows them."""
    master = LocustMaster(url, expect=["a-SAMEZONE_POD"])
    for _ in range(300):
        with suppress(UnreachableError):
            if not master.absent():
                (tally,) = master.tallies()
                return tally.worker, tally.zone, tally.node
        time.sleep(0.1)
    pytest.fail("\n".join(path.read_text() for path in logs.glob("*.log")))
