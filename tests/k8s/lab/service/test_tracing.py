"""The pods' tracing set-up."""

import time

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from k8s.lab.service.tracing import XRayIdGenerator, flush, resource_of
from tests.k8s.lab.store.shop import pod


def test_the_resource_names_pod_zone_and_cluster() -> None:
    """What X-Ray makes name, origin and zone of."""
    attributes = dict(resource_of(pod("catalog-1", "127.78.1.1")).attributes)
    expected = {
        "service.name": "catalog-1",
        "k8s.pod.name": "catalog-1",
        "k8s.namespace.name": "catalog",
        "k8s.node.name": "node-a-1",
        "k8s.cluster.name": "samezone-lab",
        "host.id": "node-a-1",
        "cloud.provider": "aws",
        "cloud.platform": "aws_eks",
        "cloud.region": "eu-west-1",
        "cloud.availability_zone": "eu-west-1a",
    }
    assert expected == {key: attributes[key] for key in expected}


def test_trace_ids_begin_with_the_time_and_differ() -> None:
    """X-Ray finds traces by the time in their ids."""
    generator = XRayIdGenerator()
    ids = [generator.generate_trace_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(abs((one >> 96) - time.time()) < 60 for one in ids)


def test_a_flush_that_hangs_is_given_up() -> None:
    """The process must not wait half a minute for a collector that is away."""

    class Hanging(TracerProvider):
        def force_flush(self, timeout_millis: int | None = 30000) -> bool:
            del timeout_millis
            time.sleep(2)
            return True

    assert not flush(Hanging(shutdown_on_exit=False), deadline_s=0.05)


def test_a_flush_that_ends_is_done() -> None:
    """Nothing to wait for."""

    class Sink(SpanExporter):
        pass

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Sink()))
    assert flush(provider, deadline_s=5.0)
