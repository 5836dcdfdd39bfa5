"""A Deployment's next step: how many pods each of its ReplicaSets shall have now (pure).

The rules of kubernetes/kubernetes, pkg/controller/deployment (rolling.go, recreate.go, sync.go). Difference:
a Deployment that is scaled in the middle of a rollout is not scaled in proportion; the rollout goes on with
the new number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_SHARE = "25%"
"""``maxSurge`` and ``maxUnavailable`` where the Deployment names none (apps/v1 defaults)."""

Share = int | str
"""A number of pods, or a percentage as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How pods of an old template give way to those of the new one."""

    recreate: bool = False
    """All old pods go before the first new one comes."""
    max_surge: Share = DEFAULT_SHARE
    max_unavailable: Share = DEFAULT_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a rolling update may do, in pods."""

    surge: int
    """Pods above the wanted number."""
    unavailable: int
    """Pods of the wanted number that may be missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A ReplicaSet as its Deployment sees it."""

    name: str
    wanted: int
    """Its ``spec.replicas``."""
    pods: int = 0
    """Pods that are not terminating."""
    ready: int = 0
    available: int = 0
    terminating: int = 0


def limits(strategy: Strategy, replicas: int) -> Limits:
    """Shares as pods: surge rounded up, unavailable down, and never both zero, or nothing could move."""
    if strategy.recreate:
        return Limits(surge=0, unavailable=replicas)
    surge = _pods(strategy.max_surge, replicas, up=True)
    unavailable = _pods(strategy.max_unavailable, replicas, up=False)
    return Limits(surge=surge, unavailable=unavailable if surge or unavailable else 1)


def step(
    replicas: int, strategy: Strategy, new: Revision | None, old: Sequence[Revision]
) -> tuple[tuple[str, int], ...]:
    """(ReplicaSet, its new ``spec.replicas``) for all that change now; empty: nothing to do yet.

    *new* is the ReplicaSet of the Deployment's present template (None while the Deployment is paused and has
    none), *old* are the others, oldest first.
    """
    if new is None:
        return _only_scaled(replicas, old)
    if strategy.recreate:
        return _recreated(replicas, new, old)
    return _scaled_up(replicas, strategy, new, old) or _scaled_down(replicas, strategy, new, old)


def _pods(share: Share, replicas: int, *, up: bool) -> int:
    if isinstance(share, int):
        return share
    exact = float(share.removesuffix("%")) * replicas / 100
    return math.ceil(exact) if up else math.floor(exact)


def _only_scaled(replicas: int, old: Sequence[Revision]) -> tuple[tuple[str, int], ...]:
    """A paused Deployment is scaled and not rolled out."""
    active = [one for one in old if one.wanted] or list(old[-1:])
    if len(active) != 1 or active[0].wanted == replicas:
        return ()
    return ((active[0].name, replicas),)


def _recreated(replicas: int, new: Revision, old: Sequence[Revision]) -> tuple[tuple[str, int], ...]:
    if down := tuple((one.name, 0) for one in old if one.wanted):
        return down
    if any(one.pods or one.terminating for one in old) or new.wanted == replicas:
        return ()
    return ((new.name, replicas),)


def _scaled_up(
    replicas: int, strategy: Strategy, new: Revision, old: Sequence[Revision]
) -> tuple[tuple[str, int], ...]:
    if new.wanted >= replicas:
        return () if new.wanted == replicas else ((new.name, replicas),)
    room = replicas + limits(strategy, replicas).surge - new.wanted - sum(one.wanted for one in old)
    if room <= 0:
        return ()
    return ((new.name, min(new.wanted + room, replicas)),)


def _scaled_down(
    replicas: int, strategy: Strategy, new: Revision, old: Sequence[Revision]
) -> tuple[tuple[str, int], ...]:
    """Old pods that are not available go first: they are no loss; then as many as may be missing."""
    at_least = replicas - limits(strategy, replicas).unavailable
    room = new.wanted + sum(one.wanted for one in old) - at_least - max(new.wanted - new.available, 0)
    left = {one.name: one.wanted for one in old}
    for one in old:
        sick = min(max(one.wanted - one.available, 0), max(room, 0))
        left[one.name] -= sick
        room -= sick
    spare = min(new.available + sum(one.available for one in old) - at_least, room)
    for one in old:
        gone = min(left[one.name], max(spare, 0))
        left[one.name] -= gone
        spare -= gone
    return tuple((one.name, left[one.name]) for one in old if left[one.name] != one.wanted)
