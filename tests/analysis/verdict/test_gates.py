"""Each gate broken alone: that one fails, by name, and the others hold."""

from dataclasses import replace

import pytest

from analysis.source.interface import Flaw, FlawKind
from analysis.verdict import gates
from analysis.verdict.gates import Evidence
from k8s.topology import NodeName, Pod, PodName, ServiceKey, Snapshot
from loadtest.record import LoadSeen, RunStatus, Window
from loadtest.worker.tally import WorkerLoss, WorkerTally
from tests.k8s.fakes import endpoint, one_slice

CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = Pod(namespace="ui", name=PodName("ui-1"), uid="u1", node=NodeName("n1"))
HINTED = (one_slice(endpoint("a", "a"), endpoint("b", "b")),)
WORKER = WorkerTally(
    worker="w1", zone="a", node="n1", requests=500, spans_made=1000, first_s=100.0, last_s=109.98
)


def at(second: float, **changes: object) -> Snapshot:
    return replace(Snapshot(taken_at_s=second, pods=(UI,), slices=HINTED), **changes)


GOOD = Evidence(
    where="tar",
    status=RunStatus.COMPLETE,
    window=Window(start_s=100.0, end_s=110.0),
    load=LoadSeen(seconds=10.0, workers=(WORKER,)),
    rate_asked_per_s=50.0,
    graph_requests=500,
    calls=900,
    lost_documents=0,
    stable=True,
    coverage=1.0,
    topology=(at(90), at(105), at(120)),
    service=CATALOG,
    namespaces=frozenset({"ui", "catalog", "locust"}),
)


def with_worker(**changes: object) -> LoadSeen:
    return LoadSeen(seconds=10.0, workers=(replace(WORKER, **changes),))


BROKEN = {
    "interrupted": ({"status": RunStatus.INTERRUPTED}, "complete", "the run was interrupted"),
    "saturated worker": ({"load": with_worker(cpu_percent_max=97.0)}, "generator", "97 % of a core"),
    "too slow": ({"load": with_worker(last_s=112.0)}, "rate", "41.6 of 50 requests/s"),
    "spans given up": ({"load": with_worker(spans_dropped=2)}, "spans", "gave up 2 of 1000 spans"),
    "requests not in the graph": ({"graph_requests": 499}, "graph", "499 of 500 requests"),
    "documents lost": ({"lost_documents": 1}, "graph", "misses 1 documents of 900 calls"),
    "calls without a mark lost": (
        {"loss_share": 0.123},
        "graph",
        "of 900 calls; in all about 12.3 % is lost (a batch mixes callers and callees)",
    ),
    "graph not final": ({"stable": False}, "graph", "still changing"),
    "zones unknown": ({"coverage": 0.98}, "coverage", "98.0 % of the calls"),
    "no calls": ({"coverage": None}, "coverage", "no call"),
    "hints withdrawn": (
        {"topology": (at(90), at(105, slices=(one_slice(endpoint("a"), endpoint("b")),)))},
        "hints",
        "endpoints hinted: 0 or 2",
    ),
    "hints moved": (
        {"topology": (at(90), at(105, slices=(one_slice(endpoint("a", "b"), endpoint("b", "a")),)))},
        "hints",
        "they changed",
    ),
    "pod restarted": ({"topology": (at(90), at(105, pods=(replace(UI, restarts=1),)))}, "pods", "ui-1"),
    **{
        f"{kind.value} off": (
            {"flaws": (Flaw(kind=kind, text="one says 5, the other 6; ask again"),)},
            kind.value,
            "one says 5, the other 6; ask again",
        )
        for kind in FlawKind
    },
    "pod gone": ({"topology": (at(90), at(105, pods=()))}, "pods", "ui-1"),
    "pod not ready": ({"topology": (at(90), at(105, pods=(replace(UI, ready=False),)))}, "pods", "ui-1"),
}


def test_a_good_window_passes_every_gate():
    """Fourteen gates, each with what was seen and what is allowed."""
    found = gates.of_window(GOOD)
    assert all(gate.passed for gate in found)
    assert len({gate.name for gate in found}) == len(found) == 14


def lost(*, missing: int, untold: int = 0, back_s: float = 104.0) -> LoadSeen:
    """Two zones of 250 requests each, of which the second one misses some."""
    base = replace(WORKER, requests=250, spans_made=250, first_s=100.0, last_s=109.96)
    loss = WorkerLoss(
        worker="w2", zone="b", seat=2, turn=0, lost_s=102.0, back_s=back_s, replaced_by="w2" if back_s else ""
    )
    workers = (
        replace(base, worker="w1", zone="a", seat=1),
        replace(base, worker="w2", zone="b", seat=2, requests=50, last_s=102.0),
        replace(base, worker="w2", zone="b", seat=2, turn=1, requests=200 - missing, first_s=104.0),
    )
    return LoadSeen(seconds=10.0, workers=workers, losses=(replace(loss, missing=missing, untold=untold),))


def test_a_lost_worker_is_judged_by_the_mix_of_zones():
    """A short gap is a caveat; a longer one makes the window invalid, by name and with its length."""
    short = gates.of_window(replace(GOOD, load=lost(missing=10), graph_requests=490))
    assert all(gate.passed for gate in short)
    (gate,) = [one for one in short if one.name == "workers"]
    assert gate.seen == (
        "w2 was lost in b and back after 2.0 s, 10 requests are missing; a zone's share of the requests is "
        "off by 1.0 points"
    )
    long = gates.of_window(replace(GOOD, load=lost(missing=24), graph_requests=476))
    assert [gate.name for gate in long if not gate.passed] == ["workers"]
    gone = gates.of_window(replace(GOOD, load=lost(missing=24, back_s=0.0), graph_requests=476))
    assert "w2 was lost in b and not back" in next(one.seen for one in gone if one.name == "workers")


def test_what_a_killed_worker_did_not_tell_of_is_no_lost_document():
    """So many requests at most may be in the graph, or not, and have no document of their caller."""
    load = lost(missing=10, untold=8)
    assert all(
        gate.passed
        for gate in gates.of_window(replace(GOOD, load=load, graph_requests=482, lost_documents=8))
    )
    more = gates.of_window(replace(GOOD, load=load, graph_requests=481, lost_documents=9))
    (gate,) = [one for one in more if not one.passed]
    assert (gate.name, gate.bound) == ("graph", "0.1 % and 8 that a lost worker did not tell of")


def test_pods_of_a_lost_worker_may_come_and_go():
    """Its loss is judged by itself."""
    worker = replace(UI, namespace="locust", name=PodName("w2"))
    topology = (at(90, pods=(UI, worker)), at(105))
    assert all(
        gate.passed
        for gate in gates.of_window(
            replace(GOOD, load=lost(missing=0), topology=topology, graph_requests=500)
        )
    )
    assert not all(gate.passed for gate in gates.of_window(replace(GOOD, topology=topology)))


@pytest.mark.parametrize(("changes", "name", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_one_gate_broken_at_a_time(changes: dict[str, object], name: str, words: str):
    """It is named with its figures, and nothing else fails with it."""
    failed = [gate for gate in gates.of_window(replace(GOOD, **changes)) if not gate.passed]
    assert [gate.name for gate in failed] == [name]
    assert words in failed[0].seen
    assert str(failed[0]).startswith(f"{name} (tar): ")


def test_what_is_slight_is_no_gates_matter():
    """It is a caveat."""
    slight = tuple(Flaw(kind=kind, text="one call of thousands", is_slight=True) for kind in FlawKind)
    assert all(gate.passed for gate in gates.of_window(replace(GOOD, flaws=slight)))


def test_what_happens_outside_the_window_does_not_count():
    """Hints before it and pods after it may be others."""
    bare = (one_slice(endpoint("a"), endpoint("b")),)
    outside = (at(80, slices=bare), at(90), at(120, pods=()))
    assert all(gate.passed for gate in gates.of_window(replace(GOOD, topology=outside)))


def test_pods_of_others_do_not_count():
    """A pod of a namespace that takes no part may come and go."""
    other = replace(UI, namespace="kube-system", name=PodName("other"))
    outside = (at(90), at(105, pods=(UI, other)))
    assert all(gate.passed for gate in gates.of_window(replace(GOOD, topology=outside)))


def test_arms_have_to_have_had_the_same_rate():
    """Two per cent are allowed between any two windows; the extremes are named."""
    slower = replace(GOOD, where="off", load=with_worker(last_s=110.3))
    assert gates.between([GOOD, GOOD]).passed
    found = gates.between([GOOD, slower])
    assert not found.passed
    assert found.seen == "48.4 requests/s in off, 50.0 in tar"


def test_the_graph_gate_names_the_windows_own_source():
    """Whatever counted the requests."""
    found = next(one for one in gates.of_window(replace(GOOD, source="the flow log")) if one.name == "graph")

    assert found.seen.startswith("the flow log has ")


def test_nobody_asks_closed_loop_users_for_a_rate():
    """Whatever they achieve is right, in one window and between two; without a request it is none."""
    free = replace(GOOD, rate_asked_per_s=None)
    slower = replace(free, load=with_worker(last_s=120.0))
    assert all(gate.passed for one in (free, slower) for gate in gates.of_window(one))
    assert gates.between([free, slower]).passed
    assert not gates.between([GOOD, replace(GOOD, load=slower.load)]).passed
    silent = replace(free, load=with_worker(requests=0, first_s=0.0, last_s=0.0))
    assert "rate" in {gate.name for gate in gates.of_window(silent) if not gate.passed}
