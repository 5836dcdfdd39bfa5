"""A lost document or a leaf: any mixture of both, and stored runs with leaves added."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.model import ArmResult
from analysis.source.facts import Facts
from analysis.source.interface import Entry, Leaf
from analysis.source.xray.graph import calls_of
from analysis.source.xray.leaves import lost_callee
from analysis.verdict.compare import compare
from analysis.verdict.judged import Decision
from tests.analysis.graphs import CLIENT, REMOTE, SQL, TABLE, TOPIC, Graph
from tests.analysis.verdict import worlds
from tests.analysis.verdict.test_compare import arm, shop, truth

FACTS = Facts(
    workloads={
        "ui-1": "ui", "ui": "ui", "catalog-1": "catalog", "catalog": "catalog", "catalog.catalog": "catalog",
        "10.0.0.9": "catalog", "orders": "orders",
    },
    callers=frozenset({"ui"}),
)  # fmt: skip
LOST = {
    ("catalog", REMOTE): "catalog",
    ("catalog-1", "AWS::EKS::Container"): "catalog",
    ("catalog.catalog.svc.cluster.local:80", REMOTE): "catalog",
    ("10.0.0.9:8080", REMOTE): "catalog",
    ("orders", REMOTE): "orders",
}
"""Node -> whose document is missing."""
BARE = [("GET", REMOTE), ("POST", REMOTE), ("HTTP GET", REMOTE), ("GET /products/{id}", REMOTE)]
"""Lost under the pair's client, leaves below any other."""
LEAVES = [
    ("gorm.Query", SQL),
    ("catalog", SQL),
    ("catalog@db.example.com", "Database::SQL"),
    ("carts", TABLE),
    ("orders", TOPIC),
    ("https://sqs.eu-west-1.amazonaws.com/1/q", "AWS::SQS::Queue"),
    ("api.example.com", REMOTE),
    ("catalog.example.com", REMOTE),
    ("GETAWAY", REMOTE),
]
nodes = st.sampled_from([*LOST, *BARE, *LEAVES])
edges = st.lists(st.tuples(st.sampled_from(["ui-1", "catalog-1"]), nodes, st.integers(0, 50)), max_size=30)


@settings(deadline=None)
@given(edges)
def test_every_call_is_lost_or_a_leaf_and_counted_once(drawn):
    """Any mixture: each lost callee is counted one by one; no leaf adds to the loss or hides any of it."""
    graph = Graph(unknown=frozenset(kind for _, kind in [*LOST, *LEAVES]))
    lost: Counter[tuple[str, str]] = Counter()
    leaves: Counter[tuple[str, str, str]] = Counter()
    for client, node, count in drawn:
        graph.edge(client, node, count)
        if node in LOST:
            lost[client, LOST[node]] += count
        elif node in BARE and client == "ui-1":
            lost[client, node[0]] += count
        else:
            leaves[client, node[0], node[1]] += count

    found = calls_of([graph.pages()], FACTS)

    assert {(one.client, one.server): one.count for one in found.lost} == dict(lost)
    assert {(one.client, one.name, one.type): one.count for one in found.leaves} == dict(leaves)
    assert found.calls == ()


def test_a_node_of_a_live_service_is_neither():
    """X-Ray knows it from its own segments."""
    found = calls_of(
        [Graph().edge("ui-1", ("catalog-1", "AWS::EKS::Container"), 4).edge("a", "b", 1).pages()], FACTS
    )

    assert [(one.client, one.server, one.count) for one in found.calls] == [
        ("a", "b", 1),
        ("ui-1", "catalog-1", 4),
    ]
    assert (found.lost, found.leaves) == ((), ())


def test_the_developer_guides_graph_loses_nothing():
    """Client -> EC2 instance -> DynamoDB table and SNS topic (X-Ray developer guide, "Getting data")."""
    program = ("scorekeep", "AWS::EC2::Instance")
    graph = Graph().edge(("scorekeep", CLIENT), program, 4)
    graph.edge(program, ("scorekeep-session", TABLE), 4).edge(program, ("arn:aws:sns:x:1:t", TOPIC), 2)

    found = calls_of([graph.pages()], FACTS)

    assert (found.calls, found.lost) == ((), ())
    assert found.entries == (Entry(name="scorekeep", count=4),)
    assert found.leaves == (
        Leaf(client="scorekeep", name="arn:aws:sns:x:1:t", type=TOPIC, count=2),
        Leaf(client="scorekeep", name="scorekeep-session", type=TABLE, count=4),
    )


@pytest.mark.parametrize("kind", ["AWS::EC2::Instance", "AWS::EKS::Container", "", "remote"])
def test_a_program_is_judged_by_its_name(kind):
    """What a program runs on says nothing of whose it is."""
    assert lost_callee("catalog", kind, "ui-1", FACTS) == "catalog"
    assert lost_callee("elsewhere", kind, "ui-1", FACTS) is None


def with_leaves(graph: Graph) -> Graph:
    """Under clients and servers: the store's SQL spans, two AWS services, an API outside."""
    for number in ("1", "2"):
        graph.edge(f"catalog-{number}", ("gorm.Query", SQL), 900)
        graph.edge(f"catalog-{number}", ("products", TABLE), 40)
        graph.edge(f"catalog-{number}", ("GET", REMOTE), 7)
        graph.edge(f"ui-{number}", ("visits", TOPIC), 30)
        graph.edge(f"ui-{number}", ("api.example.com", REMOTE), 20)
    return graph


def numbers(inputs: ArmInputs) -> ArmResult:
    return replace(arm_result(inputs, assumed=AssumedBytes()), dependencies=())


def test_leaves_change_no_number_of_an_arm():
    """Pairs, loss, coverage, cost, caveats: the same as without them; and they are shown."""
    plain = arm(shop(40, 60), truth=truth(40, 60))
    leafy = arm(with_leaves(shop(40, 60)), truth=truth(40, 60))

    assert numbers(leafy) == numbers(plain)
    shown = arm_result(leafy, assumed=AssumedBytes()).dependencies
    assert [(one.client, one.client_zone, one.name, one.type, one.calls) for one in shown[:3]] == [
        ("catalog", "a", "gorm.Query", SQL, 900),
        ("catalog", "b", "gorm.Query", SQL, 900),
        ("catalog", "a", "products", TABLE, 40),
    ]
    assert sum(one.calls for one in shown) == 2 * (900 + 40 + 7 + 30 + 20)


def test_leaves_hide_no_loss():
    """Among them a lost document of the pair is still counted as one."""

    def lossy(graph: Graph) -> Graph:
        return graph.edge("ui-1", ("GET", REMOTE), 3).edge("ui-2", ("catalog", REMOTE), 2)

    plain, leafy = arm(lossy(shop(40, 60))), arm(lossy(with_leaves(shop(40, 60))))

    assert numbers(leafy) == numbers(plain)
    assert numbers(leafy).loss.lost_callees == 5
    assert numbers(leafy).pairs[0].unknown == 5


def test_a_store_with_sql_spans_is_judged():
    """Each query of its catalog is a span of its own, and none of them is missing."""
    arms = []
    for same, cross, mode, seed in ((600, 1200, "off", 1), (1800, 0, "tar", 3), (610, 1190, "off", 2)):
        arms.append(
            worlds.inputs(
                same, cross, mode=mode, seed=seed, graph=with_leaves(worlds.whole_graph(same, cross))
            )
        )
    base, candidate, null = arms

    verdict = compare(base, candidate, created_s=1.0, versions=(), null=null).verdict

    assert verdict is not None
    assert verdict.decision is Decision.PASS, verdict.reasons
