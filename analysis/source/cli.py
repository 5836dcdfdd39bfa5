"""Which X-Ray a command reads: AWS, the lab's stand-in, or a stand-in that runs in the cluster."""

import argparse
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from analysis.source.xray.client import XRay
from analysis.source.xray.xray_source import XRaySource
from k8s.cli import service_key
from k8s.console import Io
from k8s.errors import UnreachableError
from k8s.lab import state as lab_state
from k8s.live.cluster import LiveCluster, connect
from k8s.live.forward import Forward
from k8s.model import objects
from k8s.topology import ServiceKey
from loadtest.record import Place

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_XRAY"


def add_options(into: argparse.ArgumentParser) -> None:
    """Options that name an X-Ray."""
    into.add_argument("--xray-endpoint", help=f"default: {ENDPOINT_VARIABLE}, or the lab's stand-in, or AWS")
    into.add_argument(
        "--xray-service", type=service_key, metavar="NS/NAME", help="an X-Ray stand-in in the cluster"
    )
    into.add_argument("--region", help="default: the place's")


@contextmanager
def xray_of(args: argparse.Namespace, io: Io, place: Place) -> Iterator[XRaySource]:
    """The X-Ray that holds the traces of *place*; a port-forward to it lasts as long as the context."""
    on_lab = place.platform == "lab"
    region = args.region or place.region or None
    if args.xray_service is not None and not on_lab:
        cluster = connect(getattr(args, "kubeconfig", None), place.context)
        with Forward(lambda: _dial(cluster, args.xray_service)) as forward:
            yield XRaySource(
                XRay(region=region or "us-east-1", endpoint_url=forward.url, dummy_credentials=True)
            )
        return
    endpoint = args.xray_endpoint or io.environment.get(ENDPOINT_VARIABLE)
    if endpoint is None and on_lab:
        endpoint = lab_state.load(io.lab_dir).xray_url
    yield XRaySource(XRay(region=region, endpoint_url=endpoint, dummy_credentials=on_lab))


def _dial(cluster: LiveCluster, key: ServiceKey) -> socket.socket:
    """A stream to a ready pod behind a Service."""
    service = cluster.service(key)
    selector = ",".join(f"{name}={value}" for name, value in service.selector)
    path = f"/api/v1/namespaces/{key.namespace}/pods"
    target = service.ports[0].target_port
    for raw in cluster.raw_items(path, {"labelSelector": selector}):
        pod = objects.pod(raw)
        if pod.ready and not pod.terminating:
            port = dict(objects.container_ports(raw)).get(target, target)
            return cluster.stream(key.namespace, str(pod.name), int(port))
    raise UnreachableError(f"reaching Service {key}: no pod of it is ready; see: kubectl get pods -A")
