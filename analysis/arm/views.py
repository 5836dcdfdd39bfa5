"""A run under which several Services had the mode, seen as one run for each of them.

Every figure of a further Service is made by what makes those of the first one: the same run is asked about
that Service and whoever calls it.
"""

from collections import Counter
from dataclasses import replace

from analysis.arm import connections
from analysis.arm.inputs import ArmInputs
from analysis.model import Workload
from analysis.placement import workload_of
from k8s.errors import InvalidRunError
from k8s.topology import ServiceKey
from loadtest.record import RunRecord


def callers(inputs: ArmInputs) -> tuple[Workload, ...]:
    """Who calls each further Service: as it was told, else whoever calls it most, but for the generator.

    InvalidRunError where nobody does.
    """
    asked, topology, timeline = inputs.record.asked, inputs.topology, inputs.timeline
    told = [workload_of(key, topology, timeline) for key in asked.callers]
    generators = {timeline.workload(name) for name in inputs.ours.generators}
    found = list(told)
    for key in asked.also[len(told) :]:
        server = workload_of(key, topology, timeline)
        calls = Counter(
            {
                client: made.total
                for (client, called), made in inputs.by_pair.items()
                if called == server and client not in {server, *generators}
            }
        )
        if not calls:
            raise InvalidRunError(
                f"run {inputs.folder}: the graph shows no call of anybody to {server} (Service {key}), so "
                "there is nothing to judge of it; leave it out, or load what calls it"
            )
        # By name where two call equally often, so that every run of an arm says the same.
        found.append(min(calls, key=lambda one: (-calls[one], one)))
    return tuple(found)


def views(inputs: ArmInputs, who: tuple[Workload, ...]) -> tuple[ArmInputs, ...]:
    """The run asked about each Service for itself, the first one's first; *who* calls the further ones."""
    asked = inputs.record.asked
    first = replace(inputs, record=replace(inputs.record, asked=replace(asked, also=(), callers=())))
    return (first, *(_further(inputs, number, caller) for number, caller in enumerate(who)))


def _further(inputs: ArmInputs, number: int, caller: Workload) -> ArmInputs:
    record, topology, timeline = inputs.record, inputs.topology, inputs.timeline
    key = record.asked.also[number]
    focus = (caller, workload_of(key, topology, timeline))
    return replace(
        inputs,
        record=_record(record, number, _key_of(caller, inputs)),
        focus=focus,
        sample=connections.sample(inputs.counts.sample.calls, timeline, focus),
    )


def _record(record: RunRecord, number: int, client: ServiceKey) -> RunRecord:
    seen = record.seen.others[number]
    return replace(
        record,
        asked=replace(record.asked, service=record.asked.also[number], client=client, also=(), callers=()),
        seen=replace(
            record.seen,
            service_before=seen.service_before,
            service_during=seen.service_during,
            hints_start=seen.hints_start,
            hints_end=seen.hints_end,
            events=seen.events,
            others=(),
        ),
    )


def _key_of(caller: Workload, inputs: ArmInputs) -> ServiceKey:
    """The caller by a name of its namespace, in which its pods have to stay."""
    namespaces = Counter(
        pod.namespace
        for snapshot in inputs.topology
        for pod in snapshot.pods
        if inputs.timeline.workload(pod.name) == caller
    )
    known = namespaces.most_common(1)
    return ServiceKey(namespace=known[0][0] if known else "", name=caller)
