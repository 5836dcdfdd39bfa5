"""Which page arrival number *n* of a worker opens: a pure function, so that two arms replay the same mix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from urllib.parse import quote

from loadtest.worker.plan import IdSource, Page
from loadtest.worker.scramble import scramble
from loadtest.worker.variables import filled, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A page to open: the page of the plan, the path to ask for, and what is sent with it."""

    page: Page
    path: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """With the values of variables, which may be secrets."""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMix:
    """The plan's pages in the order one worker opens them; stateless, any slot can be asked for any time."""

    visits: tuple[tuple[Visit, ...], ...]
    """For each page the requests it can mean: one an id for a page with ``{id}``."""
    bounds: tuple[int, ...]
    """Cumulative weights of the pages."""
    key: int
    """64 bits from the plan's seed and the worker's index."""

    def at(self, slot: int) -> Visit:
        """The visit of arrival number *slot*."""
        number = scramble(self.key + slot)
        # The low half chooses the page, the high half the id: independent of each other.
        ticket = (number & 0xFFFFFFFF) % self.bounds[-1]
        index = 0
        while ticket >= self.bounds[index]:
            index += 1
        visits = self.visits[index]
        return visits[(number >> 32) % len(visits)]


def id_sources(pages: tuple[Page, ...]) -> frozenset[IdSource]:
    """Where ids have to be learned before these pages can be opened."""
    return frozenset(source for page in pages if (source := page.id_source) is not None)


def visits_of(page: Page, ids: tuple[str, ...], environment: Mapping[str, str]) -> tuple[Visit, ...]:
    """Every request that a page can mean: one an id, or one for a page without.

    A page that wants an id is opened literally where there is none: it fails visibly. *environment* has the
    variables that the page names.
    """
    headers = tuple((name, filled(value, environment)) for name, value in page.headers)
    body = filled(page.body, environment, in_json=page.is_json)
    if not page.wants_id or not ids:
        return (Visit(page=page, path=page.path, headers=headers, body=body.encode()),)
    return tuple(
        Visit(
            page=page,
            path=page.path.replace("{id}", quote(one, safe="")),
            headers=headers,
            body=_with_id(page, one, environment).encode(),
        )
        for one in ids
    )


def _ids(page: Page, learned: Mapping[IdSource, tuple[str, ...]]) -> tuple[str, ...]:
    source = page.id_source
    return page.ids if source is None else tuple(sorted(learned.get(source, ())))


def _with_id(page: Page, one: str, environment: Mapping[str, str]) -> str:
    # The id first: a variable's value is sent as it is, whatever it looks like.
    body = page.body.replace("{id}", quoted(one) if page.is_json else one)
    return filled(body, environment, in_json=page.is_json)


def page_mix(
    pages: tuple[Page, ...],
    learned: Mapping[IdSource, tuple[str, ...]],
    *,
    seed: int,
    worker: int,
    environment: Mapping[str, str],
) -> PageMix:
    """The mix of worker number *worker*, whatever order ids were *learned* in."""
    return PageMix(
        visits=tuple(visits_of(page, _ids(page, learned), environment) for page in pages),
        bounds=tuple(accumulate(page.weight for page in pages)),
        key=scramble(scramble(seed) + worker),
    )
