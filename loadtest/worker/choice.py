"""Which page arrival number *n* of a worker opens: a pure function, so that two arms replay the same mix."""

from dataclasses import dataclass
from itertools import accumulate

from loadtest.worker.plan import Page

_MASK = (1 << 64) - 1


def _scramble(number: int) -> int:
    """A 64-bit mix of *number*: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = (number + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A page to open: the page of the plan and the path to ask for."""

    page: Page
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMix:
    """The plan's pages in the order one worker opens them; stateless, any slot can be asked for any time."""

    visits: tuple[tuple[Visit, ...], ...]
    """For each page the paths it can mean: one a product for a page with ``{id}``."""
    bounds: tuple[int, ...]
    """Cumulative weights of the pages."""
    key: int
    """64 bits from the plan's seed and the worker's index."""

    def at(self, slot: int) -> Visit:
        """The visit of arrival number *slot*."""
        number = _scramble(self.key + slot)
        # The low half chooses the page, the high half the product: independent of each other.
        ticket = (number & 0xFFFFFFFF) % self.bounds[-1]
        index = 0
        while ticket >= self.bounds[index]:
            index += 1
        visits = self.visits[index]
        return visits[(number >> 32) % len(visits)]


def needs_products(pages: tuple[Page, ...]) -> bool:
    """Whether any page's path asks for a product id."""
    return any("{id}" in page.path for page in pages)


def page_mix(pages: tuple[Page, ...], products: tuple[str, ...], *, seed: int, worker: int) -> PageMix:
    """The mix of worker number *worker*; product ids are sorted: in which order they were found is no matter.

    A page with ``{id}`` is opened literally where *products* is empty: it fails visibly.
    """
    ordered = sorted(products) or ["{id}"]
    return PageMix(
        visits=tuple(
            tuple(Visit(page=page, path=page.path.replace("{id}", product)) for product in ordered)
            if "{id}" in page.path
            else (Visit(page=page, path=page.path),)
            for page in pages
        ),
        bounds=tuple(accumulate(page.weight for page in pages)),
        key=_scramble(_scramble(seed & _MASK) + worker),
    )
