"""Pagination: opaque tokens that belong to one query and to what it found when it was asked first."""

import json
import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8s.lab.xray.faults import invalid_request

_MOST_CURSORS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a query stands."""

    query: str
    items: Sequence[Any]
    """Everything the query found, in its order."""
    place: int
    """The first item of the page to come."""


class Pages:
    """The queries that have more pages to come; the oldest are forgotten."""

    def __init__(self, seed: int) -> None:
        """*seed* of the tokens."""
        self._random = random.Random(seed)  # noqa: S311  # unguessable tokens are not needed on loopback
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()

    def resume(self, operation: str, body: Mapping[str, Any]) -> Cursor | None:
        """The cursor that the request's NextToken stands for; None where there is no token.

        InvalidRequestException for a token that is unknown or belongs to another query.
        """
        token = body.get("NextToken")
        if token is None:
            return None
        cursor = self._cursors.get(str(token))
        if cursor is None or cursor.query != query_of(operation, body):
            raise invalid_request("The value for NextToken is invalid")
        return cursor

    def token(self, cursor: Cursor) -> str | None:
        """The token of the page that begins at the cursor; None where nothing is left."""
        if cursor.place >= len(cursor.items):
            return None
        token = f"{self._random.getrandbits(192):048x}"
        self._cursors[token] = cursor
        if len(self._cursors) > _MOST_CURSORS:
            self._cursors.popitem(last=False)
        return token


def query_of(operation: str, body: Mapping[str, Any]) -> str:
    """What a token is bound to: the operation and all its arguments."""
    arguments = {key: value for key, value in body.items() if key != "NextToken"}
    return json.dumps([operation, arguments], sort_keys=True)
