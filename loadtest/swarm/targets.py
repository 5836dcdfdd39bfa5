"""What a load will be sent to, found and checked before anything is changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from k8s.errors import NotFoundError, UsageError
from k8s.model.entries import Entries
from k8s.routing.leads import Leads, leads_to
from k8s.topology import Service, ServiceKey
from loadtest.record import Asked, Caveat
from loadtest.worker.placement import NAMESPACE

CLUSTER_DOMAIN: Final = "svc.cluster.local"
"""Written out: a shorter name is tried along the whole search list for every connection."""
_USUAL = (80, 8080)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is loaded."""

    line: str
    """For a person, before the load."""
    caveats: tuple[Caveat, ...] = ()


def aim(asked: Asked, default: str, read: Callable[[str], Entries], *, unchecked: bool) -> Aim:
    """What *asked* will load; UsageError where that does not lead to its client, or nobody can tell.

    *default* is told for a load that names no target; *read* finds out what there is for a URL. With
    *unchecked* a URL that nobody can tell of is a caveat; one that leads elsewhere is refused all the same.
    """
    target, client = asked.plan.target, asked.client
    caveats = []
    if target.insecure:
        caveats.append(
            Caveat(code="target-insecure", text=f"Certificates of {target.url or default} went unverified.")
        )
    if not target.url:
        return Aim(line=f"target   {default}", caveats=tuple(caveats))
    lead = leads_to(target.url, read(target.url), client, namespace=NAMESPACE)
    if lead.leads is Leads.ELSEWHERE:
        raise UsageError(
            f"--target {target.url} leads elsewhere than to the client Service {client}: {lead.what}; "
            "nothing was changed; give the --client that it leads to, or another target"
        )
    if lead.leads is Leads.UNKNOWN and not unchecked:
        raise UsageError(
            f"--target {target.url}: nobody can tell whether it leads to the client Service {client}: "
            f"{lead.what}; nothing was changed; if you know that it does, give --target-unchecked"
        )
    if lead.leads is Leads.UNKNOWN:
        text = f"Whether {target.url} leads to Service {client} was not checked: {lead.what}."
        caveats.append(Caveat(code="target-unchecked", text=text))
    return Aim(line=f"target   {target.url} ({lead.what})", caveats=tuple(caveats))


def client_of(read: Callable[[ServiceKey], Service], key: ServiceKey) -> Service:
    """Who is loaded; NotFoundError says what else there is to do where it is no Service."""
    try:
        return read(key)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error}; a client without a Service cannot be loaded: measure the calls that it makes by "
            "itself with: samezone experiment --traffic live"
        ) from None


def default_url(service: Service) -> str:
    """The client Service as its pods' neighbours call it; UsageError where it has no port to be called at."""
    if not service.ports:
        raise UsageError(f"Service {service.key} has no port to send load to; give --target URL")
    port = min(service.ports, key=lambda one: (_rank(one.name, one.port), service.ports.index(one)))
    scheme = "https" if _is_https(port.name, port.port) else "http"
    return f"{scheme}://{service.name}.{service.namespace}.{CLUSTER_DOMAIN}:{port.port}"


def _rank(name: str, port: int) -> int:
    if _is_https(name, port):
        return len(_USUAL) + 2
    if name.startswith("http") or name == "web":
        return 0
    return 1 + _USUAL.index(port) if port in _USUAL else len(_USUAL) + 1


def _is_https(name: str, port: int) -> bool:
    return name.startswith("https") or (port == 443 and not name.startswith("http"))  # noqa: PLR2004


def at_nodes(client: ServiceKey) -> str:
    """How the lab's own way to the client is told."""
    return f"Service {client} at its address on each worker's node"
