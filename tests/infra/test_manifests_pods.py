"""The pods that the manifests lead to: the restricted standard, probes, what they mount."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from tests.infra.pod_security import RULES, violations
from tests.infra.rendered import TARGETS, WITH_OPERATOR, Raw, collector, objects, pods

pytestmark = pytest.mark.infra

BREAKS: dict[str, Callable[[Raw, Raw], object]] = {
    "HostProcess": lambda _, spec: spec["securityContext"].update(windowsOptions={"hostProcess": True}),
    "Host namespaces": lambda _, spec: spec.update(hostNetwork=True),
    "Privileged containers": lambda _, spec: spec["containers"][0]["securityContext"].update(privileged=True),
    "Host ports": lambda _, spec: spec["containers"][0].update(ports=[{"containerPort": 1, "hostPort": 80}]),
    "Host probes and lifecycle hooks": lambda _, spec: spec["containers"][0].update(
        lifecycle={"preStop": {"httpGet": {"host": "169.254.169.254", "port": 80}}}
    ),
    "AppArmor": lambda metadata, _: metadata.update(
        annotations={"container.apparmor.security.beta.kubernetes.io/catalog": "unconfined"}
    ),
    "SELinux": lambda _, spec: spec["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
    "/proc mount type": lambda _, spec: spec["containers"][0]["securityContext"].update(procMount="Unmasked"),
    "Sysctls": lambda _, spec: spec["securityContext"].update(
        sysctls=[{"name": "kernel.msgmax", "value": "1"}]
    ),
    "Volume types": lambda _, spec: spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "Privilege escalation": lambda _, spec: spec["containers"][0]["securityContext"].pop(
        "allowPrivilegeEscalation"
    ),
    "Running as non-root": lambda _, spec: spec["containers"][0]["securityContext"].update(
        runAsNonRoot=False
    ),
    "Running as non-root user": lambda _, spec: spec["securityContext"].update(runAsUser=0),
    "Seccomp": lambda _, spec: spec["securityContext"].pop("seccompProfile"),
    "Capabilities": lambda _, spec: spec["containers"][0]["securityContext"].update(
        capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}
    ),
}


@pytest.mark.parametrize("target", TARGETS)
def test_pods_pass_the_restricted_standard(target: str):
    """Every namespace enforces Pod Security "restricted", and no pod breaks a rule of it."""
    for namespace in objects(target, "Namespace"):
        labels = namespace["metadata"]["labels"]
        for what in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{what}"] == "restricted"
    found = {pod.owner: violations(pod.metadata, pod.spec) for pod in pods(target)}
    assert set(found) > {"locust-master", "xray-collector"}
    assert {owner: broken for owner, broken in found.items() if broken} == {}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_broken(rule: str):
    """A pod that breaks one rule is told that one, so no rule passes because it looks nowhere."""
    pod = next(pod for pod in pods("overlays/simple") if pod.owner == "catalog")
    metadata, spec = deepcopy(pod.metadata), deepcopy(pod.spec)
    BREAKS[rule](metadata, spec)
    assert violations(metadata, spec) == {rule}


@pytest.mark.parametrize("target", TARGETS)
def test_no_container_writes_into_its_image(target: str):
    """Beyond the standard: the root file system is read-only everywhere."""
    for pod in pods(target):
        for container in pod.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, pod.owner


@pytest.mark.parametrize("target", TARGETS)
def test_pods_are_probed(target: str):
    """Readiness everywhere; liveness nowhere in Locust, a restarted Locust process has lost its run."""
    made_by_the_operator = "xray-collector" if target in WITH_OPERATOR else ""
    for pod in pods(target):
        if pod.owner == made_by_the_operator:
            continue
        for container in pod.spec["containers"]:
            assert "readinessProbe" in container, pod.owner
            assert ("livenessProbe" in container) == (not pod.owner.startswith("locust-")), pod.owner
    assert collector(target)["service"]["extensions"] == ["health_check"]
