"""How a Deployment's pods change over."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.lab.controllers.rolling import Limits, Revision, Strategy, limits, step

DEFAULT = Strategy()


def revision(name: str, wanted: int, available: int | None = None, **more: int) -> Revision:
    """All of its pods are there and available, unless said otherwise."""
    found = wanted if available is None else available
    return Revision(name=name, wanted=wanted, pods=wanted, ready=found, available=found, **more)


@pytest.mark.parametrize(
    ("strategy", "replicas", "expected"),
    [
        (DEFAULT, 3, (1, 0)),
        (DEFAULT, 4, (1, 1)),
        (DEFAULT, 6, (2, 1)),
        (DEFAULT, 0, (0, 1)),
        (Strategy(max_surge=0, max_unavailable=0), 9, (0, 1)),
        (Strategy(max_surge="100%", max_unavailable=2), 5, (5, 2)),
        (Strategy(max_surge=0, max_unavailable="10%"), 5, (0, 1)),
        (Strategy(recreate=True), 5, (0, 5)),
    ],
    ids=["3", "4", "6", "none", "both zero", "numbers", "rounded to zero", "recreate"],
)
def test_surge_is_rounded_up_and_unavailable_down(
    strategy: Strategy, replicas: int, expected: tuple[int, int]
) -> None:
    """Upstream's ResolveFenceposts; never both zero."""
    surge, unavailable = expected
    assert limits(strategy, replicas) == Limits(surge=surge, unavailable=unavailable)


@pytest.mark.parametrize(
    ("replicas", "new", "old", "expected"),
    [
        (3, revision("new", 3), [], ()),
        (5, revision("new", 3), [], (("new", 5),)),
        (1, revision("new", 3), [], (("new", 1),)),
        (3, revision("new", 0), [revision("old", 3)], (("new", 1),)),
        (3, revision("new", 1, 0), [revision("old", 3)], ()),
        (3, revision("new", 1), [revision("old", 3)], (("old", 2),)),
        (4, revision("new", 1, 0), [revision("old", 4)], (("old", 3),)),
        (3, revision("new", 3), [revision("old", 1)], (("old", 0),)),
        (4, revision("new", 1, 0), [revision("a", 2), revision("b", 2, 1)], (("b", 1),)),
        (6, revision("new", 2), [revision("a", 3), revision("b", 3)], (("a", 0),)),
        (0, revision("new", 3), [revision("old", 1)], (("new", 0),)),
    ],
    ids=[
        "settled",
        "scaled up",
        "scaled down",
        "one more than wanted",
        "waits for the new pod",
        "an old one goes for a new one",
        "one may be missing",
        "the last old one",
        "an old one that is not available goes first",
        "the oldest goes first",
        "to nothing",
    ],
)
def test_one_step_of_a_rolling_update(
    replicas: int, new: Revision, old: list[Revision], expected: tuple[tuple[str, int], ...]
) -> None:
    """With the API's defaults of 25 % and 25 %."""
    assert step(replicas, DEFAULT, new, old) == expected


def test_recreate_waits_until_the_old_pods_are_gone() -> None:
    """Not only told to go: gone."""
    strategy, new = Strategy(recreate=True), revision("new", 0)
    assert step(3, strategy, new, [revision("old", 3)]) == (("old", 0),)
    assert step(3, strategy, new, [revision("old", 0, terminating=1)]) == ()
    assert step(3, strategy, new, [revision("old", 0)]) == (("new", 3),)
    assert step(3, strategy, revision("new", 3), [revision("old", 0)]) == ()


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ([revision("a", 3)], (("a", 5),)),
        ([revision("a", 5)], ()),
        ([revision("a", 0), revision("b", 0)], (("b", 5),)),
        ([revision("a", 2), revision("b", 1)], ()),
        ([], ()),
    ],
)
def test_a_paused_deployment_is_scaled_and_not_rolled_out(
    old: list[Revision], expected: tuple[tuple[str, int], ...]
) -> None:
    """The one ReplicaSet that is in use, or the last; in the middle of a rollout nothing moves."""
    assert step(5, DEFAULT, None, old) == expected


shares = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda share: f"{share}%"))


@given(
    replicas=st.integers(0, 30),
    old=st.lists(st.integers(0, 30), min_size=1, max_size=3),
    strategy=st.builds(Strategy, max_surge=shares, max_unavailable=shares),
    chance=st.randoms(use_true_random=False),
)
def test_a_rollout_ends_and_never_has_too_many_or_too_few(
    replicas: int, old: list[int], strategy: Strategy, chance: object
) -> None:
    """Pods become available in any order; surge and unavailable hold at every step, once they held."""
    rng: object = chance
    sets = {f"old{index}": revision(f"old{index}", wanted) for index, wanted in enumerate(old)}
    sets["new"] = revision("new", 0)
    bound = limits(strategy, replicas)
    held = False
    for _ in range(40 * (replicas + sum(old) + 1)):
        olds = [one for name, one in sets.items() if name != "new"]
        changes = step(replicas, strategy, sets["new"], olds)
        for name, wanted in changes:
            had = sets[name]
            sets[name] = replace(had, wanted=wanted, pods=wanted, available=min(had.available, wanted))
        total = sum(one.wanted for one in sets.values())
        available = sum(one.available for one in sets.values())
        held = held or total <= replicas + bound.surge
        assert not held or total <= replicas + bound.surge
        assert available >= min(replicas - bound.unavailable, sum(old))
        starting = [one for one in sets.values() if one.available < one.wanted]
        if starting:
            one = rng.choice(starting)  # type: ignore[attr-defined] - hypothesis gives a random.Random
            sets[one.name] = replace(one, available=one.available + 1)
        elif not changes:
            break
    assert {name: one.wanted for name, one in sets.items() if one.wanted} == (
        {"new": replicas} if replicas else {}
    )
