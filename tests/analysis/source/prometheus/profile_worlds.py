"""For each built-in profile a world as its metric would be, traps included, and what is true in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis.source.prometheus.profiles import BUILT_IN, Profile
from tests.analysis.source.prometheus.backfill import World, during, scraped

WARM_UP = ((-200.0, 500), (-30.0, 77))
LATER = ((130.0, 900),)

Cells = dict[tuple[str, str, str | None, str | None], int]


@dataclass(frozen=True)
class Told:
    """A profile, its world and the truth."""

    profile: Profile
    build: Callable[[World], None]
    truth: Cells
    lost: int = 0


def _load(count: int) -> tuple[tuple[float, int], ...]:
    """So many in the load, and others before and after it."""
    return (*WARM_UP, *during(count), *LATER)


def _ztunnel(world: World) -> None:
    for node, zone, to, count in (
        ("1", "eu-west-1a", "eu-west-1a", 40),
        ("1", "eu-west-1a", "eu-west-1b", 21),
        ("2", "eu-west-1b", "eu-west-1b", 33),
        ("2", "eu-west-1b", "unknown", 5),
    ):
        for reporter in ("source", "destination"):
            labels = {
                "reporter": reporter,
                "source_workload": "ui",
                "source_workload_namespace": "shop",
                "source_zone": zone,
                "destination_workload": "catalog",
                "destination_workload_namespace": "shop",
                "destination_zone": to,
                "job": "mesh",
                "instance": f"ztunnel-{node}",
            }
            world.counter(
                "istio_tcp_connections_opened_total",
                labels,
                _load(count),
                before=10_000,
                at=scraped(offset_s=float(node)),
            )


def _linkerd(world: World) -> None:
    for pod, to, zone, locality, status, count in (
        ("ui-1", "catalog-1", "eu-west-1a", "local", "200", 30),
        ("ui-1", "catalog-1", "eu-west-1a", "local", "503", 4),
        ("ui-1", "catalog-2", "eu-west-1b", "remote", "200", 12),
        ("ui-1", "catalog-3", "", "unknown", "404", 3),
    ):
        for direction in ("outbound", "inbound"):
            labels = {
                "direction": direction,
                "pod": pod,
                "deployment": "ui",
                "namespace": "shop",
                "dst_pod": to,
                "dst_deployment": "catalog",
                "dst_namespace": "shop",
                "dst_zone": zone,
                "dst_zone_locality": locality,
                "status_code": status,
                "job": "mesh",
                "instance": pod if direction == "outbound" else to,
            }
            labels = {name: value for name, value in labels.items() if value}
            world.counter("response_total", labels, _load(count), before=77)
            timed = {name: value for name, value in labels.items() if name != "status_code"}
            if status != "503":
                world.counter("response_latency_ms_sum", timed, _load(count), before=5, each=7.0)
                for bound, part in (("5", 0), ("10", count), ("+Inf", count)):
                    world.counter("response_latency_ms_bucket", {**timed, "le": bound}, _load(part))


def _istio(world: World) -> None:
    for zone, to, code, count in (
        ("eu-west-1a", "eu-west-1a", "200", 25),
        ("eu-west-1a", "eu-west-1b", "200", 14),
        ("eu-west-1a", "eu-west-1b", "503", 2),
        ("", "", "0", 6),
    ):
        for reporter in ("source", "destination"):
            labels = {
                "reporter": reporter,
                "source_workload": "ui",
                "source_workload_namespace": "shop",
                "source_zone": zone,
                "destination_workload": "catalog",
                "destination_workload_namespace": "shop",
                "destination_zone": to,
                "response_code": code,
                "job": "mesh",
                "instance": reporter,
            }
            shown = {name: value for name, value in labels.items() if value}
            world.counter("istio_requests_total", shown, _load(count), before=3)


def _envoy(world: World) -> None:
    for zones, kind, count in (
        ("eu_west_1a_eu_west_1a", "2", 50),
        ("eu_west_1a_eu_west_1b", "2", 20),
        ("eu_west_1a_eu_west_1b", "5", 3),
    ):
        labels = {
            "app": "ui",
            "envoy_cluster_name": "catalog",
            "envoy_response_code_class": kind,
            "job": "mesh",
            "instance": "ui-1",
        }
        world.counter(f"envoy_cluster_zone_{zones}_upstream_rq_xx", labels, _load(count), before=8)


def _obi(world: World) -> None:
    for zone, to, count in (("eu-west-1a", "eu-west-1a", 3), ("eu-west-1a", "eu-west-1b", 2), ("", "", 4)):
        for direction in ("egress", "ingress"):
            labels = {
                "direction": direction,
                "k8s_src_owner_name": "ui",
                "k8s_src_namespace": "shop",
                "src_zone": zone,
                "k8s_dst_owner_name": "catalog",
                "k8s_dst_namespace": "shop",
                "dst_zone": to,
                "job": "mesh",
                "instance": direction,
            }
            shown = {name: value for name, value in labels.items() if value}
            events = tuple((at, n * 1500) for at, n in _load(count))
            world.counter("obi_network_flow_bytes_total", shown, events, before=1_000_000)


def _servicegraph(world: World) -> None:
    for client, server, zone, to, count in (
        ("ui", "catalog", "eu-west-1a", "eu-west-1a", 18),
        ("ui", "catalog", "eu-west-1a", "eu-west-1b", 9),
        ("user", "ui", "", "eu-west-1a", 7),
    ):
        labels = {
            "client": client,
            "server": server,
            "client_cloud_availability_zone": zone,
            "server_cloud_availability_zone": to,
        }
        shown = {name: value for name, value in labels.items() if value}
        world.counter("traces_service_graph_request_total", shown, _load(count), before=1)
        world.counter("traces_service_graph_request_client_seconds_sum", shown, _load(count), each=0.5)
    world.counter("traces_service_graph_unpaired_spans_total", {"client": "ui"}, _load(5), before=2)
    world.counter("traces_service_graph_dropped_spans_total", {"client": "ui"}, _load(1))


def _netobserv(world: World) -> None:
    for zone, to, count in (("eu-west-1a", "eu-west-1a", 2), ("eu-west-1a", "eu-west-1b", 1)):
        labels = {
            "SrcK8S_OwnerName": "ui",
            "SrcK8S_Namespace": "shop",
            "SrcK8S_Zone": zone,
            "DstK8S_OwnerName": "catalog",
            "DstK8S_Namespace": "shop",
            "DstK8S_Zone": to,
            "job": "mesh",
            "instance": "flp",
        }
        for direction in ("egress", "ingress"):
            events = tuple((at, n * 1000) for at, n in _load(count))
            world.counter(f"netobserv_workload_{direction}_bytes_total", labels, events)


A, B = "eu-west-1a", "eu-west-1b"
UI = ("ui", "catalog")
TOLD = (
    Told(
        BUILT_IN["ztunnel"],
        _ztunnel,
        {(*UI, A, A): 40, (*UI, A, B): 21, (*UI, B, B): 33, (*UI, B, None): 5},
    ),
    Told(
        BUILT_IN["linkerd"],
        _linkerd,
        {
            ("ui-1", "catalog-1", A, A): 34,
            ("ui-1", "catalog-2", None, B): 12,
            ("ui-1", "catalog-3", None, None): 3,
        },
    ),
    Told(BUILT_IN["istio"], _istio, {(*UI, A, A): 25, (*UI, A, B): 16, (*UI, None, None): 6}),
    Told(BUILT_IN["envoy"], _envoy, {(*UI, A, A): 50, (*UI, A, B): 23}),
    Told(BUILT_IN["obi"], _obi, {(*UI, A, A): 4_500, (*UI, A, B): 3_000, (*UI, None, None): 6_000}),
    Told(
        BUILT_IN["servicegraph"],
        _servicegraph,
        {(*UI, A, A): 18, (*UI, A, B): 9, ("unknown", "ui", None, A): 7},
        lost=6,
    ),
    Told(BUILT_IN["netobserv"], _netobserv, {(*UI, A, A): 100_000, (*UI, A, B): 50_000}),
)


def shared_store(profile: Profile) -> Profile:
    """The same metric in another shape: as two servers of a pair write it into one store."""
    return replace(profile, name=f"{profile.name}-pair")
