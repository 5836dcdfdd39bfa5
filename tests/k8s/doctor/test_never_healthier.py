"""The doctor never promises more than the predictor does for the same clients."""

import random
import re
from dataclasses import replace

import pytest

from k8s.doctor.examination import diagnose
from k8s.doctor.place import place_of
from k8s.errors import UsageError
from k8s.model.agents import agent
from k8s.model.scene import Agent, AgentKind, Scene
from k8s.predict.carriage import carriage_of
from k8s.predict.clients import of_pods, pods_of, usual_clients
from k8s.predict.prediction import predict
from k8s.predict.starting_point import families_of, starting_point
from k8s.topology import Pod, PodName, ServiceKey
from tests.k8s.doctor.doctor_cases import KEY
from tests.k8s.doctor.test_survey import made_up

CALLER = ServiceKey(namespace="front", name="front")
SHARE = re.compile(r"(\d+\.\d+)\u00a0%")
IMAGES = (
    "registry.k8s.io/kube-proxy:v1.35.1",
    "registry.k8s.io/kube-proxy:v1.30.2",
    "quay.io/cilium/cilium:v1.18.1",
    "cloudnativelabs/kube-router:v2.1.3",
    "antrea/antrea-agent-ubuntu:v2.3.0",
)
CLIENT_IMAGES = ("app:1", "docker.io/istio/proxyv2:1.27.1", "traefik:v3.1", "envoyproxy/envoy:v1.33.0")


def with_carriers(place: Scene, rng: random.Random) -> Scene:
    """Whatever proxies on the nodes, some of them Windows, and clients of every kind."""
    agents: list[Agent] = []
    nodes = []
    for node in place.snapshot.nodes:
        if rng.random() < 0.1:
            node = replace(node, labels=(*node.labels, ("kubernetes.io/os", "windows")))  # noqa: PLW2901
        nodes.append(node)
        if rng.random() < 0.9:
            image = IMAGES[0] if rng.random() < 0.6 else rng.choice(IMAGES)
            found = agent(_raw(f"agent-{node.name}", "kube-system", node.name, image))
            agents += [found] if found else []
    callers = []
    for number in range(rng.choice((0, 1, 3, 5))):
        on = rng.choice(nodes).name
        image = rng.choice(CLIENT_IMAGES)
        found = agent(_raw(f"front-{number}", "front", on, image))
        agents += [found] if found else []
        callers.append(
            Pod(namespace="front", name=PodName(f"front-{number}"), node=on, labels=(("app", "front"),))
        )
    snapshot = replace(place.snapshot, nodes=tuple(nodes), pods=(*place.snapshot.pods, *callers))
    minors = tuple(
        (one.node, 35 if "1.35" in one.image else 30)
        for one in agents
        if one.kind is AgentKind.KUBE_PROXY and one.node
    )
    return replace(place, snapshot=snapshot, agents=tuple(agents), proxy_minors=tuple(sorted(minors)))


def _raw(name: str, namespace: str, node: str, image: str) -> dict[str, object]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": image}]},
    }


def promised(place: Scene, client: ServiceKey | None) -> float | None:
    """The least share that a healthy verdict names, in percent; None where nothing is promised."""
    found = diagnose(place_of(place), KEY, client, store_pools=False)
    if not found.healthy:
        return None
    return min((float(share) for share in SHARE.findall(found.findings[0].meaning)), default=None)


def predicted(place: Scene, client: ServiceKey | None) -> float | None:
    """The least share of the first family under the mode that is set, in percent."""
    carriage, snapshot = carriage_of(place), place.snapshot
    if client is None:
        clients = usual_clients(snapshot, KEY, carriage)
    else:
        clients = of_pods(pods_of(snapshot, client), snapshot.nodes, str(client), carriage)
    service = snapshot.services[0]
    start = starting_point(place, KEY, clients, family=families_of(service, snapshot)[0])
    mode = diagnose(place_of(place), KEY).mode
    share = predict(start, mode).share
    return None if share is None else float(share[0]) * 100


@pytest.mark.parametrize("seed", range(300))
def test_no_more_than_predicted(seed: int) -> None:
    """On made-up places, for the assumed clients and for named ones."""
    rng = random.Random(seed)
    place = with_carriers(made_up(rng), rng)
    named = [CALLER] if any(pod.namespace == "front" for pod in place.snapshot.pods) else []

    for client in (None, *named):
        try:
            least = promised(place, client)
            expected = predicted(place, client)
        except UsageError:
            continue
        if least is not None and expected is not None:
            assert least <= expected + 0.051, (seed, client)
