"""Users of a locustfile's classes, dealt to the seats of a swarm."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.worker.dealing import deal, users_of_classes
from loadtest.worker.own_file import UserClass
from loadtest.worker.plan import users_of_seats


def weighted(*weights: float) -> list[UserClass]:
    return [UserClass(name=f"c{index}", weight=weight) for index, weight in enumerate(weights)]


def test_fixed_counts_come_first_and_weights_share_the_rest():
    """As Locust does it; of equal remainders the class that stands first gets the user."""
    classes = [UserClass(name="admin", fixed_count=2), *weighted(3, 1)]
    assert users_of_classes(classes, 10) == {"admin": 2, "c0": 6, "c1": 2}
    assert users_of_classes(classes, 9) == {"admin": 2, "c0": 5, "c1": 2}
    assert users_of_classes(classes, 1) == {"admin": 1, "c0": 0, "c1": 0}
    assert users_of_classes(weighted(1, 1), 3) == {"c0": 2, "c1": 1}


def test_seats_have_the_same_mix():
    """Twelve users of weights 3 and 1 over three seats: three and one in each."""
    assert deal(weighted(3, 1), 12, 3) == ({"c0": 3, "c1": 1},) * 3


@given(
    weights=st.lists(st.floats(0.1, 100), min_size=1, max_size=6),
    fixed=st.integers(0, 5),
    users=st.integers(1, 200),
    seats=st.integers(1, 12),
)
def test_no_user_is_lost_and_no_seat_is_favoured(weights: list[float], fixed: int, users: int, seats: int):
    """Totals are those of the seats; a class's users differ by one at most from seat to seat."""
    classes = [*weighted(*weights), UserClass(name="fixed", fixed_count=fixed)]
    if not fixed:
        classes.pop()
    dealt = deal(classes, users, seats)
    assert tuple(sum(seat.values()) for seat in dealt) == users_of_seats(users, seats)
    for one in classes:
        counts = [seat[one.name] for seat in dealt]
        assert max(counts) - min(counts) <= 1
    assert deal(classes, users, seats) == dealt
