"""Spans as an overlay's pods send them: the ui (Spring), the catalog (Go), our Locust worker's own bytes."""

import re
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.xray.spans import CLIENT, SERVER, Span, attributes_of, span_of
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.tracing import VERSION, Outcome, SpanEncoder, SpanIds
from tests.infra.collector_model import KnownCluster, KnownPod, Sent
from tests.infra.rendered import ZONE_LABEL, deployments

T0_S = 1_795_376_700
NS = 1_000_000_000
REQUESTS = 6
RUN_ID = "r-1"
PHASE = "measure"

PODS = {
    "locust-worker-5d6-a": ("locust", "node-a"),
    "ui-7c9-x1": ("ui", "node-a"),
    "ui-7c9-x2": ("ui", "node-b"),
    "catalog-6d5-y1": ("catalog", "node-b"),
    "catalog-6d5-y2": ("catalog", "node-c"),
    "catalog-6d5-y3": ("catalog", "node-a"),
}
ZONES = {f"node-{letter}": f"eu-west-1{letter}" for letter in "abc"}
IPS = {name: f"10.0.0.{number}" for number, name in enumerate(PODS, start=1)}
CLUSTER = KnownCluster(
    pods=tuple(
        KnownPod(name=name, namespace=space, node=node, ip=IPS[name]) for name, (space, node) in PODS.items()
    ),
    node_labels={node: {ZONE_LABEL: zone} for node, zone in ZONES.items()},
)
# What SDKs find by themselves, pod by pod: nothing, an EC2 instance (its metadata can be reached where the
# hop limit is 2), another cloud.
FOUND = {
    "ui-7c9-x1": {
        "telemetry.sdk.language": "java",
        "telemetry.distro.name": "opentelemetry-spring-boot-starter",
    },
    "ui-7c9-x2": {
        "telemetry.sdk.language": "java",
        "cloud.provider": "gcp",
        "cloud.platform": "gcp_kubernetes_engine",
    },
    "catalog-6d5-y2": {
        "cloud.provider": "aws",
        "cloud.platform": "aws_ec2",
        "cloud.region": "eu-west-1",
        "cloud.availability_zone": "eu-west-1c",
        "host.id": "i-0123456789abcdef0",
    },
}


def resource_in(target: str, pod: str) -> dict[str, Any]:
    """The resource of a store's pod: its OTEL variables as the manifest sets them, and what its SDK finds."""
    space, node = PODS[pod]
    one = next(found for found in deployments(target).values() if found["metadata"]["namespace"] == space)
    facts = {"metadata.name": pod, "metadata.namespace": space, "spec.nodeName": node}
    said: dict[str, str] = {}
    for variable in one["spec"]["template"]["spec"]["containers"][0]["env"]:
        source = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        value = facts[source] if source else variable["value"]
        said[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda match: said[match[1]], value)
    pairs = [pair.partition("=") for pair in said["OTEL_RESOURCE_ATTRIBUTES"].split(",")]
    own = {key: value for key, _, value in pairs} | {"service.name": said["OTEL_SERVICE_NAME"]}
    return FOUND.get(pod, {}) | own


@dataclass
class Ids:
    """Span ids 1, 2, ..."""

    last: int = 0

    def new(self) -> bytes:
        self.last += 1
        return self.last.to_bytes(8, "big")


def request(number: int, ids: Ids) -> tuple[tuple[str, Span], ...]:
    """(pod, span) of one page: worker -> ui -> two calls of the catalog; pods take turns."""
    trace, root = (T0_S).to_bytes(4, "big") + number.to_bytes(12, "big"), ids.new()
    names = list(PODS)
    ui, start_ns = names[1 + number % 2], T0_S * NS + number * NS // 2
    body = worker_bytes(SpanIds(trace=trace, span=root), start_ns)
    (message,) = body.resource_spans[0].scope_spans[0].spans
    made = [(names[0], span_of(message))]
    server = Span(
        trace_id=trace,
        span_id=ids.new(),
        parent_id=root,
        name="GET /home",
        kind=SERVER,
        start_ns=start_ns + 1_000_000,
        end_ns=start_ns + 50_000_000,
        attributes={"http.request.method": "GET", "url.path": "/home", "http.response.status_code": 200},
    )
    made.append((ui, server))
    for turn in range(2):
        call = replace(
            server,
            span_id=ids.new(),
            parent_id=server.span_id,
            name="GET",
            kind=CLIENT,
            attributes={
                "http.request.method": "GET",
                "url.full": "http://catalog.catalog.svc.cluster.local:80/catalog/size",
                "server.address": "catalog.catalog.svc.cluster.local",
                "http.response.status_code": 200,
            },
        )
        answer = replace(
            server,
            span_id=ids.new(),
            parent_id=call.span_id,
            name="/catalog/size",
            attributes={"http.method": "GET", "http.route": "/catalog/size", "http.status_code": 200},
        )
        made += [(ui, call), (names[3 + (number + turn) % 3], answer)]
    return tuple(made)


def worker_bytes(ids: SpanIds, start_ns: int) -> ExportTraceServiceRequest:
    """What the Locust worker really sends for a request."""
    name, (_, node) = next(iter(PODS.items()))
    placement = WorkerPlacement(
        pod=name,
        zone=ZONES[node],
        node=node,
        target_url="http://ui.ui:80",
        otlp_url="http://collector:4318",
        region="eu-west-1",
        cluster="samezone",
    )
    encoder = SpanEncoder(placement, run_id=RUN_ID, phase=PHASE, version=VERSION)
    outcome = Outcome(page="home", url="http://ui.ui:80/home", status=200)
    message = ExportTraceServiceRequest()
    message.ParseFromString(
        encoder.request_body([encoder.span(ids, start_ns, start_ns + 60_000_000, outcome)])
    )
    return message


def sent(target: str) -> list[Sent]:
    """What the pods of an overlay send for some requests, from their own addresses."""
    ids = Ids()
    spans = [pair for number in range(REQUESTS) for pair in request(number, ids)]
    worker = next(iter(PODS))
    own = attributes_of(
        worker_bytes(SpanIds(trace=b"t" * 16, span=b"s" * 8), 1).resource_spans[0].resource.attributes
    )
    return [
        Sent(
            connection=IPS[pod],
            resource=own if pod == worker else resource_in(target, pod),
            spans=tuple(span for owner, span in spans if owner == pod),
        )
        for pod in PODS
    ]
