"""What a source may know of the cluster: which names and addresses stand for what sends documents."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.placement import Timeline, workload_of
from k8s.topology import Service, ServiceKey, Snapshot, Zone
from loadtest.record import RunRecord

_PORT = re.compile(r":\d+$")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The names of the cluster in which a run was made; empty while a source is only polled."""

    workloads: Mapping[str, str] = field(default_factory=dict)
    """Name or address -> workload: workloads, pods, Services (``name``, ``name.namespace``), their cluster
    addresses, pod addresses."""
    callers: frozenset[str] = frozenset()
    """Workloads whose calls are under study: the client of the pair, and the load generator's workers."""
    generators: frozenset[str] = frozenset()
    """The workers' own names, and their workload's."""
    pods: Mapping[str, str] = field(default_factory=dict)
    """Name, uid or address -> the name of the only pod that had it."""
    nodes: Mapping[str, Zone] = field(default_factory=dict)
    """Name or instance id of a node -> its zone."""
    goes_on: bool = False
    """Traffic does not stop at the window's ends: calls are under way there."""
    entrance: str = ""
    """The workload that the load generator sends to; empty where that is not known."""

    def workload_at(self, name: str) -> str | None:
        """The workload behind a pod's, workload's or Service's name, a Service's host, or an address.

        A host may carry a scheme, a port, a path and the cluster's domain; None for anything outside.
        """
        if name in self.workloads:
            return self.workloads[name]
        host = _PORT.sub("", _SCHEME.sub("", name.lower()).partition("/")[0]).strip("[]").rstrip(".")
        if host in self.workloads:
            return self.workloads[host]
        labels = host.split(".")
        # <service>.<namespace>.svc[.<cluster domain>], with a pod's host name before it for headless Services
        if "svc" in labels[2:]:
            at = labels.index("svc", 2)
            return self.workloads.get(".".join(labels[at - 2 : at]))
        return None

    def pod_of(self, words: Iterable[str]) -> str | None:
        """The pod that the first of these names, uids or addresses stands for."""
        return next((self.pods[word] for word in words if word in self.pods), None)

    def zone_of(self, words: Iterable[str]) -> Zone | None:
        """The zone of the first of these nodes that is known."""
        return next((self.nodes[word] for word in words if word in self.nodes), None)

    def studied(self, client: str) -> bool:
        """Whether the calls of this client are under study."""
        return client in self.generators or self.workloads.get(client, client) in self.callers


def facts_of(record: RunRecord, topology: Sequence[Snapshot], timeline: Timeline) -> Facts:
    """What a run's own artifacts say of the names in its cluster."""
    load, asked = record.seen.measured, record.asked
    generators = frozenset(worker.worker for worker in load.workers) if load else frozenset()
    found = _workloads(
        topology,
        timeline,
        first=(*asked.services, asked.client, *asked.callers),
        before=tuple(one.service_before for one in record.seen.services),
        namespaces=frozenset(asked.namespaces),
    )
    callers = (workload_of(key, topology, timeline) for key in _callers(record))
    return Facts(
        workloads=found,
        callers=frozenset({*callers, *map(timeline.workload, generators)}),
        generators=generators | {str(timeline.workload(one)) for one in generators},
        pods=_pods(topology),
        nodes=_nodes(topology),
        goes_on=asked.is_live,
        entrance="" if asked.plan.target.url else str(workload_of(asked.client, topology, timeline)),
    )


def facts_without_run(
    topology: Sequence[Snapshot], timeline: Timeline, *, first: Sequence[ServiceKey] = ()
) -> Facts:
    """What a topology alone says of the names in its cluster: nobody's load, and every caller is under study.

    Of two Services with one name the one in *first* is meant.
    """
    found = _workloads(topology, timeline, first=first)
    return Facts(
        workloads=found, callers=frozenset(found.values()), pods=_pods(topology), nodes=_nodes(topology)
    )


def _workloads(
    topology: Sequence[Snapshot],
    timeline: Timeline,
    *,
    first: Sequence[ServiceKey],
    before: Sequence[Service] = (),
    namespaces: frozenset[str] | None = None,
) -> dict[str, str]:
    """Name or address -> workload; of two Services with one name those in *first* are under study.

    The workloads' own names are those of *namespaces*, or of all where none are given: elsewhere a bare name
    may be a host's or a database's, and no pod of it needs to report.
    """
    found: dict[str, str] = {}
    for snapshot in topology:
        for pod in snapshot.pods:
            workload = timeline.workload(pod.name)
            bare = workload if namespaces is None or pod.namespace in namespaces else None
            _learn(found, (pod.name, bare, pod.ip), workload)
    services = [one for snapshot in topology for one in snapshot.services]
    addresses = [
        *((one.key, one.cluster_ip) for one in (*before, *services)),
        *((ServiceKey(namespace=one.namespace, name=one.service), None)
          for snapshot in topology for one in snapshot.slices if one.service),
    ]  # fmt: skip
    # Once each: to look is to go through all slices, and every snapshot names every Service.
    behind = {key: workload_of(key, topology, timeline) for key in dict.fromkeys(key for key, _ in addresses)}
    asked = {key: workload_of(key, topology, timeline) for key in first}
    for key, workload in {**asked, **behind}.items():
        _learn(found, (key.name, f"{key.namespace}.{key.name}", f"{key.name}.{key.namespace}"), workload)
    for key, address in addresses:
        _learn(found, (address,), behind[key])
    return found


def _callers(record: RunRecord) -> tuple[ServiceKey, ...]:
    """Who calls the Services under study; where nobody told, the one before it calls each further one."""
    asked = record.asked
    return (asked.client, *asked.callers, *asked.services[len(asked.callers) : -1])


def _pods(topology: Sequence[Snapshot]) -> dict[str, str]:
    """What names one pod and no other: its name, its uid, its address unless another pod had it, too."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for snapshot in topology:
        for pod in snapshot.pods:
            for word in (pod.name, pod.uid, pod.ip):
                if word and found.setdefault(word, pod.name) != pod.name:
                    several.add(word)
    return {word: name for word, name in found.items() if word not in several}


def _nodes(topology: Sequence[Snapshot]) -> dict[str, Zone]:
    """Nodes by name and by the last part of their provider's id, which is the instance's on AWS."""
    found: dict[str, Zone] = {}
    for snapshot in topology:
        for node in snapshot.nodes:
            if node.zone is not None:
                for word in (node.name, node.provider_id.rpartition("/")[2]):
                    if word:
                        found[word] = node.zone
    return found


def _learn(found: dict[str, str], names: Iterable[str | None], workload: str) -> None:
    for name in names:
        if name and name != "None":  # a headless Service's address
            found.setdefault(name, workload)
