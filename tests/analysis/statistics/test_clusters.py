"""What an arm's counts are worth: by hand, against the classical case, and as properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import clusters
from analysis.statistics.clusters import ALL, ArmShare, Connection, Unit


def connection(calls: int, same: int, client: str = "c1", server: str = "s1", stratum: str = ALL, failures=0):
    return Connection(
        client=client, server=server, stratum=stratum, calls=calls, same_zone=same, failures=failures
    )


def arm(connections: list[Connection], unit: Unit = Unit.CONNECTION) -> ArmShare:
    found = clusters.arm_share(clusters.of_connections(connections), unit)
    assert found is not None
    return found


def codes(found: ArmShare) -> list[str]:
    return [caveat.code for caveat in found.caveats]


whole_connections = st.lists(
    st.builds(
        lambda calls, home, pod, zone: connection(calls, calls * home, f"{zone}-{pod}", "s", zone),
        st.integers(0, 50),
        st.booleans(),
        st.integers(0, 3),
        st.sampled_from(["a", "b", "c"]),
    ),
    min_size=1,
    max_size=30,
).filter(lambda found: any(one.calls for one in found))


def test_effective_n_by_hand():
    """Connections of 10, 10 and 20 calls are worth 40^2 / 600 calls; the design effect is 600 / 40."""
    found = arm([connection(10, 10), connection(10, 0), connection(20, 0)])

    assert found.share == 0.25
    assert found.effective_n == pytest.approx(1600 / 600)
    assert found.design_effect == pytest.approx(15)
    assert found.clusters == 3


def test_a_call_a_connection_is_worth_a_call():
    """Fresh connections are independent choices: effective n is the number of calls, exactly."""
    found = arm([connection(1, index % 3 == 0) for index in range(99)])

    assert (found.effective_n, found.design_effect, found.share) == (99.0, 1.0, 1 / 3)


def test_strata_are_apart():
    """Each client zone has its own share and effective n, by name."""
    found = arm(
        [
            connection(5, 5, "b1", stratum="b"),
            connection(2, 0, "a1", stratum="a"),
            connection(2, 2, "a2", stratum="a"),
        ]
    )

    assert [(one.stratum, one.calls, one.share, one.effective_n, one.clusters) for one in found.strata] == [
        ("a", 4.0, 0.5, 2.0, 2),
        ("b", 5.0, 1.0, 1.0, 1),
    ]


def test_no_call_no_share():
    """Without a call there is nothing to say; connections without calls count for nothing."""
    assert clusters.arm_share(clusters.of_connections([])) is None
    assert clusters.arm_share(clusters.of_connections([connection(0, 0)])) is None
    assert clusters.failure_share(clusters.of_connections([connection(0, 0)])) is None
    assert arm([connection(0, 0), connection(3, 3)]).clusters == 1


def test_a_pair_is_one_choice():
    """Unit PAIR joins the connections of a pod pair, whatever their number, and says so."""
    parts = [connection(4, 4), connection(6, 6), connection(10, 0, server="s2")]

    found = arm(parts, Unit.PAIR)

    assert (found.clusters, found.effective_n) == (2, 2.0)
    assert codes(found) == ["connections-unknown"]


def test_pairs_of_different_clients_stay_apart():
    """The same server seen from two clients is two pairs."""
    assert arm([connection(4, 4, "c1"), connection(4, 4, "c2")], Unit.PAIR).clusters == 2


def test_client_pods_against_the_textbook():
    """Ratio estimator over pods: variance by hand, times (t / z)^2 with pods - 1 degrees of freedom."""
    pods = [(100, 40), (120, 30), (80, 35), (100, 30)]

    found = arm(
        [
            connection(1, index < same, f"p{pod}")
            for pod, (calls, same) in enumerate(pods)
            for index in range(calls)
        ],
        Unit.CLIENT_POD,
    )

    share = 135 / 400
    residuals = [same - share * calls for calls, same in pods]
    variance = 4 / 3 * sum(one**2 for one in residuals) / 400**2
    t_over_z = 3.182446305284263 / 1.959963984540054
    assert found.effective_n == pytest.approx(share * (1 - share) / variance / t_over_z**2)
    assert codes(found) == ["client-pod-clusters"]


@pytest.mark.parametrize("same", [0, 10])
def test_pods_that_agree_are_one_choice_each(same):
    """Where no spread can be seen, a pod is worth one choice, never more."""
    found = arm([connection(10, same, f"p{pod}") for pod in range(5)], Unit.CLIENT_POD)

    assert found.effective_n == pytest.approx(5.0)


def test_one_pod_is_one_choice():
    """A single client pod has no spread: it is worth one choice."""
    found = arm([connection(10, 10), connection(10, 0)], Unit.CLIENT_POD)

    assert (found.effective_n, found.share) == (1.0, 0.5)


def test_pods_of_one_zone_that_differ_are_told():
    """Session affinity (all connections of a pod to one endpoint) is noticed, an even mix is not."""
    sticky = [connection(1, pod < 3, f"p{pod}") for pod in range(9) for _ in range(30)]
    mixed = [connection(1, turn % 3 == 0, f"p{pod}") for pod in range(9) for turn in range(30)]

    assert codes(arm(sticky)) == ["pods-differ"]
    assert codes(arm(mixed)) == []


def test_failures_clump_as_measured():
    """Failures spread over connections count by call; those of one connection count as few."""
    spread = [connection(100, 0, failures=1) for _ in range(50)]
    clumped = [connection(100, 0, failures=50 if index == 0 else 0) for index in range(50)]

    apart, together = (clusters.failure_share(clusters.of_connections(one)) for one in (spread, clumped))

    assert apart is not None
    assert together is not None
    assert apart.share == together.share == 0.01
    assert apart.effective_n == 5000.0
    # p (1 - p) / V is 99 by hand, t with 49 degrees of freedom is 2.0096.
    assert together.effective_n == pytest.approx(99 * (1.959964 / 2.009575) ** 2, rel=1e-5)


@given(whole_connections)
def test_effective_n_is_between_one_and_all(connections):
    """At least one choice, at most as many as connections; a pair or a pod is never worth more."""
    by_connection, by_pair = arm(connections), arm(connections, Unit.PAIR)

    assert 1 - 1e-9 <= by_pair.effective_n <= by_connection.effective_n + 1e-9
    assert by_connection.effective_n <= by_connection.clusters + 1e-9
    assert arm(connections, Unit.CLIENT_POD).effective_n <= by_connection.effective_n + 1e-9
    assert 0 <= by_connection.share <= 1


@given(whole_connections, st.randoms(use_true_random=False))
def test_order_does_not_matter(connections, random):
    """Connections are a set."""
    other = connections[:]
    random.shuffle(other)

    first, second = arm(connections), arm(other)

    assert first.share == pytest.approx(second.share)
    assert first.effective_n == pytest.approx(second.effective_n)


@given(whole_connections)
def test_putting_strata_together_keeps_the_sum_of_squares(connections):
    """As one stratum the effective n is Kish's over all connections."""
    calls = np.array([one.calls for one in connections], dtype=float)

    found = clusters.together(arm(connections))

    assert found.effective_n == pytest.approx(calls.sum() ** 2 / (calls**2).sum())
    assert [one.stratum for one in found.strata] == [ALL]
