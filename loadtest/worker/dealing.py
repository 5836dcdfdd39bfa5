"""Deals Locust's users to seats, in place of Locust's own way.

``UsersDispatcher`` spreads users over whoever is there: it would move a lost worker's users to the others,
and take users from them for a newcomer, cutting off their requests. Here a seat has its users, whoever sits
in it.
"""

from collections.abc import Iterator, Mapping, Sequence

from loadtest.worker.board import Board
from loadtest.worker.own_file import UserClass

USER_CLASS = "Shopper"


def users_of_classes(classes: Sequence[UserClass], users: int) -> dict[str, int]:
    """How many of *users* each class gets: fixed counts first, the rest by weight, largest remainder."""
    counts = dict.fromkeys((one.name for one in classes), 0)
    left = users
    for one in classes:
        counts[one.name] = min(one.fixed_count, left)
        left -= counts[one.name]
    weighted = [one for one in classes if not one.fixed_count]
    total = sum(one.weight for one in weighted)
    shares = {one.name: left * one.weight / total for one in weighted}
    counts |= {name: int(share) for name, share in shares.items()}
    rest = users - sum(counts.values()) if weighted else 0
    # Sorting is stable: of equal remainders the class that stands first in the file comes first.
    for name in sorted(shares, key=lambda name: int(shares[name]) - shares[name])[:rest]:
        counts[name] += 1
    return counts


def deal(classes: Sequence[UserClass], users: int, seats: int) -> tuple[dict[str, int], ...]:
    """Users of each class for each seat: the same mix everywhere, give or take a user.

    Dealt like cards, one class after the other; a seat gets as many in all as ``users_of_seats`` says.
    """
    dealt = tuple(dict.fromkeys((one.name for one in classes), 0) for _ in range(seats))
    seat = 0
    for name, count in users_of_classes(classes, users).items():
        for _ in range(count):
            dealt[seat % seats][name] += 1
            seat += 1
    return dealt


class SeatDispatcher:
    """What Locust's master uses of a dispatcher."""

    dispatch_in_progress = True
    """Keeps Locust from dealing anew whenever a worker comes or goes: whoever fills seats asks for that."""

    def __init__(self, board: Board, own: Sequence[UserClass] = ()) -> None:
        """*own* are the classes of the user's own locustfile."""
        self._board = board
        self._own = tuple(own)
        self._users = 0

    def new_dispatch(self, target_user_count: int, spawn_rate: float, user_classes: object = None) -> None:
        """What shall be, at once whatever the rate."""
        del spawn_rate, user_classes
        self._users = target_user_count

    def __iter__(self) -> Iterator[Mapping[str, Mapping[str, int]]]:
        """One step: all users of all seats, by client and user class."""
        seated = self._board.users(self._users)
        if not self._board.is_closed_loop:
            yield {client: {USER_CLASS: count} for client, count in seated.items()}
            return
        yield dict(zip(seated, deal(self._own, self._users, len(seated)), strict=True) if seated else ())

    def add_worker(self, worker_node: object) -> None:
        """Locust tells of a newcomer; it gets users with a seat."""

    def remove_worker(self, worker_node: object) -> None:
        """Locust tells of one that is gone; its seat keeps its users."""
