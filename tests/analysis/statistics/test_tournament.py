"""More than two modes: adjusted p-values, the Pareto set, the choice and its sentence."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import shares, tournament
from analysis.statistics.clusters import ALL, ArmShare, StratumShare, Unit
from analysis.statistics.interval import Interval
from analysis.statistics.tournament import Contender, Duel
from k8s.errors import UsageError


def arm(share: float, n: float = 400.0) -> ArmShare:
    one = StratumShare(stratum=ALL, calls=n, share=share, effective_n=n, clusters=int(n))
    return ArmShare(unit=Unit.CONNECTION, strata=(one,))


def duel(left: str, right: str, p_value: float, gap: float = 0.1) -> Duel:
    interval = Interval(estimate=gap, low=gap - 0.1, high=gap + 0.1, level=0.95, n=100, method="m")
    return Duel(left=left, right=right, interval=interval, p_value=p_value)


def duels(arms: dict[str, ArmShare]) -> list[Duel]:
    """Every two modes, right minus left."""
    found = []
    for left, right in combinations(arms, 2):
        interval = shares.difference(arms[left], arms[right]).interval
        p_value = shares.p_value(arms[left], arms[right])
        found.append(Duel(left=left, right=right, interval=interval, p_value=p_value))
    return found


def test_benjamini_and_hochbergs_figures():
    """P times m / rank, made monotone from above: 0.01, 0.02, 0.04 of three become 0.03, 0.03, 0.04."""
    found = tournament.adjusted([duel("a", "b", 0.01), duel("a", "c", 0.04), duel("b", "c", 0.02)])

    assert [one.adjusted_p for one in found] == pytest.approx([0.03, 0.04, 0.03])
    assert all(one.differs for one in found)
    assert tournament.adjusted([]) == ()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", 0.9, 1.0), ("b", 0.8, 1.0)], ("a",)),
        ([("a", 0.9, 2.0), ("b", 0.8, 1.0)], ("a", "b")),
        ([("a", 0.9, 1.0), ("b", 0.9, 1.0)], ("a", "b")),
        ([("a", 0.9, 2.0), ("b", 0.8, 1.0), ("c", 0.7, 1.5)], ("a", "b")),
        ([("a", 0.9, None), ("b", 0.8, 1.0)], ("a",)),
    ],
)
def test_the_pareto_set(rows, expected):
    """Beaten in nothing without winning something; a figure that one lacks is no figure."""
    assert (
        tournament.pareto([Contender(mode=mode, share=share, p99_s=p99) for mode, share, p99 in rows])
        == expected
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
        min_size=1,
        max_size=8,
    )
)
def test_the_pareto_set_is_never_empty_and_beats_the_rest(rows):
    """Whoever is not in it is dominated by one who is."""
    contenders = [
        Contender(mode=str(index), share=share, p99_s=p99, skew=skew, usd_per_month=usd)
        for index, (share, p99, skew, usd) in enumerate(rows)
    ]
    points = {one.mode: (-one.share, one.p99_s, one.skew, one.usd_per_month) for one in contenders}

    kept = tournament.pareto(contenders)

    assert kept
    for mode, point in points.items():
        beaten = any(
            points[other] != point and all(a <= b for a, b in zip(points[other], point, strict=True))  # type: ignore[operator]
            for other in kept
        )
        assert beaten == (mode not in kept)


def test_the_best_that_is_shown_to_be_best_is_taken():
    """Far ahead: chosen, with the smallest lead in the sentence."""
    arms = {"off": arm(0.33), "tar": arm(0.70), "close": arm(0.99)}
    contenders = [Contender(mode=mode, share=one.share) for mode, one in arms.items()]

    found = tournament.standing(contenders, duels(arms))

    assert found.choice == "close"
    assert found.pareto == ("close",)
    assert found.sentence.startswith(
        "Take close: 99.0\u00a0% of its calls stay in their zone; at least 29.0 points more"
    )
    assert "2 of 2 others (adjusted p < 0.0001)" in found.sentence


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "100.0\u00a0%"),
        (0.9996, "99.96\u00a0%"),
        (0.99997, "99.997\u00a0%"),
        (0.9999999, ">\u00a099.999\u00a0%"),
    ],
)
def test_nearly_all_is_not_called_all(share: float, said: str):
    """100 % is said of no share that is less."""
    contenders = [Contender(mode="tar", share=share), Contender(mode="off", share=0.3)]

    assert tournament.standing(contenders, []).sentence.startswith(f"Take tar: {said} of its calls")


def test_among_equals_the_cheapest_is_taken():
    """Not shown to be less: then cost decides, then p99, then skew."""
    arms = {"tar": arm(0.95), "close": arm(0.96), "off": arm(0.33)}
    contenders = [
        Contender(mode="tar", share=0.95, usd_per_month=10),
        Contender(mode="close", share=0.96, usd_per_month=20),
        Contender(mode="off", share=0.33, usd_per_month=5),
    ]

    found = tournament.standing(contenders, duels(arms))

    assert found.choice == "tar"
    assert "close is not shown to keep fewer" in found.sentence


def test_what_fails_its_guards_is_not_taken():
    """The best share does not help; it is named."""
    arms = {"off": arm(0.33), "tar": arm(0.70), "close": arm(0.99)}
    contenders = [Contender(mode=mode, share=one.share, passes=mode != "close") for mode, one in arms.items()]

    found = tournament.standing(contenders, duels(arms))

    assert found.choice == "tar"
    assert "close did not pass the guards" in found.sentence


def test_nobody_passes():
    """No choice, and a sentence that says so."""
    contenders = [Contender(mode=mode, share=0.5, passes=False) for mode in ("a", "b")]

    found = tournament.standing(contenders, [duel("a", "b", 0.5)])

    assert (found.choice, found.sentence) == (None, "No mode passes its guards.")


@pytest.mark.parametrize("modes", [["a"], ["a", "a"]])
def test_a_tournament_takes_two(modes):
    """One mode, or the same twice, is refused."""
    with pytest.raises(UsageError, match="comparing modes"):
        tournament.standing([Contender(mode=mode, share=0.5) for mode in modes], [])
