"""An EKS cluster made, filled and taken away: what is run, in which order, and what is checked before."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from k8s.effects import Patience, Talk
from k8s.eks import kubectl as eks_kubectl
from k8s.eks import terraform_output
from k8s.eks.kubectl import Kubectl, KubectlContext
from k8s.eks.manifests import Rendered
from k8s.eks.programs import Programs, StoppedHalfwayError
from k8s.eks.terraform import Folder, Terraform
from k8s.eks.terraform_output import Outputs
from k8s.eks.words import offer
from k8s.errors import SamezoneError, UnreachableError, UsageError
from k8s.model.objects import Raw

NEXT: Final = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRequest:
    """What a user wants of a cluster."""

    name: str
    region: str
    cidrs: tuple[str, ...]
    """Who may reach the API endpoint; empty keeps it private."""
    nodes: int | None = None
    """In each zone; None: what the module says."""
    instance_type: str | None = None
    var_file: Path | None = None

    def variables(self) -> Raw:
        """As variables of the Terraform module."""
        given = {"size": self.nodes, "instance_type": self.instance_type}
        defaults = {key: value for key, value in given.items() if value is not None}
        return {
            "cluster_name": self.name,
            "region": self.region,
            "public_access_cidrs": list(self.cidrs),
            **({"node_defaults": defaults} if defaults else {}),
        }


def create(asked: ClusterRequest, folder: Folder, programs: Programs, talk: Talk, *, today: date) -> None:
    """Make the cluster, or bring it to what is asked; then write its kubeconfig context."""
    programs.require("terraform", "cluster create")
    _refuse_another_region(asked, folder)
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings, given = _propose(asked, folder)
    terraform = Terraform(programs, folder, talk.say)
    talk.say(f"asking AWS what terraform would make of cluster {asked.name} in {asked.region}")
    terraform.init()
    plan = terraform.plan(settings, given)
    change = terraform_output.change(plan)
    if change.is_empty:
        talk.say(f"cluster {asked.name} is as asked already")
    else:
        talk.agree(offer(terraform_output.cluster(plan), change, folder.state, today))
    _accept(folder, settings, given)
    if not change.is_empty:
        _apply(
            terraform, f"cluster create: what was made is in {folder.state}; again to go on, or: make destroy"
        )
    outputs = terraform.outputs()
    context_written = _write_context(outputs, programs, talk)
    talk.say(f"cluster {outputs.cluster} is there; terraform's state, which destroy needs: {folder.state}")
    if context_written:
        talk.say(f"next: make deploy CONTEXT={outputs.cluster}")


def deploy(
    rendered: Rendered,
    target: KubectlContext,
    programs: Programs,
    talk: Talk,
    patience: Patience,
    *,
    overlay: str,
) -> None:
    """Apply an overlay: namespaces, then what waits for the operator, then everything, then the rollouts."""
    kubectl = Kubectl(programs, target.context)
    foreign = kubectl.foreign_namespaces(rendered)
    if foreign:
        raise UsageError(
            f"cluster deploy: namespaces {', '.join(foreign)} in context {target.context} are "
            "somebody else's: they lack our label; take another cluster"
        )
    strays = kubectl.strays(rendered)
    talk.agree(
        (
            f"context   {target.context}",
            f"cluster   {target.server}",
            f"overlay   {overlay}: {rendered.summary()}",
            *(f"removed   Deployment {space}/{name}, left by another overlay" for space, name in strays),
        )
    )
    try:
        _roll_out(rendered, strays, kubectl, talk, patience, overlay)
    except KeyboardInterrupt:
        raise StoppedHalfwayError(
            "cluster deploy: interrupted; what was applied stays; again to go on, or: make destroy"
        ) from None
    talk.say(f"next: make baseline PLATFORM=cluster CONTEXT={target.context}, then make enable-tar likewise")


def destroy(
    folder: Folder, programs: Programs, talk: Talk, *, named_context: str | None, has_kubectl: bool
) -> None:
    """Take away what the manifests made, then what Terraform made."""
    terraform = Terraform(programs, folder, talk.say)
    terraform.init()
    plan = terraform.plan(folder.settings, folder.given(), destroy=True)
    change = terraform_output.change(plan)
    kubectl = _reachable(terraform, programs, talk, named_context) if has_kubectl else None
    if not has_kubectl:
        talk.say("warning: kubectl is not on PATH: what is in the cluster goes with it, unlooked at")
    found = kubectl.billed_by_others() if kubectl is not None else ()
    name, region = (folder.read_settings().get(key, "?") for key in ("cluster_name", "region"))
    talk.agree(
        (
            f"cluster   {name} in {region}",
            f"removed   {len(change.removed)} resources by terraform, the cluster and its network among them",
            *([f"removed   what the manifests made, in context {kubectl.context}"] if kubectl else []),
            *(
                f"warning   {one} is somebody's: it stays, costs money and may hold up terraform"
                for one in found
            ),
        )
    )
    if kubectl is not None:
        talk.say("removing what the manifests made")
        try:
            kubectl.delete_ours()
        except UnreachableError as error:
            talk.say(f"warning: {error}; it goes with the cluster")
        except KeyboardInterrupt:
            raise StoppedHalfwayError(
                "cluster destroy: interrupted; some of the manifests' objects may be gone; again to go on"
            ) from None
    _apply(terraform, f"cluster destroy: what is left is in {folder.state}; again to go on")
    talk.say(f"cluster {name} is gone; what it leaves is listed above")


def undeploy(target: KubectlContext, programs: Programs, talk: Talk) -> None:
    """Take away what the manifests made; the cluster stays."""
    kubectl = Kubectl(programs, target.context)
    talk.agree(
        (
            f"context   {target.context}",
            f"cluster   {target.server}",
            "removed   what the manifests made: store, collector, Locust and their namespaces",
        )
    )
    kubectl.delete_ours()
    talk.say("what the manifests made is gone; the cluster stays")


def place_of(outputs: Outputs) -> Mapping[str, str]:
    """Values for place.env."""
    return dict(outputs.place_env)


def target_of(outputs: Outputs, programs: Programs, named_context: str | None, doing: str) -> KubectlContext:
    """The current context, which has to be this cluster's."""
    target = eks_kubectl.target(programs, named_context, doing)
    if not _same_server(target.server, outputs.endpoint):
        raise UsageError(
            f"{doing}: context {target.context} is {target.server}, not cluster {outputs.cluster}; run: "
            f"{outputs.kubeconfig_command}"
        )
    return target


def _roll_out(
    rendered: Rendered,
    strays: tuple[tuple[str, str], ...],
    kubectl: Kubectl,
    talk: Talk,
    patience: Patience,
    overlay: str,
) -> None:
    talk.say(
        "applying namespaces, then waiting for the OpenTelemetry operator where there is a collector for it"
    )
    kubectl.apply(rendered.of_kind("Namespace"), "namespaces")
    collectors = rendered.of_kind("OpenTelemetryCollector")
    if collectors:
        kubectl.await_operator(collectors, patience)
    kubectl.delete_deployments(strays)
    kubectl.apply(rendered.objects, f"overlay {overlay}")
    for namespace, name in rendered.deployments:
        kubectl.await_rollout(namespace, name, patience)
        talk.say(f"Deployment {namespace}/{name} has all its pods")


def _refuse_another_region(asked: ClusterRequest, folder: Folder) -> None:
    there = folder.read_settings().get("region", asked.region)
    if there != asked.region and folder.has_resources():
        raise UsageError(
            f"cluster create: {asked.name} is in {there}: with {asked.region} terraform would forget it, not "
            "move it; give another --name, or destroy it first"
        )


def _propose(asked: ClusterRequest, folder: Folder) -> tuple[Path, tuple[Path, ...]]:
    """The variables under names that are not in force yet: destroy has to know what the last yes was for."""
    for old in folder.path.glob(f"{NEXT}-*"):
        old.unlink()
    settings = folder.path / f"{NEXT}-{folder.settings.name}"
    settings.write_text(json.dumps(asked.variables(), indent=2) + "\n")
    if asked.var_file is None:
        return settings, ()
    suffix = ".tfvars.json" if asked.var_file.name.endswith(".json") else ".tfvars"
    copy = folder.path / f"{NEXT}-given{suffix}"
    try:
        copy.write_bytes(asked.var_file.read_bytes())
    except OSError as error:
        raise UsageError(f"cluster create: --var-file {asked.var_file}: {error.strerror}") from error
    return settings, (copy,)


def _accept(folder: Folder, settings: Path, given: tuple[Path, ...]) -> None:
    for old in folder.given():
        old.unlink()
    for path in (settings, *given):
        path.rename(path.with_name(path.name.removeprefix(f"{NEXT}-")))


def _apply(terraform: Terraform, when_stopped: str) -> None:
    try:
        terraform.apply()
    except StoppedHalfwayError as error:
        raise StoppedHalfwayError(f"{error}; {when_stopped}") from None


def _write_context(outputs: Outputs, programs: Programs, talk: Talk) -> bool:
    """The kubeconfig context, by the AWS CLI where there is one; whether it was written."""
    name, *arguments = shlex.split(outputs.kubeconfig_command)
    if programs.find(name) is None:
        talk.say(f"{name} is not on PATH; for a kubeconfig context run: {outputs.kubeconfig_command}")
        return False
    done = programs.run(name, *arguments)
    if done.code != 0:
        raise UnreachableError(
            f"the cluster is there, its kubeconfig context is not: {done.reason}; run: "
            f"{outputs.kubeconfig_command}"
        )
    talk.say(f"kubectl's current context is {outputs.cluster}")
    return True


def _reachable(
    terraform: Terraform, programs: Programs, talk: Talk, named_context: str | None
) -> Kubectl | None:
    """Kubectl on the very cluster, or None and a warning: half a cluster has to be removable too."""
    try:
        target = target_of(terraform.outputs(), programs, named_context, "cluster destroy")
    except SamezoneError as error:
        talk.say(f"warning: {error}; what is in the cluster goes with it, unlooked at")
        return None
    kubectl = Kubectl(programs, target.context)
    answer = kubectl.reach()
    if answer.code != 0:
        talk.say(
            f"warning: context {target.context} does not answer ({answer.reason}); nothing looked at in it"
        )
        return None
    return kubectl


def _same_server(one: str, other: str) -> bool:
    return one.rstrip("/").lower() == other.rstrip("/").lower()
