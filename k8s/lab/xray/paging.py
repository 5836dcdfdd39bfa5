"""Pagination: opaque tokens that belong to one query and to what it found when it was asked first."""

import json
import random
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8s.lab.xray.api_errors import invalid_request

_MOST_QUERIES: Final = 16
_MOST_ITEMS: Final = 500_000
"""Over all queries; the newest may have more."""
_TOKEN: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a query stands."""

    query: str
    items: Sequence[Any]
    """Everything the query found, in its order."""
    place: int = 0
    """The first item of the page to come."""
    key: str = ""
    """Under which its items are kept between pages; empty before the first."""


class PageBook:
    """The queries that have more pages to come; those not used for longest are forgotten."""

    def __init__(self, seed: int) -> None:
        """*seed* of the tokens."""
        self._random = random.Random(seed)  # noqa: S311  # unguessable tokens are not needed on loopback
        self._kept: OrderedDict[str, tuple[str, Sequence[Any]]] = OrderedDict()

    def resume(self, operation: str, body: Mapping[str, Any]) -> Cursor | None:
        """The cursor that the request's NextToken stands for; None where there is no token.

        InvalidRequestException for a token that is unknown or belongs to another query.
        """
        token = body.get("NextToken")
        if token is None:
            return None
        match = _TOKEN.fullmatch(str(token))
        query, items = self._kept.get(match[1], ("", ())) if match else ("", ())
        if match is None or query != query_of(operation, body):
            raise invalid_request("The value for NextToken is invalid")
        self._kept.move_to_end(match[1])
        return Cursor(query=query, items=items, place=int(match[2], 16), key=match[1])

    def token(self, cursor: Cursor, place: int) -> str | None:
        """The token of the page that begins at a place of the cursor's query; None where nothing is left."""
        if place >= len(cursor.items):
            return None
        key = cursor.key or f"{self._random.getrandbits(128):032x}"
        self._kept[key] = (cursor.query, cursor.items)
        while len(self._kept) > 1 and self._is_too_much():
            self._kept.popitem(last=False)
        return f"{key}{place:08x}"

    def _is_too_much(self) -> bool:
        items = sum(len(items) for _, items in self._kept.values())
        return len(self._kept) > _MOST_QUERIES or items > _MOST_ITEMS


def query_of(operation: str, body: Mapping[str, Any]) -> str:
    """What a token is bound to: the operation and all its arguments."""
    arguments = {key: value for key, value in body.items() if key != "NextToken"}
    return json.dumps([operation, arguments], sort_keys=True)
