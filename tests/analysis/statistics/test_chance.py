"""The unit of chance: clients that stick are found, and then count once each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import client_pods
from analysis.statistics.chance import Chance, chance, chosen
from analysis.statistics.clusters import Unit
from analysis.statistics.pair_table import SampledPair
from tests.analysis.verdict import crowds
from tests.analysis.verdict.crowds import Crowd


def pair(client: str, server: str, connections: int, *, same: bool, zone: str = "a") -> SampledPair:
    return SampledPair(
        client=client,
        server=server,
        stratum=zone,
        calls=connections,
        same_zone=same,
        sampled=(1,) * connections,
    )


def seen(*pairs: SampledPair, affinity: bool = False) -> Chance:
    found = chance(pairs, affinity=affinity)
    assert found is not None
    return found


STICKY = [
    pair(f"c{client}", f"s{client % 3}", 20, same=client % 3 == 0) for client in range(6)
]  # six clients, each with one server
MIXED = [pair(f"c{client}", f"s{one}", 20, same=one == 0) for client in range(6) for one in range(3)]


def test_clients_that_stick_are_the_unit():
    """Twenty connections of each client to one server of three: the pod, and the sentence says why."""
    found = chosen([seen(*STICKY)])

    assert found.unit is Unit.CLIENT_POD
    assert "agree on an endpoint" in found.why


def test_clients_that_mix_leave_the_connection():
    """Each client spreads evenly: the connection, and the sentence has the p-value."""
    found = chosen([seen(*MIXED)])

    assert found.unit is Unit.CONNECTION
    assert "no more than chance (p = 1)" in found.why


def test_affinity_needs_no_evidence():
    """The Service says so: the pod, though the sample shows nothing."""
    found = chosen([seen(*MIXED), seen(*MIXED, affinity=True)])

    assert found.unit is Unit.CLIENT_POD
    assert "sessionAffinity" in found.why


def test_one_sticky_window_decides_for_all():
    """Who sticks in the baseline sticks in the candidate, where all calls stay and nothing shows it."""
    at_home = [pair(f"c{client}", f"s{client % 2}", 20, same=True) for client in range(6)]

    assert chosen([seen(*at_home)]).unit is Unit.CONNECTION
    assert chosen([seen(*at_home), seen(*STICKY)]).unit is Unit.CLIENT_POD


def test_a_connection_a_client_shows_nothing():
    """Clients with one connection each have nothing to agree on, however many windows there are."""
    single = [pair(f"c{client}", f"s{client % 3}", 1, same=client % 3 == 0) for client in range(6)]

    found = client_pods.together([seen(*single).agreement] * 40)

    assert found.p_value > 0.3


def test_a_client_alone_in_its_zone_shows_nothing():
    """Sent unevenly or sticking: one window cannot tell, so it is no evidence."""
    uneven = [pair("c", f"s{one}", count, same=one == 0) for one, count in enumerate((300, 120, 80))]

    found = chosen([seen(*uneven)])

    assert found.unit is Unit.CONNECTION
    assert "no zone has two clients" in found.why


def test_connections_without_names_are_pod_pairs():
    """No sample: the pod pair, the widest unit that counts allow, and no pod can be told to stick."""
    blind = SampledPair(client="c", server="s", stratum="a", calls=30, same_zone=True)

    assert chosen([seen(blind)]).unit is Unit.PAIR


def test_pods_are_worth_what_their_spread_says():
    """By hand: shares 0.4, 0.25, 0.4375, 0.3 of four pods; Kish's n over pods, times t-corrected variance."""
    pods = [(100, 40), (120, 30), (80, 35), (100, 30)]
    found = seen(
        *(
            pair(f"c{number}", f"{number}-{home}", count, same=home)
            for number, (calls, same) in enumerate(pods)
            for home, count in ((True, same), (False, calls - same))
        )
    ).by_client_pod

    share = 135 / 400
    variance = 4 / 3 * sum((same - share * calls) ** 2 for calls, same in pods) / 400**2
    t_over_z = 3.182446305284263 / 1.959963984540054
    assert found.effective_n == pytest.approx(share * (1 - share) / variance / t_over_z**2)


@pytest.mark.parametrize("same", [True, False])
def test_pods_that_agree_are_one_choice_each(same):
    """Where no spread can be seen, a pod is worth one choice, never more."""
    found = seen(*(pair(f"c{number}", "s", 10, same=same) for number in range(5)))

    assert found.by_client_pod.effective_n == pytest.approx(5.0)


pairs = st.lists(
    st.builds(
        pair,
        st.sampled_from(["c1", "c2", "c3"]),
        st.text("xyz", min_size=1, max_size=2),
        st.integers(1, 30),
        same=st.booleans(),
        zone=st.sampled_from(["a", "b"]),
    ),
    min_size=1,
    max_size=12,
)


@given(pairs)
def test_a_pod_is_never_worth_more_than_its_connections(some):
    """Nor less than one choice; the share is the same by either unit."""
    found = seen(*some)
    clients = len({(one.stratum, one.client) for one in some})

    assert found.by_client_pod.share == pytest.approx(found.by_connection.share)
    assert 1 - 1e-9 <= found.by_client_pod.effective_n <= max(clients, found.by_connection.effective_n) + 1e-9
    assert 0 <= found.agreement.p_value <= 1


@pytest.mark.parametrize(
    ("crowd", "unit", "least"),
    [
        (Crowd(), Unit.CONNECTION, 0.99),
        (Crowd(kept=4), Unit.CONNECTION, 0.99),
        (Crowd(calls_each=10, sampled=0.2), Unit.CONNECTION, 0.99),
        (Crowd(sticks=0.5), Unit.CLIENT_POD, 0.99),
        (Crowd(sticks=0.9, sampled=0.2), Unit.CLIENT_POD, 0.99),
    ],
)
def test_how_often_the_unit_is_the_right_one(crowd, unit, least):
    """Of two hundred comparisons each."""
    rng = np.random.default_rng(41)

    found = [
        chosen([seen(*crowds.observed(crowd, crowds.connections(crowd, rng), rng)) for _ in range(2)]).unit
        for _ in range(200)
    ]

    assert found.count(unit) / 200 >= least
