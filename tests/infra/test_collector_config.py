"""The collector's configuration proven by what it does: spans in, the analysis' own readers at the end.

Spans like those of the store's ui (Spring), its catalog (Go) and our Locust worker (its real bytes) go
through the processors and the exporter that the manifests configure, into the X-Ray stand-in, and out through
collect, graph and placement.
"""

import itertools
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from analysis.arm.surroundings import zone_check
from analysis.placement import Timeline
from analysis.source import collect
from analysis.source.facts import Facts
from analysis.source.xray import graph, traces
from analysis.source.xray.xray_source import XRaySource
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.standin import StandIn
from k8s.lab.xray.translate import Document
from loadtest.record import LoadSeen, RunRecord, Window
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import snapshot
from tests.infra.collector_model import DOCUMENTS_A_CALL, Collector, Sent
from tests.infra.rendered import TARGETS, Raw, collector, collector_env
from tests.infra.store_spans import CLUSTER, IPS, PHASE, PODS, REQUESTS, RUN_ID, T0_S, ZONES, sent
from tests.loadtest.test_rundir import record

pytestmark = pytest.mark.infra

PUSH_S = 5.0
"""What the exporter has for one push; exporterhelper's default, and awsxray has no setting for it."""
CALL_S = 0.1
"""A slow round trip to X-Ray."""


def the_run() -> RunRecord:
    """The record of the run that these requests are."""
    made = record(measured=Window(start_s=T0_S - 1, end_s=T0_S + 60))
    load = LoadSeen(
        seconds=60.0,
        workers=(WorkerTally(worker=next(iter(PODS)), zone="eu-west-1a", node="node-a", requests=REQUESTS),),
    )
    return replace(made, run_id=RUN_ID, seen=replace(made.seen, measured=load))


class Reader:
    """The stand-in, asked without a client."""

    is_stand_in = True

    def __init__(self, documents: list[Document]) -> None:
        self.standin = StandIn(Settings(), lambda: T0_S + 120.0)
        for start in range(0, len(documents), DOCUMENTS_A_CALL):
            texts = [json.dumps(one) for one in documents[start : start + DOCUMENTS_A_CALL]]
            answer = self.standin.call("/TraceSegments", {"TraceSegmentDocuments": texts})
            assert answer["UnprocessedTraceSegments"] == []

    def preflight(self) -> None:
        """Fine."""

    def graph(self, window: Window) -> tuple[tuple[Raw, ...], ...]:
        times = {"StartTime": window.start_s, "EndTime": window.end_s}
        return ((self.standin.call("/ServiceGraph", times),),)

    def trace_ids(self, window: Window, expression: str, *, limit: int) -> tuple[str, ...]:
        asked = {
            "StartTime": window.start_s,
            "EndTime": window.end_s + 120,
            "TimeRangeType": "Event",
            "FilterExpression": expression,
        }
        return tuple(
            one["Id"] for one in self.standin.call("/TraceSummaries", asked)["TraceSummaries"][:limit]
        )

    def traces(self, ids: tuple[str, ...]) -> tuple[Raw, ...]:
        return tuple(
            one for some in ids for one in self.standin.call("/Traces", {"TraceIds": [some]})["Traces"]
        )


def as_it_comes(one: Sent) -> Sent:
    """From the pod's own address, with what the pod says of itself."""
    return one


def problems(
    config: Raw,
    target: str = "overlays/simple",
    env: dict[str, str] | None = None,
    way: Callable[[Sent], Sent] = as_it_comes,
) -> set[str]:
    """What the analysis, or a person with a filter expression, does not find; empty is the proof.

    *way*: what happens to spans between a pod and the collector.
    """
    spans = [way(one) for one in sent(target)]
    pushes = Collector(config, env or collector_env(target), CLUSTER).pushes(spans)
    source, run, found = Reader([one for push in pushes for one in push]), the_run(), set()
    ticks = itertools.count()
    collected = collect.collect(XRaySource(source), run, clock=lambda: next(ticks), sleep=lambda _: None)
    if not (collected.graph.stable and collected.graph.reconciled):
        found.add("requests")
    seen = graph.calls_of(collected.graph.queries, Facts())
    timeline = Timeline([snapshot({name: node for name, (_, node) in PODS.items()}, zones=ZONES)])
    pods = {name for call in seen.calls for name in (call.client, call.server)}
    if (
        pods != set(PODS)
        or sum(call.count for call in seen.calls) != 3 * REQUESTS
        or seen.lost
        or seen.leaves
    ):
        found.add("calls between pods")
    if len(collected.traces) != REQUESTS:
        found.add("run annotations")
    every = source.trace_ids(Window(start_s=T0_S - 1, end_s=T0_S + 60), "", limit=1000)
    check = zone_check(traces.sample(source.traces(every)), timeline)
    if check is None or check.disagree or check.silent or check.agree != 4 * REQUESTS:
        found.add("zones of segments")
    nodes = [one for query in collected.graph.queries for page in query for one in page["Services"]]
    if {one.get("Type") for one in nodes} != {"client", "AWS::EKS::Container"}:
        found.add("one node a pod")
    found |= {
        f"annotation {key}"
        for key, values in wanted_annotations().items()
        for value in values
        if not source.trace_ids(
            run.measured or Window(start_s=0, end_s=1), f'annotation[{key}] = "{value}"', limit=1
        )
    }
    clusters = {
        (one["aws"].get("eks") or {}).get("cluster_name") for push in pushes for one in push if one.get("aws")
    }
    if clusters != {(env or collector_env(target))["SAMEZONE_CLUSTER"]}:
        found.add("name of the cluster")
    return found


def wanted_annotations() -> dict[str, set[str]]:
    """What a person asks for in the X-Ray console: the traces of a pod, a node, a zone, a run."""
    return {
        "otel.resource.k8s.pod.name": set(PODS),
        "otel.resource.k8s.node.name": set(ZONES),
        "otel.resource.cloud.availability_zone": set(ZONES.values()),
        "run_id": {RUN_ID},
        "phase": {PHASE},
    }


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "base"])
def test_the_analysis_finds_everything(target: str):
    """Pods, zones, run annotations and one graph node a pod, with each overlay's configuration and pods."""
    assert problems(collector(target), target) == set()


def without_processor(name: str) -> Callable[[Raw], None]:
    return lambda config: config["service"]["pipelines"]["traces"]["processors"].remove(name)


def without_action(key: str) -> Callable[[Raw], None]:
    def change(config: Raw) -> None:
        actions = config["processors"]["resource"]["attributes"]
        config["processors"]["resource"]["attributes"] = [one for one in actions if one["key"] != key]

    return change


def without_index(name: str) -> Callable[[Raw], None]:
    return lambda config: config["exporters"]["awsxray"]["indexed_attributes"].remove(name)


def without_zone_label(config: Raw) -> None:
    config["processors"]["k8s_attributes"]["extract"]["labels"] = []


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (without_processor("k8s_attributes"), "zones of segments"),
        (without_zone_label, "zones of segments"),
        (without_processor("resource"), "one node a pod"),
        (without_action("cloud.platform"), "one node a pod"),
        (without_action("cloud.provider"), "zones of segments"),
        (without_action("host.id"), "zones of segments"),
        (without_action("k8s.cluster.name"), "name of the cluster"),
        (without_index("run_id"), "run annotations"),
        (without_index("phase"), "run annotations"),
        (
            without_index("otel.resource.cloud.availability_zone"),
            "annotation otel.resource.cloud.availability_zone",
        ),
        (without_index("otel.resource.k8s.pod.name"), "annotation otel.resource.k8s.pod.name"),
        (without_index("otel.resource.k8s.node.name"), "annotation otel.resource.k8s.node.name"),
    ],
)
def test_each_part_of_the_configuration_is_needed(change: Callable[[Raw], None], missed: str):
    """With one processor, action or indexed attribute less, the proof fails where that part matters."""
    config = deepcopy(collector("base"))
    change(config)
    assert missed in problems(config)


def through_a_mesh(one: Sent) -> Sent:
    """Every connection seems to be the first ui pod's."""
    return replace(one, connection=IPS["ui-7c9-x1"])


def with_a_uid(one: Sent) -> Sent:
    """As an SDK that knows its uid and nothing else of Kubernetes, through the same mesh."""
    known = {key: value for key, value in one.resource.items() if not key.startswith("k8s.")}
    return replace(
        through_a_mesh(one), resource=known | {"k8s.pod.uid": f"uid-of-{one.resource['service.name']}"}
    )


def nameless(one: Sent) -> Sent:
    """A pod whose resource says nothing of Kubernetes."""
    return replace(
        one, resource={key: value for key, value in one.resource.items() if not key.startswith("k8s.")}
    )


@pytest.mark.parametrize("way", [through_a_mesh, with_a_uid, nameless])
def test_a_pod_is_found_by_what_it_says_of_itself_before_its_connection(way: Callable[[Sent], Sent]):
    """Behind a mesh by name or uid, and by its connection where it says neither."""
    assert problems(collector("base"), way=way) == set()


def test_the_connection_first_is_another_pods_zone_behind_a_mesh():
    """Why the order matters: the name is never looked at then."""
    config = deepcopy(collector("base"))
    rules = config["processors"]["k8s_attributes"]["pod_association"]
    config["processors"]["k8s_attributes"]["pod_association"] = [rules[-1], *rules[:-1]]

    assert problems(config) == set()
    assert "zones of segments" in problems(config, way=through_a_mesh)


def test_the_exporter_is_asked_for_nothing_that_it_does_not_have():
    """With a queue, a retry or a time of its own awsxray would not start; attempts of the AWS SDK it has."""
    settings = collector("base")["exporters"]["awsxray"]

    assert not {"sending_queue", "retry_on_failure", "timeout"} & set(settings)
    assert settings["max_retries"] == 5


def slowest_push_s(config: Raw) -> float:
    """How long the longest push takes, of a backlog that a worker gets rid of at once."""
    one = sent("overlays/simple")[0]
    backlog = replace(one, spans=one.spans * 300)
    pushes = Collector(config, collector_env("overlays/simple"), CLUSTER).pushes([backlog])
    return max(-(-len(push) // DOCUMENTS_A_CALL) * CALL_S for push in pushes)


def test_a_push_ends_in_time():
    """Batches fit into the exporter's five seconds at 100 ms a call; without batch they do not."""
    config = deepcopy(collector("base"))
    assert slowest_push_s(config) < PUSH_S
    without_processor("batch")(config)
    assert slowest_push_s(config) > PUSH_S


def test_memory_is_guarded_first_and_batches_come_last():
    """k8s_attributes knows a pod by its connection, which batch forgets."""
    config = collector("base")
    steps = config["service"]["pipelines"]["traces"]["processors"]
    assert steps == ["memory_limiter", "k8s_attributes", "resource", "batch"]
    assert set(steps) == set(config["processors"])
