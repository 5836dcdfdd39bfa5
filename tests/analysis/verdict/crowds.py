"""Crowds of clients behind kube-proxy, drawn call by call; they share nothing with the estimators they test.

Every client pod has a rate of its own, opens connections, and each new connection gets an endpoint: at random
among all, or the one it had before, or the next in turn. What is drawn is handed over as a service graph and
a sample of traces would show it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.pair_table import SampledPair

Codes = NDArray[np.int64]
ZONES: Final = ("a", "b", "c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Clients, their connections, and how endpoints are chosen."""

    pods: int = 12
    """Client pods, dealt out over three zones."""
    calls: int = 2000
    """Expected in a window."""
    kept: int | None = None
    """Connections that each client keeps for a window; None: ``calls_each`` decides."""
    calls_each: float = 1.0
    """Calls of a connection."""
    pareto: float | None = None
    """Connections' calls are Pareto with this shape, 1 at least."""
    heavy: float | None = None
    """The share of the calls that the first client makes."""
    endpoints: tuple[int, int, int] = (2, 2, 2)
    sticks: float = 0.0
    """Probability that a connection goes to the endpoint of the client's last one."""
    loyal: float = 1.0
    """The share of the clients that do so."""
    affinity: bool = False
    """A client has one endpoint for all."""
    turn: bool = False
    """Endpoints are taken in turn, node by node."""
    moves: float = 0.0
    """The share moves up or down by this much from window to window, at random."""
    drifts: float = 0.0
    """The rate is up or down by at most this part from window to window, at random."""
    tripled: bool = False
    """In the candidate's windows the first zone has three times the load."""
    sampled: float | None = None
    """Fraction of the calls whose connection is known; None: all of them."""
    carries: float = 0.0
    """Of the windows' length: how fast clients give up what they opened under the arm before."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Connections by column."""

    client: Codes
    endpoint: Codes
    calls: Codes
    at: NDArray[np.float64]
    """When it was opened, as a part of the window."""


def connections(
    crowd: Crowd, rng: np.random.Generator, *, candidate: bool = False, shift: float = 0.0
) -> Drawn:
    """Who opened which connection to whom, in the order of time for each client.

    In the candidate's windows *shift* of the calls are routed home on purpose.
    """
    zone = np.arange(crowd.pods) % len(ZONES)
    weight = np.ones(crowd.pods)
    if crowd.heavy is not None:
        weight[0] = crowd.heavy / (1 - crowd.heavy) * (crowd.pods - 1)
    if crowd.tripled and candidate:
        weight[zone == 0] *= 3
    rate = 1 + rng.uniform(-crowd.drifts, crowd.drifts)
    calls = rng.poisson(crowd.calls * rate * weight / weight.sum())
    client, size = _opened(crowd, calls, rng)
    endpoint = _chosen(crowd, client, zone, rng)
    at = rng.random(len(client))
    total = (shift if candidate else 0.0) + (rng.choice([-crowd.moves, crowd.moves]) if crowd.moves else 0.0)
    if total:
        endpoint = _moved(crowd, endpoint, zone[client], total, rng)
    if shift and crowd.carries:
        old = rng.random(len(client)) < np.exp(-at / crowd.carries)
        other = _chosen(crowd, client, zone, rng)
        if not candidate:
            other = _moved(crowd, other, zone[client], shift, rng)
        endpoint = np.where(old, other, endpoint)
    return Drawn(client=client, endpoint=endpoint, calls=size, at=at)


def _opened(crowd: Crowd, calls: Codes, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """(client, calls) of each connection."""
    clients, sizes = [], []
    for one, total in enumerate(calls.tolist()):
        if crowd.kept is not None:
            parts = rng.multinomial(total, np.full(crowd.kept, 1 / crowd.kept))
        elif crowd.pareto is not None:
            drawn = np.floor(1 + rng.pareto(crowd.pareto, total)).astype(np.int64)
            ends = np.minimum(np.cumsum(drawn), total)
            parts = np.diff(ends, prepend=0)
        elif crowd.calls_each > 1:
            count = -(-total // int(crowd.calls_each))
            parts = np.full(count, int(crowd.calls_each))
            if count:
                parts[-1] = total - int(crowd.calls_each) * (count - 1)
        else:
            parts = np.ones(total, dtype=np.int64)
        parts = parts[parts > 0]
        clients.append(np.full(len(parts), one))
        sizes.append(parts)
    return np.concatenate(clients), np.concatenate(sizes).astype(np.int64)


def _chosen(crowd: Crowd, client: Codes, zone: Codes, rng: np.random.Generator) -> Codes:
    total = sum(crowd.endpoints)
    fresh = rng.integers(0, total, len(client))
    if crowd.turn:
        start = rng.integers(0, total, len(ZONES))
        found = np.empty(len(client), dtype=np.int64)
        for code in range(len(ZONES)):
            mine = np.flatnonzero(zone[client] == code)
            found[rng.permutation(mine)] = (start[code] + np.arange(len(mine))) % total
        return found
    again = np.ones(len(client), dtype=bool) if crowd.affinity else rng.random(len(client)) < crowd.sticks
    again &= client < crowd.loyal * crowd.pods
    first = np.flatnonzero(np.diff(client, prepend=-1))
    again[first] = False
    # Each goes where the last one went that chose afresh.
    last = np.maximum.accumulate(np.where(again, 0, np.arange(len(client))))
    return fresh[last]


def _moved(crowd: Crowd, endpoint: Codes, zone: Codes, by: float, rng: np.random.Generator) -> Codes:
    """Some connections are sent home, or away, so that the share changes by so much on average."""
    ends = np.cumsum((0, *crowd.endpoints))
    home = (endpoint >= ends[zone]) & (endpoint < ends[zone + 1])
    share = np.array(crowd.endpoints)[zone] / sum(crowd.endpoints)
    if by > 0:
        moved = ~home & (rng.random(len(endpoint)) < by / (1 - share))
        target = zone
    else:
        moved = home & (rng.random(len(endpoint)) < -by / share)
        target = (zone + rng.integers(1, len(ZONES), len(zone))) % len(ZONES)
    there = ends[target] + (rng.random(len(endpoint)) * np.array(crowd.endpoints)[target]).astype(np.int64)
    return np.where(moved, there, endpoint)


def observed(crowd: Crowd, drawn: Drawn, rng: np.random.Generator) -> list[SampledPair]:
    """As a graph and a random sample of the calls show it."""
    seen = drawn.calls if crowd.sampled is None else rng.binomial(drawn.calls, crowd.sampled)
    ends = np.cumsum(crowd.endpoints)
    key = drawn.client * int(ends[-1]) + drawn.endpoint
    order = np.argsort(key, kind="stable")
    first = np.unique(key[order], return_index=True)[1]
    found = []
    for members in np.split(order, first[1:]):
        client, endpoint = int(drawn.client[members[0]]), int(drawn.endpoint[members[0]])
        home, there = client % len(ZONES), int(np.searchsorted(ends, endpoint, side="right"))
        sizes = seen[members]
        found.append(
            SampledPair(
                client=f"ui-{client}",
                server=f"catalog-{endpoint}",
                stratum=ZONES[home],
                calls=int(drawn.calls[members].sum()),
                same_zone=home == there,
                sampled=tuple(sizes[sizes > 0].tolist()),
            )
        )
    return found


WORLDS: Final[dict[str, Crowd]] = {
    "fresh connections": Crowd(),
    "kept, 12 clients x 4": Crowd(kept=4),
    "10 calls a connection": Crowd(calls_each=10),
    "Pareto(1.1) calls a connection": Crowd(pareto=1.1),
    "3 clients, 1 kept connection each": Crowd(pods=3, kept=1),
    "one client with 70 % of the calls, kept": Crowd(kept=4, heavy=0.7),
    "rate drifts by up to 30 %": Crowd(drifts=0.3),
    "one zone tripled, endpoints 6/2/1, 12 kept": Crowd(kept=1, endpoints=(6, 2, 1), tripled=True),
    "one zone tripled, endpoints 6/2/1, fresh": Crowd(endpoints=(6, 2, 1), tripled=True),
    "share moves +-8 pp, kept": Crowd(kept=4, moves=0.08),
    "share moves +-8 pp, fresh": Crowd(moves=0.08),
    "reconnects stick, 90 %": Crowd(sticks=0.9),
    "reconnects stick, 50 %": Crowd(sticks=0.5),
    "affinity, 12 clients": Crowd(affinity=True),
    "affinity, 36 clients": Crowd(pods=36, affinity=True),
    "round robin": Crowd(turn=True),
    "half of the clients stick, 3 of 4 times": Crowd(sticks=0.75, loyal=0.5),
    "uneven zones and endpoints 5/3/1, 10 calls each": Crowd(calls_each=10, endpoints=(5, 3, 1), heavy=0.4),
    "a sample of 20 %, 10 calls a connection": Crowd(calls_each=10, sampled=0.2),
    "a sample of 20 %, reconnects stick, 90 %": Crowd(sticks=0.9, sampled=0.2),
}
