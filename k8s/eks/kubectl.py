"""kubectl, always with a named context: what an apply, a removal and the checks before them take."""

import json
from dataclasses import dataclass
from typing import Final

from k8s.effects import Patience
from k8s.eks.manifests import OURS, Rendered, as_list
from k8s.eks.programs import Done, Programs
from k8s.errors import UnreachableError, UsageError
from k8s.model.objects import Raw
from k8s.topology import ZONE_LABEL

COLLECTORS: Final = "opentelemetrycollectors.opentelemetry.io"
APPLY: Final = ("apply", "--server-side", "--force-conflicts", "--field-manager=samezone", "-f", "-")
"""Server-side: the ConfigMaps with our modules are too large for the annotation of a client-side apply."""
_NOT_YET: Final = ("failed calling webhook", "conversion webhook", "no matches for kind")
"""What the API server says while the operator's webhook does not answer, or its types are new."""
_REQUEST_TIMEOUT: Final = "--request-timeout=15s"
_RETRY_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KubectlContext:
    """A kubeconfig context and what is behind it."""

    context: str
    server: str
    credentials: str | None
    """The program that kubectl runs for credentials."""


def target(programs: Programs, named: str | None, doing: str) -> KubectlContext:
    """The current context; UsageError when there is none, or when *named* is another one."""
    current = programs.run("kubectl", "config", "current-context")
    context = current.out.strip() if current.code == 0 else ""
    if not context:
        raise UsageError(f"{doing}: kubectl has no current context; run: kubectl config use-context NAME")
    if named is not None and named != context:
        raise UsageError(
            f"{doing}: the current context is {context}, not {named}; run: kubectl config use-context {named}"
        )
    view = programs.run("kubectl", "config", "view", "--minify", "--context", context, "-o", "json")
    if view.code != 0:
        raise UsageError(f"{doing}: context {context} is not usable: {view.reason}")
    config = json.loads(view.out)
    clusters, users = config.get("clusters") or [], config.get("users") or []
    if not clusters:
        raise UsageError(f"{doing}: context {context} names no cluster; look at: kubectl config view")
    command = users[0]["user"].get("exec", {}).get("command") if users else None
    return KubectlContext(context=context, server=clusters[0]["cluster"]["server"], credentials=command)


class Kubectl:
    """Commands against one context."""

    def __init__(self, programs: Programs, context: str) -> None:
        self._programs = programs
        self.context = context

    def reach(self) -> Done:
        """Whether the API server answers."""
        return self.ask("version", _REQUEST_TIMEOUT)

    def foreign_namespaces(self, rendered: Rendered) -> tuple[str, ...]:
        """Namespaces of the overlay that exist without our label: somebody else's."""
        wanted = {one["metadata"]["name"] for one in rendered.of_kind("Namespace")}
        found = {one["metadata"]["name"] for one in self._items("namespaces")}
        ours = {one["metadata"]["name"] for one in self._items("namespaces", "-l", OURS)}
        return tuple(sorted(wanted & found - ours))

    def strays(self, rendered: Rendered) -> tuple[tuple[str, str], ...]:
        """Our Deployments that the overlay lacks: another one's, whose pods the Services would count.

        Those that the operator owns are its own affair.
        """
        found = {
            (one["metadata"]["namespace"], one["metadata"]["name"])
            for one in self._items("deployments", "-A", "-l", OURS)
            if not one["metadata"].get("ownerReferences")
        }
        return tuple(sorted(found - set(rendered.deployments)))

    def billed_by_others(self) -> tuple[str, ...]:
        """Load balancers and disks that objects of the cluster stand for; ours make none."""
        balancers = [
            f"Service {_name(one)} (load balancer)"
            for one in self._items("services", "-A")
            if one["spec"].get("type") == "LoadBalancer"
        ]
        ingresses = [f"Ingress {_name(one)} (load balancer)" for one in self._items("ingresses", "-A")]
        disks = [f"PersistentVolumeClaim {_name(one)} (disk)" for one in self._items("pvc", "-A")]
        return tuple(balancers + ingresses + disks)

    def apply(self, objects: tuple[Raw, ...], doing: str) -> None:
        """Make the objects so."""
        self._must(doing, *APPLY, stdin=as_list(objects))

    def await_operator(self, collectors: tuple[Raw, ...], patience: Patience) -> None:
        """Until the collectors would be accepted: their type is there and the operator's webhook answers.

        Their namespaces have to be there. UnreachableError after the timeout, or when they are refused.
        """
        deadline_s = patience.monotonic() + patience.timeout_s
        while True:
            tried = self.ask(*APPLY, "--dry-run=server", stdin=as_list(collectors))
            if tried.code == 0:
                return
            if not any(sign in tried.err for sign in _NOT_YET):
                raise UnreachableError(f"collector, dry run in context {self.context}: {tried.reason}")
            if patience.monotonic() > deadline_s:
                raise UnreachableError(
                    f"the OpenTelemetry operator in context {self.context} is not ready after "
                    f"{patience.timeout_s:.0f} s ({tried.reason}); is the EKS add-on adot ACTIVE?"
                )
            patience.sleep(_RETRY_S)

    def await_rollout(self, namespace: str, name: str, patience: Patience) -> None:
        """Until a Deployment has all its pods; it need not exist yet."""
        deadline_s = patience.monotonic() + patience.timeout_s
        while self.ask("get", "deployment", name, "-n", namespace, "-o", "name", _REQUEST_TIMEOUT).code != 0:
            if patience.monotonic() > deadline_s:
                raise UnreachableError(f"Deployment {namespace}/{name} is not there: nobody made it")
            patience.sleep(_RETRY_S)
        left_s = max(1, round(deadline_s - patience.monotonic()))
        done = self.ask("rollout", "status", f"deployment/{name}", "-n", namespace, f"--timeout={left_s}s")
        if done.code != 0:
            raise UnreachableError(
                f"Deployment {namespace}/{name}: {done.reason}; look at: kubectl --context {self.context} "
                f"-n {namespace} get pods,events"
            )

    def delete_deployments(self, keys: tuple[tuple[str, str], ...]) -> None:
        """Remove Deployments and their pods."""
        for namespace, name in keys:
            self._must(f"deployment {namespace}/{name}", "delete", "deployment", name, "-n", namespace)

    def delete_ours(self) -> None:
        """Remove all that the manifests made; collectors first, while the operator can take its part away."""
        selected = ("-l", OURS, "--ignore-not-found", "--timeout=300s")
        if self.ask("get", "crd", COLLECTORS, "-o", "name").code == 0:
            self._must("collectors", "delete", COLLECTORS, "-A", *selected)
        self._must("namespaces", "delete", "namespaces,clusterroles,clusterrolebindings", *selected)

    def pods_by_zone(self) -> tuple[str, ...]:
        """``zone  namespace/pod  readiness`` of every pod of ours, sorted; a zone not known is a dash."""
        nodes = {
            node["metadata"]["name"]: node["metadata"].get("labels", {}) for node in self._items("nodes")
        }
        lines = []
        for pod in self._items("pods", "-A", "-l", OURS):
            zone = nodes.get(pod["spec"].get("nodeName"), {}).get(ZONE_LABEL) or "-"
            conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
            ready = "ready" if conditions.get("Ready") == "True" else pod["status"].get("phase", "?").lower()
            lines.append(f"{zone:<14}  {_name(pod)}  {ready}")
        return tuple(sorted(lines)) or ("no pod of ours; run: make deploy",)

    def ask(self, *arguments: str, stdin: str = "") -> Done:
        """One command, whatever its exit code."""
        return self._programs.run("kubectl", "--context", self.context, *arguments, stdin=stdin)

    def _must(self, doing: str, *arguments: str, stdin: str = "") -> str:
        done = self.ask(*arguments, stdin=stdin)
        if done.code != 0:
            verb = arguments[0]
            raise UnreachableError(f"kubectl {verb} of {doing} in context {self.context}: {done.reason}")
        return done.out

    def _items(self, what: str, *arguments: str) -> list[Raw]:
        answer = self._must(what, "get", what, *arguments, "-o", "json", _REQUEST_TIMEOUT)
        return list(json.loads(answer)["items"])


def _name(one: Raw) -> str:
    return f"{one['metadata']['namespace']}/{one['metadata']['name']}"
