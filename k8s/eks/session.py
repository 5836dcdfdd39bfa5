"""What a person asks of an EKS cluster: which one is meant, what has to be there first, then it is done.

The doing is ``k8s/eks/lifecycle.py``'s. A cluster made here has a folder with Terraform's state; any other
one is known by kubectl's current context and a place file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from k8s.effects import Patience, Talk
from k8s.eks import kubectl, lifecycle, locustfiles, manifests
from k8s.eks.kubectl import Kubectl, KubectlContext
from k8s.eks.lifecycle import ClusterRequest
from k8s.eks.programs import Programs
from k8s.eks.terraform import Folder, Terraform
from k8s.eks.words import leftovers
from k8s.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class EksSession:
    """Where clusters made here are kept, and what may be used."""

    clusters: Path
    """A folder for each cluster below it."""
    programs: Programs
    talk: Talk
    clock: Callable[[], float]
    """Seconds since the epoch."""
    monotonic: Callable[[], float]
    """Seconds that only go forward."""
    sleep: Callable[[float], None]

    def folder(self, name: str) -> Folder:
        """The cluster's folder, whether it is there or not."""
        return Folder(path=(self.clusters / name).absolute())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """The manifests that a cluster shall have."""

    name: str
    """Of a cluster made here; not looked at with *place*."""
    overlay: str
    place: Path | None = None
    """A place.env, for a cluster that was not made here."""
    context: str | None = None
    """Has to be kubectl's current context; None: that one."""
    timeout_s: float
    """For each of operator and Deployments."""
    locustfile: Path | None = None
    """Whose users shall send when a load asks for them; None takes an earlier one away."""
    workers: int = 1
    """Load generators in each zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyRequest:
    """The cluster that shall go."""

    name: str
    context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsShown:
    """Our pods in a cluster."""

    cluster: KubectlContext
    lines: tuple[str, ...]
    """One a pod, by the zone it is in."""


def create(session: EksSession, request: ClusterRequest) -> None:
    """Make the cluster, or bring it to what is asked."""
    today = datetime.fromtimestamp(session.clock(), tz=UTC).date()
    lifecycle.create(request, session.folder(request.name), session.programs, session.talk, today=today)


def deploy(session: EksSession, request: DeployRequest) -> None:
    """Apply the manifests and wait for the pods; UsageError before anything is changed."""
    doing, programs = "cluster deploy", session.programs
    own = None if request.locustfile is None else locustfiles.read(request.locustfile)
    programs.require("kubectl", doing)
    if request.place is not None:
        cluster = kubectl.target(programs, request.context, doing)
        place = manifests.parse_place(_read(request.place))
    else:
        folder = _existing(
            session, request.name, doing, "for a cluster that was not made here give --place FILE"
        )
        programs.require("terraform", doing)
        outputs = Terraform(programs, folder, session.talk.say).outputs()
        cluster = lifecycle.target_of(outputs, programs, request.context, doing)
        place = dict(lifecycle.place_of(outputs))
    if cluster.credentials is not None:
        programs.require(cluster.credentials, doing)
    rendered = manifests.render(programs, request.overlay, place).with_workers(request.workers)
    rendered = locustfiles.filled(rendered, own)
    patience = Patience(
        timeout_s=request.timeout_s, clock=session.clock, monotonic=session.monotonic, sleep=session.sleep
    )
    lifecycle.deploy(rendered, cluster, programs, session.talk, patience, overlay=request.overlay)
    if request.place is None:
        session.talk.say(f"the cluster costs money until: make destroy CONTEXT={cluster.context}")


def destroy(session: EksSession, request: DestroyRequest) -> None:
    """Remove manifests and cluster; what it leaves is said before anything can be refused."""
    doing, programs = "cluster destroy", session.programs
    folder = session.folder(request.name)
    region = folder.read_settings().get("region", "region unknown")
    for line in leftovers(request.name, region, folder.path):
        session.talk.say(line)
    _existing(session, request.name, doing, "nothing was changed")
    programs.require("terraform", doing)
    has_kubectl = programs.find("kubectl") is not None
    if request.context is not None:
        programs.require("kubectl", doing)
        kubectl.target(programs, request.context, doing)
    lifecycle.destroy(folder, programs, session.talk, named_context=request.context, has_kubectl=has_kubectl)


def undeploy(session: EksSession, context: str | None) -> None:
    """Remove the manifests; the cluster stays. *context* has to be the current one; None: that one."""
    cluster = _current(session, context, "cluster undeploy")
    lifecycle.undeploy(cluster, session.programs, session.talk)


def pods(session: EksSession, context: str | None) -> PodsShown:
    """Our pods; *context* has to be the current one; None: that one."""
    cluster = _current(session, context, "cluster status")
    return PodsShown(cluster=cluster, lines=tuple(Kubectl(session.programs, cluster.context).pods_by_zone()))


def _current(session: EksSession, context: str | None, doing: str) -> KubectlContext:
    session.programs.require("kubectl", doing)
    return kubectl.target(session.programs, context, doing)


def _existing(session: EksSession, name: str, doing: str, otherwise: str) -> Folder:
    folder = session.folder(name)
    if not folder.has_resources():
        others = sorted(path.parent.name for path in folder.path.parent.glob("*/terraform.tfstate"))
        known = f"; known: {', '.join(others)}" if others else ""
        raise UsageError(f"{doing}: terraform knows no cluster {name} ({folder.state}){known}; {otherwise}")
    return folder


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
