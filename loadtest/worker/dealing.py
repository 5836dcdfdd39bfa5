"""Deals Locust's users to seats, in place of Locust's own way.

``UsersDispatcher`` spreads users over whoever is there: it would move a lost worker's users to the others,
and take users from them for a newcomer, cutting off their requests. Here a seat has its users, whoever sits
in it.
"""

from collections.abc import Iterator, Mapping

from loadtest.worker.board import Board

USER_CLASS = "Shopper"


class SeatDispatcher:
    """What Locust's master uses of a dispatcher."""

    dispatch_in_progress = True
    """Keeps Locust from dealing anew whenever a worker comes or goes: whoever fills seats asks for that."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._users = 0

    def new_dispatch(self, target_user_count: int, spawn_rate: float, user_classes: object = None) -> None:
        """What shall be, at once whatever the rate."""
        del spawn_rate, user_classes
        self._users = target_user_count

    def __iter__(self) -> Iterator[Mapping[str, Mapping[str, int]]]:
        """One step: all users of all seats, by client and user class."""
        yield {client: {USER_CLASS: count} for client, count in self._board.users(self._users).items()}

    def add_worker(self, worker_node: object) -> None:
        """Locust tells of a newcomer; it gets users with a seat."""

    def remove_worker(self, worker_node: object) -> None:
        """Locust tells of one that is gone; its seat keeps its users."""
