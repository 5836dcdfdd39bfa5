"""What a source has of the load generator's own, and when that says anything."""

from dataclasses import replace

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Basis, CountUnit, Entry, Grain
from analysis.source.reckoning import Reckoned, reckoned
from loadtest.record import LoadSeen
from loadtest.worker.tally import WorkerTally
from tests.analysis import meshes

FACTS = Facts(generators=frozenset({"locust-1", "locust-2", "locust"}), entrance="ui")
LOAD = LoadSeen(
    seconds=10.0,
    workers=tuple(
        WorkerTally(worker=f"locust-{n}", zone=zone, node="n", requests=50, connections=5)
        for n, zone in ((1, "a"), (2, "b"))
    ),
)
WAYS = {"ui@a>catalog@a": 40, "locust@a>ui@b": 6, "locust@b>ui@a": 4}


def of(ways: dict[str, int], basis: Basis = meshes.CONNECTIONS, **changes) -> Reckoned:
    return reckoned(meshes.counts(ways, basis, **changes), LOAD, FACTS, meshes.TIMELINE)


def test_connections_are_held_against_those_the_workers_opened():
    """Not against their requests."""
    assert of(WAYS) == Reckoned(seen=10, made=10, unit=CountUnit.CONNECTIONS)


def test_only_what_the_workers_load_is_theirs():
    """Their connections to a collector are in no count of theirs."""
    assert of({**WAYS, "locust@a>collector@a": 30}).seen == 10


def test_workers_that_name_their_pods_are_workers():
    """A source by pods; and a mesh, to which a pod that nothing controls is a workload of that name."""
    by_pod = replace(meshes.CONNECTIONS, grain=Grain.POD)
    for basis in (by_pod, meshes.CONNECTIONS):
        assert of({"locust-1@a>ui@a": 3, "locust-2@b>ui@a": 7, "ui@a>catalog@b": 5}, basis).seen == 10


@pytest.mark.parametrize(
    ("ways", "basis"),
    [({"ui@a>catalog@a": 40}, meshes.CONNECTIONS), (WAYS, meshes.BYTES)],
    ids=["workers outside of the mesh", "bytes"],
)
def test_where_nothing_compares(ways: dict[str, int], basis: Basis):
    """A mesh that the workers are no members of; bytes, which they do not count."""
    assert of(ways, basis).made is None


def test_requests_have_to_enter():
    """A source that sees every request is not excused by showing none."""
    basis = Basis()
    assert of({}, basis) == Reckoned(seen=0, made=100)
    assert of({}, basis, entries=(Entry(name="locust-1", count=99),)) == Reckoned(seen=99, made=100)
