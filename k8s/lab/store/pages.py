"""ui's pages: small HTML made of the catalog's answers. Every text goes through one escape."""

from collections.abc import Sequence
from html import escape

import msgspec


class TagSeen(msgspec.Struct, frozen=True, rename="camel"):
    """A tag as the catalog gives it."""

    name: str
    display_name: str


class ProductSeen(msgspec.Struct, frozen=True):
    """A product as the catalog gives it."""

    id: str
    name: str
    description: str
    price: int
    tags: tuple[TagSeen, ...] = ()


class SizeSeen(msgspec.Struct, frozen=True):
    """The number of products."""

    size: int


_STYLE = """
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1d2733; background: #f6f7f9 }
header { background: #12303f; color: #fff; padding: .8rem 2rem; display: flex; gap: 2rem }
header a { color: #cfe3ee; text-decoration: none }
main { max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem }
.card { background: #fff; border: 1px solid #dde3e8; border-radius: .5rem; padding: 1rem }
.card h2 { font-size: 1.1rem; margin: 0 0 .5rem }
.price { font-weight: 600; color: #0d6a54 }
.tag { display: inline-block; background: #e6eef3; border-radius: 1rem; padding: 0 .7rem; margin: 0 .3rem }
footer { color: #6a7783; font-size: .85rem; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }
"""


class Pages:
    """The pages of one ui pod; each says who rendered it."""

    def __init__(self, *, pod: str, zone: str) -> None:
        self._foot = f"</main><footer>Rendered by {escape(pod)} in {escape(zone)}</footer></body></html>"

    def home(self, size: int, products: Sequence[ProductSeen]) -> bytes:
        """Some products and how many there are."""
        return self._page(
            "Home",
            f"<h1>The most public shop</h1><p>{size} things to buy, for instance:</p>{_grid(products)}"
            '<p><a href="/catalog">See all</a></p>',
        )

    def catalog(self, tags: Sequence[TagSeen], size: int, products: Sequence[ProductSeen]) -> bytes:
        """One page of products and the tags to choose from."""
        links = "".join(
            f'<a class="tag" href="/catalog?tag={escape(tag.name)}">{escape(tag.display_name)}</a>'
            for tag in tags
        )
        return self._page("Catalog", f"<h1>Catalog</h1><p>{links}</p>{_grid(products)}<p>{size} in all</p>")

    def product(self, product: ProductSeen) -> bytes:
        """One product."""
        return self._page(
            product.name, _grid([product]) + '<p><a href="/catalog">Back to the catalog</a></p>'
        )

    def error(self, status: int, message: str) -> bytes:
        """What went wrong."""
        return self._page(f"Error {status}", f"<h1>Error {status}</h1><p>{escape(message)}</p>")

    def _page(self, title: str, body: str) -> bytes:
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f"<style>{_STYLE}</style></head><body>"
            '<header><strong>Retail store</strong><a href="/home">Home</a>'
            f'<a href="/catalog">Catalog</a></header><main>{body}{self._foot}'
        ).encode()


def _grid(products: Sequence[ProductSeen]) -> str:
    return '<div class="grid">' + "".join(_card(product) for product in products) + "</div>"


def _card(product: ProductSeen) -> str:
    tags = "".join(f'<span class="tag">{escape(tag.display_name)}</span>' for tag in product.tags)
    return (
        f'<div class="card"><h2><a href="/catalog/{escape(product.id)}">{escape(product.name)}</a></h2>'
        f'<p>{escape(product.description)}</p><p class="price">${product.price}</p><p>{tags}</p></div>'
    )
