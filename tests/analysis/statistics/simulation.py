"""Connections drawn the way kube-proxy does; it shares nothing with the estimators it is used to test.

A client opens a connection and gets one of the endpoints that its zone may use, each with the same
probability; all the connection's requests go there. Users have rates of their own and keep a connection for
all, or for a number of requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.pair_table import SampledPair

ZONES = 3
ENDPOINTS_PER_ZONE = 2
PODS_PER_ZONE = 2
"""Client pods; the users of a zone take turns among them."""

EVERYWHERE = ((0, 1, 2), (0, 1, 2), (0, 1, 2))
"""For each client zone, the zones whose endpoints it may use: no hints."""
AT_HOME = ((0,), (1,), (2,))
TWO_AT_HOME = ((0,), (1,), (0, 1, 2))
"""The third zone has no hints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Users, and how they keep connections."""

    users: int
    requests: float
    """Mean requests of a user in the window."""
    per_connection: int | None
    """None keeps one connection for all."""
    unevenness: float = 1 / 3
    """Squared coefficient of variation of the users' rates (gamma)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """One arm's connections by column, each of shape (connections,)."""

    calls: NDArray[np.int64]
    zone: NDArray[np.int64]
    pod: NDArray[np.int64]
    endpoint: NDArray[np.int64]

    @property
    def at_home(self) -> NDArray[np.bool_]:
        """Whether each connection stays in its zone."""
        found: NDArray[np.bool_] = self.endpoint // ENDPOINTS_PER_ZONE == self.zone
        return found


def observed(
    drawn: Drawn, *, fraction: float = 1.0, rng: np.random.Generator | None = None
) -> list[SampledPair]:
    """What a service graph, and a random sample of the calls, show of an arm; all calls without *rng*."""
    seen = drawn.calls if rng is None else rng.binomial(drawn.calls, fraction)
    key = drawn.pod * ZONES * ENDPOINTS_PER_ZONE + drawn.endpoint
    order = np.argsort(key, kind="stable")
    first = np.unique(key[order], return_index=True)[1]
    return [
        SampledPair(
            client=f"pod-{drawn.pod[members[0]]}",
            server=f"endpoint-{drawn.endpoint[members[0]]}",
            stratum=f"zone-{drawn.zone[members[0]]}",
            calls=int(drawn.calls[members].sum()),
            same_zone=bool(drawn.at_home[members[0]]),
            sampled=tuple(seen[members][seen[members] > 0].tolist()),
        )
        for members in np.split(order, first[1:])
    ]


def rates(load: Load, rng: np.random.Generator, experiments: int) -> NDArray[np.float64]:
    """Expected requests of each user, of shape (experiments, users); the same users may take part in many
    arms.
    """
    shape = 1 / load.unevenness
    return rng.gamma(shape, load.requests / shape, size=(experiments, load.users))


def arms(
    load: Load, usable: tuple[tuple[int, ...], ...], expected: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[Drawn]:
    """One arm for each row of *expected*."""
    users = expected.shape[1]
    zone_of_user = np.arange(users) % ZONES
    pod_of_user = zone_of_user * PODS_PER_ZONE + np.arange(users) // ZONES % PODS_PER_ZONE
    choices = np.array([len(zones) * ENDPOINTS_PER_ZONE for zones in usable])
    table = np.zeros((ZONES, ZONES * ENDPOINTS_PER_ZONE), dtype=np.int64)
    for code, zones in enumerate(usable):
        ids = [place * ENDPOINTS_PER_ZONE + one for place in zones for one in range(ENDPOINTS_PER_ZONE)]
        table[code, : len(ids)] = ids
    for mean in expected:
        requests = rng.poisson(mean)
        keep = load.per_connection or max(1, int(requests.max()))
        opened = -(-requests // keep)
        user = np.repeat(np.arange(users), opened)
        calls = np.full(len(user), keep)
        last = np.cumsum(opened)[opened > 0] - 1
        calls[last] = (requests - (opened - 1) * keep)[opened > 0]
        zone = zone_of_user[user]
        endpoint = table[zone, (rng.random(len(user)) * choices[zone]).astype(np.int64)]
        yield Drawn(
            calls=calls,
            zone=zone,
            pod=pod_of_user[user],
            endpoint=endpoint,
        )
