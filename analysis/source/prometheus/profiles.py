"""What a mesh's or an exporter's metric counts, and which of its labels say who called whom (values).

Names of metrics and labels are those of the projects' own documentation, read in November 2026; which of
them a store really holds, ``PrometheusSource.preflight`` asks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analysis.source.interface import CountUnit, Grain

HA_LABELS: Final = ("replica", "prometheus_replica", "__replica__")
"""What tells two Prometheus servers that scrape the same targets apart, as Thanos and Mimir name it."""
UNKNOWN: Final = ("unknown",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How to read calls off one metric."""

    name: str
    metric: str
    """A counter's name, or a regular expression for several where *is_pattern*."""
    unit: CountUnit
    grain: Grain
    client: tuple[str, ...]
    """SeriesLabels of the caller's name; the first that is known counts."""
    server: tuple[str, ...]
    trap: str
    """How these counts mislead who does not know; a sentence."""
    is_pattern: bool = False
    """The metric's name holds the zones: its group ``zones`` is both, the caller's first."""
    client_namespace: str = ""
    server_namespace: str = ""
    client_zone: str = ""
    """The label; empty where there is none, and pods or workloads are placed by the cluster."""
    server_zone: str = ""
    locality: str = ""
    """A label that says whether both are in one zone."""
    local: tuple[str, ...] = ()
    """Its values that mean yes: then the zone that is stated is both sides'."""
    filters: tuple[str, ...] = ()
    """Of the selector, in PromQL: ``reporter="source"``."""
    unknown: tuple[str, ...] = UNKNOWN
    """Values of labels that mean that it is not known, besides the empty one."""
    error_label: str = ""
    fault_values: str = ""
    """A regular expression: values of that label that mean 5xx, or no answer."""
    error_values: str = ""
    """Likewise 4xx."""
    latency_sum: str = ""
    """A counter of the response times' sum."""
    latency_buckets: str = ""
    """A classic histogram of them."""
    latency_unit_s: float = 1.0
    """What one of either is, in seconds."""
    losses: tuple[str, ...] = ()
    """Counters of what was dropped or could not be paired."""
    multiplier: int = 1
    """Of how many one was counted."""
    ha_labels: tuple[str, ...] = HA_LABELS

    @property
    def by(self) -> tuple[str, ...]:
        """The labels that a table of pairs keeps."""
        named = (
            *self.client, self.client_namespace, self.client_zone,
            *self.server, self.server_namespace, self.server_zone, self.locality,
        )  # fmt: skip
        return tuple(dict.fromkeys(label for label in named if label))


ZTUNNEL: Final = Profile(
    name="ztunnel",
    metric="istio_tcp_connections_opened_total",
    unit=CountUnit.CONNECTIONS,
    grain=Grain.WORKLOAD,
    client=("source_workload",),
    client_namespace="source_workload_namespace",
    client_zone="source_zone",
    server=("destination_workload",),
    server_namespace="destination_workload_namespace",
    server_zone="destination_zone",
    filters=('reporter="source"',),
    trap=(
        "Both ends report each connection, so only the caller's report is counted: calls from outside the "
        "mesh are not among them; zones are stated since Istio 1.25."
    ),
)
LINKERD: Final = Profile(
    name="linkerd",
    metric="response_total",
    unit=CountUnit.REQUESTS,
    grain=Grain.POD,
    client=("pod", "deployment"),
    client_namespace="namespace",
    server=("dst_pod", "dst_deployment"),
    server_namespace="dst_namespace",
    server_zone="dst_zone",
    locality="dst_zone_locality",
    local=("local",),
    filters=('direction="outbound"',),
    error_label="status_code",
    fault_values="5..",
    error_values="4..",
    latency_sum="response_latency_ms_sum",
    latency_buckets="response_latency_ms_bucket",
    latency_unit_s=0.001,
    trap=(
        "The callee's proxy counts each request once more as inbound, so outbound alone is counted; the "
        "caller's zone is stated only where the locality is local, else the cluster places its pod."
    ),
)
ISTIO: Final = Profile(
    name="istio",
    metric="istio_requests_total",
    unit=CountUnit.REQUESTS,
    grain=Grain.WORKLOAD,
    client=("source_workload",),
    client_namespace="source_workload_namespace",
    client_zone="source_zone",
    server=("destination_workload",),
    server_namespace="destination_workload_namespace",
    server_zone="destination_zone",
    filters=('reporter="source"',),
    error_label="response_code",
    fault_values="5..|0",
    error_values="4..",
    latency_sum="istio_request_duration_milliseconds_sum",
    latency_buckets="istio_request_duration_milliseconds_bucket",
    latency_unit_s=0.001,
    trap=(
        "Sidecars state no zones unless a Telemetry resource adds the labels source_zone and "
        "destination_zone: without them these calls are of unknown zones."
    ),
)
ENVOY: Final = Profile(
    name="envoy",
    metric="envoy_cluster_zone_(?P<zones>.+)_upstream_rq_xx",
    is_pattern=True,
    unit=CountUnit.REQUESTS,
    grain=Grain.SERVICE,
    client=("app", "pod", "job"),
    client_namespace="namespace",
    server=("envoy_cluster_name",),
    error_label="envoy_response_code_class",
    fault_values="5",
    error_values="4",
    trap=(
        "Envoy counts by zones only where its own zone and the endpoint's are both configured: calls to "
        "endpoints without a zone are not among these counts, and the names of the zones are read off the "
        "metric's name, in which - is written as _."
    ),
)
OBI: Final = Profile(
    name="obi",
    metric="obi_network_flow_bytes_total",
    unit=CountUnit.BYTES,
    grain=Grain.WORKLOAD,
    client=("k8s_src_owner_name",),
    client_namespace="k8s_src_namespace",
    client_zone="src_zone",
    server=("k8s_dst_owner_name",),
    server_namespace="k8s_dst_namespace",
    server_zone="dst_zone",
    filters=('direction!="ingress"',),
    trap=(
        "Both nodes of a flow report it, so ingress is left out: where the label direction was not selected, "
        "bytes between nodes count twice; answers are flows of their own; zones are labels only where they "
        "were selected, and obi_network_inter_zone_bytes_total counts a flow without a zone as a crossing."
    ),
)
SERVICEGRAPH: Final = Profile(
    name="servicegraph",
    metric="traces_service_graph_request_total",
    unit=CountUnit.REQUESTS,
    grain=Grain.SERVICE,
    client=("client",),
    client_zone="client_cloud_availability_zone",
    server=("server",),
    server_zone="server_cloud_availability_zone",
    unknown=("unknown", "user"),
    latency_sum="traces_service_graph_request_client_seconds_sum",
    latency_buckets="traces_service_graph_request_client_seconds_bucket",
    losses=("traces_service_graph_unpaired_spans_total", "traces_service_graph_dropped_spans_total"),
    trap=(
        "Calls are missing where the two spans of a call reach two instances of the collector, or where "
        "traces are sampled before; the dimension cloud.availability_zone makes the zones labels."
    ),
)
NETOBSERV: Final = Profile(
    name="netobserv",
    metric="netobserv_workload_egress_bytes_total",
    unit=CountUnit.BYTES,
    grain=Grain.WORKLOAD,
    client=("SrcK8S_OwnerName",),
    client_namespace="SrcK8S_Namespace",
    client_zone="SrcK8S_Zone",
    server=("DstK8S_OwnerName",),
    server_namespace="DstK8S_Namespace",
    server_zone="DstK8S_Zone",
    multiplier=50,
    trap=(
        "One of 50 packets is looked at unless the agent's sampling was set otherwise: the bytes are "
        "multiplied, an estimate; egress alone is counted because ingress counts the same bytes again; zones "
        "are labels only with addZone."
    ),
)
BUILT_IN: Final[Mapping[str, Profile]] = {
    one.name: one for one in (ZTUNNEL, LINKERD, ISTIO, ENVOY, OBI, SERVICEGRAPH, NETOBSERV)
}
