"""Puts the API objects that a lab starts with into its API."""

from typing import Protocol

from k8s.lab.design import seeds
from k8s.lab.design.seeds import Object
from k8s.lab.run.lineup import LabPlan


class Creator(Protocol):
    """The part of the API that objects are created with."""

    def create(self, obj: Object) -> Object:
        """POST an object; the one that is there, if its name is taken. ApiError if it is refused."""


def seed(plan: LabPlan, api: Creator, now: str) -> None:
    """Namespaces, nodes, Services, and workloads with their pods; *now* as the API writes it."""
    app = plan.settings.app
    for name in dict.fromkeys((*seeds.NAMESPACES, *app.namespaces)):
        api.create(seeds.namespace_object(name))
    for node in plan.layout.nodes:
        api.create(seeds.node_object(node, plan.settings.region, now))
    for extra in plan.settings.extra_nodes:
        api.create(seeds.extra_node_object(extra, plan.settings.region, now))
    for service in app.services:
        pods = [pod for pod in plan.layout.pods if pod.service == service]
        api.create(seeds.service_object(service, plan.layout.addresses.cluster_ip(app.number(service))))
        deployment = api.create(seeds.deployment_object(service, pods))
        replica_set = api.create(seeds.owned(seeds.replica_set_object(pods), deployment))
        for pod in pods:
            api.create(seeds.owned(seeds.pod_object(pod), replica_set))
