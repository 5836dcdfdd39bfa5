"""Arms whose connections or bytes a mesh counted by workload: what is judged, unknown and refused."""

from dataclasses import replace

import pytest

from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.report.comparison import html, junit, markdown
from analysis.source.interface import Basis
from analysis.verdict.compare import compare
from analysis.verdict.compared import Comparison
from analysis.verdict.guards import GuardName, Outcome
from analysis.verdict.judged import Decision, GateName
from analysis.verdict.windows import measured
from k8s.errors import InvalidRunError, UsageError
from tests.analysis import meshes
from tests.analysis.graphs import Graph
from tests.analysis.meshes import StoredCounts
from tests.analysis.verdict import worlds
from tests.analysis.verdict.test_compare import arm, truth


def mesh(
    same: int,
    cross: int,
    *,
    mode: str = "off",
    basis: Basis = meshes.CONNECTIONS,
    sees: bool = True,
    **changes,
) -> ArmInputs:
    """The calls of ``worlds.inputs`` as connections between workloads; *sees* the workers, or does not."""
    ways = {
        f"ui@{mine}>catalog@{zone}": count
        for mine, other in ("ab", "ba")
        for zone, count in ((mine, same), (other, cross))
    }
    if sees:
        ways |= {f"locust@{zone}>ui@{zone}": worlds.REQUESTS // 2 for zone in "ab"}
    reader = StoredCounts(meshes.counts(ways, basis))
    return arm(Graph(), mode=mode, seen=changes.pop("seen", worlds.load()), reader=reader, **changes)


def compared(**changes) -> Comparison:
    base, null, candidate = (
        mesh(600, 1200, **changes),
        mesh(610, 1190, **changes),
        mesh(1800, 0, mode="tar", **changes),
    )
    return compare(base, candidate, created_s=1.0, versions=(), null=null)


def test_the_share_is_judged_and_what_is_unknown_is_said():
    """It rose, for sure; p99 and load are neither passed nor failed, whatever else passes."""
    found = compared()

    assert found.verdict is not None
    guards = {one.name: one for one in found.verdict.guards}
    assert guards[GuardName.SHARE].outcome is Outcome.PASS
    assert guards[GuardName.ERRORS].outcome is Outcome.PASS, "the load generator counts these itself"
    for name in (GuardName.P99, GuardName.SKEW):
        assert (guards[name].outcome, guards[name].interval) == (Outcome.INCONCLUSIVE, None)
        assert "unknown, a mesh" in guards[name].reason
    assert found.verdict.decision is Decision.INCONCLUSIVE
    assert found.verdict.failed_gates == ()
    assert found.verdict.is_open_for_good
    assert "No longer measurement tells what is open" in found.verdict.advice


def test_failures_that_nothing_shows_clumping_are_unknown():
    """Of connections nobody sees which call failed."""
    failing = worlds.load(failures=3)

    found = compared(seen=failing)

    assert found.verdict is not None
    guards = {one.name: one for one in found.verdict.guards}
    assert guards[GuardName.ERRORS].outcome is Outcome.INCONCLUSIVE
    assert "how failures clump" in guards[GuardName.ERRORS].reason


def test_a_share_that_does_not_rise_fails():
    """That is known, whatever is unknown."""
    base, null = mesh(600, 1200), mesh(610, 1190)
    found = compare(base, mesh(100, 1700, mode="tar"), created_s=1.0, versions=(), null=null)

    assert found.verdict is not None
    assert found.verdict.decision is Decision.FAIL


def test_reports_call_connections_by_their_name():
    """Headline, tables, meter and queries; in no format a call, an X-Ray, or a pod's load."""
    found = compared()

    page, comment = html.render(found), markdown.render(found)
    for text in (page, comment):
        assert "same-zone share of ui \u2192 catalog connections" in text
        plain = text.replace("\\", "")
        assert "sum by (a, b) (opened_total)" in plain
        assert "by its own counters: dropped_total" in plain
        assert "a mesh, in connections between workloads" in text
        assert "counted by X-Ray" not in text
        assert "3 600 calls" not in text.replace("\u202f", " ")
    assert "Workload to workload" in page
    assert "unknown, a mesh counts connections" in junit.render(found)


def test_connections_are_held_against_those_opened():
    """Not against requests: the gate says of what; a tenth that is missing breaks it."""
    result = arm_result(mesh(600, 1200), assumed=AssumedBytes())
    assert (result.loss.unit, result.loss.generator_requests, result.loss.graph_requests) == (
        "connections",
        worlds.REQUESTS,
        worlds.REQUESTS,
    )
    more = worlds.REQUESTS // 2
    few = mesh(600, 1200, seen=worlds.load(connections=2 * more))  # of one of its two workers
    window = measured(few, arm_result(few, assumed=AssumedBytes()), label="few")
    assert window.evidence.missing == more
    found = compare(few, few, created_s=1.0, versions=())
    assert found.verdict is not None
    gate = next(one for one in found.verdict.failed_gates if one.name is GateName.GRAPH)
    assert f"{worlds.REQUESTS} of {3 * more} connections" in gate.seen


def test_workers_outside_of_the_mesh_are_no_fault():
    """Then nothing compares, which is said; counts that stay the same are enough, others are not."""
    one = mesh(600, 1200, sees=False)
    result = arm_result(one, assumed=AssumedBytes())
    window = measured(one, result, label="x")

    assert not result.loss.is_reconcilable
    assert "not-reconcilable" in {caveat.code for caveat in result.caveats}
    assert window.evidence.made is None
    found = compare(one, mesh(1800, 0, mode="tar", sees=False), created_s=1.0, versions=(), null=one)
    assert found.verdict is not None
    assert found.verdict.failed_gates == ()
    moving = compare(one, mesh(1800, 0, sees=False, stable=False), created_s=1.0, versions=(), null=one)
    assert moving.verdict is not None
    assert GateName.GRAPH in {gate.name for gate in moving.verdict.failed_gates}


def test_connections_agree_with_the_relays_workload_by_workload():
    """Also where clients keep theirs: relays and mesh count the same thing."""
    for per_call in (True, False):
        one = arm_result(mesh(600, 1200, truth=truth(600, 1200, per_call=per_call)), assumed=AssumedBytes())
        assert one.truth_check is not None
        assert (one.truth_check.pairs, one.truth_check.worst_relative_error) == (4, 0.0)
    other = arm_result(mesh(600, 1200, truth=truth(590, 1210)), assumed=AssumedBytes())
    assert other.truth_check is not None
    assert other.truth_check.worst_relative_error == pytest.approx(10 / 590)


def test_bytes_alone_give_no_verdict():
    """A share and a price, which are exact; the reason why nothing can be judged in one line."""
    one = mesh(600_000, 1_200_000, basis=meshes.BYTES)
    result = arm_result(one, assumed=AssumedBytes())

    assert result.pairs[0].share is None
    assert result.pairs[0].same_share == pytest.approx(1 / 3)
    assert result.costs[0].usd_per_month is not None
    assert "bytes-counted" in {caveat.code for caveat in result.caveats}
    with pytest.raises(
        InvalidRunError, match=r"counted bytes, whose share has no interval.*samezone observe"
    ):
        measured(one, result, label="x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": "another mesh"}, r"who counted \(a mesh against another mesh\)"),
        ({"unit": meshes.BYTES.unit}, r"what was counted \(connections against bytes\)"),
        ({"grain": Basis().grain}, r"what is named \(workload against pod\)"),
    ],
)
def test_arms_of_different_sources_are_not_compared(changes, words):
    """Source, unit or grain: the line names both."""
    with pytest.raises(UsageError, match=words):
        compare(
            mesh(600, 1200),
            mesh(1800, 0, basis=replace(meshes.CONNECTIONS, **changes)),
            created_s=1.0,
            versions=(),
        )


def test_runs_of_different_options_are_unlike():
    """By their records alone, so that no such run is taken for a baseline or a twin."""
    one, other = mesh(600, 1200), mesh(1800, 0)
    counting = (("source", "prometheus"), ("profile", "istio"))
    other = replace(other, record=replace(other.record, counting=counting))

    with pytest.raises(UsageError, match=r"source \(xray against prometheus by profile istio\)"):
        compare(one, other, created_s=1.0, versions=())
