"""What is deployed to a real cluster: rendered by kubectl, checked by schemas, the Locust pods' code run."""

import functools
import importlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.errors import UnreachableError
from loadtest.locust_master import LocustMaster

pytestmark = pytest.mark.infra

REPO = Path(__file__).parents[2]
MANIFESTS = REPO / "k8s" / "manifests"
KUBERNETES = "1.35"
OVERLAYS = tuple(sorted(path.name for path in (MANIFESTS / "overlays").iterdir()))
TARGETS = ("base", *(f"overlays/{name}" for name in OVERLAYS))
ZONE_LABEL = "topology.kubernetes.io/zone"
CUSTOM = {"OpenTelemetryCollector"}
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


def objects(target: str, kind: str | None = None) -> list[Raw]:
    """The rendered objects, all or those of a kind."""
    return [one for one in yaml.safe_load_all(render(target)) if kind in (None, one["kind"])]


def deployments(target: str) -> dict[str, Raw]:
    return {one["metadata"]["name"]: one for one in objects(target, "Deployment")}


def pods(target: str) -> list[Raw]:
    """Pod specs, the collector's as the operator would make it."""
    found = [one["spec"]["template"]["spec"] for one in objects(target, "Deployment")]
    for one in objects(target, "OpenTelemetryCollector"):
        spec = one["spec"]
        container = {"name": "otc-container"} | {
            key: spec[key] for key in ("image", "securityContext", "resources")
        }
        found.append({"securityContext": spec["podSecurityContext"], "containers": [container]})
    return found


def containers(target: str) -> list[Raw]:
    return [one for pod in pods(target) for one in pod["containers"] + pod.get("initContainers", [])]


def collector(target: str) -> Raw:
    (found,) = objects(target, "OpenTelemetryCollector")
    config: Raw = found["spec"]["config"]
    return config


def closure(entry: Path) -> set[str]:
    """Modules of ours that a script imports, directly or not; nothing else is found or followed."""
    finder = ModuleFinder([str(REPO)])
    finder.run_script(str(entry))
    return {name for name in finder.modules if name.partition(".")[0] in ("k8s", "loadtest")}


def missing(tool: str) -> None:
    """Skip on a machine without the tool; in CI that is a failure."""
    reason = f"{tool} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("target", TARGETS)
def test_every_builtin_kind_fits_its_schema(target: str, tmp_path: Path):
    """kubernetes-validate --strict knows every field of every object but the collector's."""
    own = os.environ.get("KUBERNETES_VALIDATE") or shutil.which("kubernetes-validate", path=BIN)
    if not own:
        missing("kubernetes-validate")
    file = tmp_path / "rendered.yaml"
    file.write_text(render(target))
    done = subprocess.run(
        [str(own), "-k", KUBERNETES, "--strict", str(file)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert set(re.findall(r"Couldn't find schema for kind (\w+)", said)) == CUSTOM
    assert said.count(" passed for resource ") == len(objects(target)) - len(CUSTOM)


@pytest.mark.parametrize("target", TARGETS)
def test_the_collector_fits_the_fields_of_its_kind(target: str):
    """The custom resource has only fields that the operator's v1beta1 API has."""
    try:
        jsonschema = importlib.import_module("jsonschema")
    except ModuleNotFoundError:
        missing("jsonschema")
    schema = json.loads((MANIFESTS / "schemas" / "opentelemetrycollector.json").read_text())
    (found,) = objects(target, "OpenTelemetryCollector")
    errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(found)]
    assert errors == []


@pytest.mark.parametrize("target", TARGETS)
def test_images_are_pinned_and_needs_are_said(target: str):
    """A version tag, requests and a memory limit everywhere; a CPU limit nowhere, it would bend latencies."""
    for container in containers(target):
        assert re.fullmatch(r"[^:]+:v?\d+\.\d+\.\d+", container["image"]), container["image"]
        assert {"cpu", "memory"} == set(container["resources"]["requests"])
        assert {"memory"} == set(container["resources"]["limits"])


@pytest.mark.parametrize("target", TARGETS)
def test_pods_pass_the_restricted_standard(target: str):
    """Every namespace enforces Pod Security "restricted", and every pod satisfies it."""
    for namespace in objects(target, "Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(target):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all({"configMap", "emptyDir"} & set(volume) for volume in pod.get("volumes", ()))
    for container in containers(target):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("target", TARGETS)
def test_only_the_collector_has_a_token(target: str):
    """No pod of ours gets an API token; the collector needs one and names its account."""
    for pod in pods(target)[:-1]:
        assert pod["automountServiceAccountToken"] is False
    accounts = objects(target, "ServiceAccount")
    token = {one["metadata"]["name"]: one.get("automountServiceAccountToken", True) for one in accounts}
    assert token == {"catalog": False, "ui": False, "locust": False, "collector": True}


@pytest.mark.parametrize("target", TARGETS)
def test_pods_are_probed(target: str):
    """Readiness everywhere; liveness for the store only, a restarted Locust process has lost its run."""
    for name, found in deployments(target).items():
        (container,) = found["spec"]["template"]["spec"]["containers"]
        assert "readinessProbe" in container
        assert ("livenessProbe" in container) == (not name.startswith("locust-"))
    assert collector(target)["service"]["extensions"] == ["health_check"]


def test_the_base_names_no_place():
    """Neither zone nor region: the base fits every cluster."""
    said = [str(one) for one in objects("base") if one["kind"] != "ConfigMap"]
    assert [one for one in said if re.search(r"\b[a-z]{2}-[a-z]+-\d[a-z]?\b", one)] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_fills_in_the_place(overlay: str):
    """place.env reaches the collector, the workers and the zones; nothing is left to be set."""
    text = render(f"overlays/{overlay}")
    assert "set-by-place" not in text
    assert "samezone-place" not in text
    lines = (MANIFESTS / "place" / "place.env").read_text().splitlines()
    place = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    config = collector(f"overlays/{overlay}")
    assert config["exporters"]["awsxray"]["region"] == place["region"]
    constant = {one["key"]: one.get("value") for one in config["processors"]["resource"]["attributes"]}
    assert constant["k8s.cluster.name"] == place["cluster"]
    for name, found in deployments(f"overlays/{overlay}").items():
        slot = found["spec"]["template"]["metadata"]["labels"].get("samezone.dev/slot", "all")
        zone = found["spec"]["template"]["spec"].get("nodeSelector", {}).get(ZONE_LABEL)
        assert zone == place.get(f"zone-{slot}"), name


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ("simple", {"catalog": [3], "ui": [3]}),
        ("per-zone", {"catalog": [3, 3, 3], "ui": [2, 2, 2]}),
        ("per-zone-older", {"catalog": [3, 3, 3], "ui": [2, 2, 2]}),
        ("skewed", {"catalog": [5, 2, 2], "ui": [2, 2, 2]}),
    ],
)
def test_replicas_of_the_scenarios(overlay: str, expected: dict[str, list[int]]):
    """Each overlay is the scenario its name says."""
    found = sorted(deployments(f"overlays/{overlay}").items())
    counts = {
        store: [one["spec"]["replicas"] for _, one in found if one["metadata"]["namespace"] == store]
        for store in expected
    }
    assert expected == counts


def test_selectors_match_their_pods_and_nobody_elses():
    """Also between overlays: what one leaves behind never claims the pods of the next."""
    seen: dict[tuple[str, str], tuple[Raw, Raw]] = {}
    for target in TARGETS:
        for name, one in deployments(target).items():
            labels = one["spec"]["template"]["metadata"]["labels"]
            seen[one["metadata"]["namespace"], name] = (one["spec"]["selector"]["matchLabels"], labels)
    for (namespace, name), (selector, _) in seen.items():
        chosen = {
            other
            for (place, other), (_, labels) in seen.items()
            if place == namespace and selector.items() <= labels.items()
        }
        assert {name} == chosen


@pytest.mark.parametrize("target", TARGETS)
def test_services_reach_ports_of_their_pods(target: str):
    """Every Service selects at least one Deployment, and its target ports exist there by name."""
    for service in objects(target, "Service"):
        chosen = [
            one["spec"]["template"]
            for one in objects(target, "Deployment")
            if one["metadata"]["namespace"] == service["metadata"]["namespace"]
            and service["spec"]["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert chosen, service["metadata"]["name"]
        for template in chosen:
            names = {port["name"] for one in template["spec"]["containers"] for port in one["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    store = {one["metadata"]["namespace"]: one["spec"] for one in objects(target, "Service")}
    assert [store[name]["ports"][0]["port"] for name in ("catalog", "ui")] == [80, 80]


@pytest.mark.parametrize("target", TARGETS)
def test_every_namespace_denies_by_default(target: str):
    """One policy that selects all pods and allows nothing, in each namespace that we make."""
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    policies = objects(target, "NetworkPolicy")
    denied = {one["metadata"]["namespace"] for one in policies if one["spec"] == deny}
    assert {one["metadata"]["name"] for one in objects(target, "Namespace")} == denied


def test_the_collector_asks_for_the_pod_before_it_batches():
    """Order of the pipeline, and batches short enough for the exporter's five seconds."""
    config = collector("base")
    steps = config["service"]["pipelines"]["traces"]["processors"]
    assert steps == ["memory_limiter", "k8s_attributes", "resource", "batch"]
    assert set(steps) == set(config["processors"])
    batch = {"send_batch_size": 500, "send_batch_max_size": 1000, "timeout": "500ms"}
    assert batch == config["processors"]["batch"]
    zone = {"tag_name": "cloud.availability_zone", "key": ZONE_LABEL, "from": "node"}
    assert config["processors"]["k8s_attributes"]["extract"]["labels"] == [zone]


def test_workers_spread_over_zones_without_naming_one():
    """A worker stays pending rather than making the zones uneven, and learns its zone from its own label."""
    spec = deployments("base")["locust-worker"]["spec"]["template"]["spec"]
    (spread,) = spec["topologySpreadConstraints"]
    seen = (spread["topologyKey"], spread["maxSkew"], spread["whenUnsatisfiable"])
    assert seen == (ZONE_LABEL, 1, "DoNotSchedule")
    zone = next(one for one in spec["containers"][0]["env"] if one["name"] == "SAMEZONE_ZONE")
    assert zone["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{ZONE_LABEL}']"


def test_the_harness_may_do_what_it_does_and_no_more():
    """Lists and watches everywhere; the one write is a patch of the one Service."""
    rules = [
        (one["kind"], resource, tuple(rule["verbs"]), tuple(rule.get("resourceNames", ())))
        for one in objects("base")
        if one["kind"] in ("Role", "ClusterRole") and one["metadata"]["name"] != "samezone-collector"
        for rule in one["rules"]
        for resource in rule["resources"]
    ]
    assert sorted(rules) == [
        ("ClusterRole", "endpointslices", ("list", "watch"), ()),
        ("ClusterRole", "events", ("list",), ()),
        ("ClusterRole", "nodes", ("list", "watch"), ()),
        ("ClusterRole", "pods", ("list", "watch"), ()),
        ("ClusterRole", "services", ("get", "list"), ()),
        ("Role", "pods", ("get",), ()),
        ("Role", "pods/portforward", ("get", "create"), ()),
        ("Role", "services", ("patch",), ("catalog",)),
    ]


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
def test_the_configmaps_hold_what_a_locust_process_imports(target: str, tmp_path: Path):
    """Every module of the closure of the locustfile and no other, and the version that spans carry."""
    expected = closure(REPO / "loadtest" / "locustfile.py") | {"loadtest.locustfile"}
    version = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    for name in deployments(target):
        if name.startswith("locust-"):
            tree = mounted(target, name, tmp_path / name)
            paths = {path.relative_to(tree).with_suffix("").as_posix() for path in tree.glob("*/*.py")}
            assert expected == {path.removesuffix("/__init__").replace("/", ".") for path in paths}
            metadata = tree / f"samezone-{version}.dist-info" / "METADATA"
            assert f"Version: {version}" in metadata.read_text().splitlines()


def test_the_image_adds_what_the_official_one_lacks():
    """Locust as locked, and each library of the closure that Locust does not bring, with its hashes."""
    locked = (REPO / "requirements.txt").read_text()
    added = (MANIFESTS / "image" / "requirements.txt").read_text()
    assert added in locked
    assert re.findall(r"^([a-z]+)==", added, re.MULTILINE) == ["msgspec"]
    build = (MANIFESTS / "image" / "Dockerfile").read_text()
    tag = re.search(r"^FROM locustio/locust:(\S+)$", build, re.MULTILINE)
    assert tag
    assert f"locust=={tag[1]} " in locked


def test_the_pods_commands_make_a_swarm(tmp_path: Path):
    """Master and worker, started as their pods start them from the mounted files alone, find each other."""
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
            command = [
                sys.executable,
                *said[1:],
                *(local.get(word, word) for word in container["args"]),
                *extra,
            ]
            own = {one["name"]: one.get("value", f"a-{one['name']}") for one in container["env"]}
            environment = own | {"PATH": BIN, "PYTHONPATH": str(tree), "HOME": str(tmp_path)}
            with (tmp_path / f"{name}.log").open("wb") as log:
                running.append(
                    subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
                )
        tally = await_worker(f"http://127.0.0.1:{web}", tmp_path)
        assert tally == ("a-SAMEZONE_POD", "a-SAMEZONE_ZONE", "a-SAMEZONE_NODE")
        probe = container["readinessProbe"]["exec"]["command"]
        connected = [word.replace("15B5", f"{rpc:04X}") for word in probe]
        strangers = [word.replace("15B5", f"{free_port():04X}") for word in probe]
        assert [subprocess.run(words, check=False).returncode for words in (connected, strangers)] == [0, 1]
    finally:
        for process in running:
            process.kill()
            process.wait()


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
