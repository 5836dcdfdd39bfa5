"""The pods' OpenTelemetry set-up: batches over OTLP/HTTP protobuf, and a flush with a deadline of its own."""

import random
import threading
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from k8s.lab.service.pod_settings import PodSettings

QUEUE_SPANS = 16384
BATCH_SPANS = 512
DELAY_S = 1.0
EXPORT_TIMEOUT_S = 4.0
FLUSH_DEADLINE_S = 5.0
CLUSTER_NAME = "samezone-lab"


class XRayIdGenerator(RandomIdGenerator):
    """Trace ids that begin with the time, as the sample's services make them: X-Ray can search by it."""

    def generate_trace_id(self) -> int:
        """32 bits of seconds since the epoch, 96 random ones."""
        return int(time.time()) << 96 | random.getrandbits(96)


def resource_of(pod: PodSettings) -> Resource:
    """What the spans say of the pod; ``cloud.*`` and ``host.id`` become X-Ray's ``aws`` block."""
    return Resource.create(
        {
            "service.name": pod.name,
            "k8s.pod.name": pod.name,
            "k8s.node.name": pod.node,
            "k8s.namespace.name": pod.namespace,
            "k8s.cluster.name": CLUSTER_NAME,
            "cloud.provider": "aws",
            "cloud.platform": "aws_eks",
            "cloud.region": pod.region,
            "cloud.availability_zone": pod.zone,
            "host.id": pod.node,
        }
    )


def start_tracing(pod: PodSettings) -> TracerProvider:
    """A provider that exports; it starts a thread, so call it in the process that makes the spans."""
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON),
        resource=resource_of(pod),
        id_generator=XRayIdGenerator(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(endpoint=pod.otlp_url, timeout=EXPORT_TIMEOUT_S),
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=DELAY_S * 1000,
            max_export_batch_size=BATCH_SPANS,
        )
    )
    return provider


def flush(provider: TracerProvider, deadline_s: float = FLUSH_DEADLINE_S) -> bool:
    """Export what is left; False if that was not done in time.

    The SDK's own flush takes no notice of its timeout (as of 1.45), and a collector that is away would hold
    the process for half a minute.
    """
    thread = threading.Thread(target=provider.force_flush, name="flush", daemon=True)
    thread.start()
    thread.join(deadline_s)
    return not thread.is_alive()
