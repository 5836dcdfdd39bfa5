"""The user's own pages, as a YAML file says them (pure).

The types below are the one declaration of the file's shape: they convert, and ``pages.schema.json`` is made
of them. What is asked of a page at run time is ``loadtest.worker.plan.Page``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from k8s.errors import UsageError
from k8s.model import yaml_text
from k8s.model.yaml_text import Flaw, Place
from loadtest.worker import variables
from loadtest.worker.plan import IdSource, Page

MOST_WEIGHT: Final = 1_000_000
_OURS: Final = frozenset(
    {"traceparent", "tracestate", "x-amzn-trace-id", "content-length", "transfer-encoding", "connection"}
)
"""Headers that the load generator sets itself."""
_NOT_HANDED_ON: Final = ("LOCUST_", "SAMEZONE_")
"""Variables with these beginnings are the load generators' own."""
_JSON_PATH = re.compile(r"(\[\]|[^.\[\]]+)(\[\]|\.[^.\[\]]+)*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

Status = Annotated[int, Meta(ge=100, le=599)]
Id = str | int


class FromEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where ids are found: in the answer of another page, which is asked once by each worker."""

    page: Annotated[str, Meta(description="Its name.")]
    regex: Annotated[str, Meta(description="Finds an id: its group, or all that it matches.")] | UnsetType = (
        UNSET
    )
    json: (
        Annotated[str, Meta(description="Keys to the ids, e.g. items[].id; [] is each item of a list.")]
        | UnsetType
    ) = UNSET


class PageEntry(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "expected": "status"}
):
    """One page. In headers and body ${env:NAME} is a variable of the load generators' environment."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_. -]{0,59}$", description="Shown in results.")]
    path: Annotated[str, Meta(pattern=r"^/[!-~]*$", description="With {id} where an id is to be.")]
    method: Annotated[str, Meta(pattern="^[A-Z]{1,20}$")] = "GET"
    headers: dict[str, str | int] = {}
    body: (
        Annotated[
            str | int | dict[str, Any] | list[Any],
            Meta(description="Text, or a mapping or list that is sent as JSON."),
        ]
        | UnsetType
    ) = UNSET
    weight: Annotated[
        int, Meta(ge=0, le=MOST_WEIGHT, description="In the mix; 0: only for the ids of other pages.")
    ] = 1
    expected: (
        Annotated[
            Status | Annotated[tuple[Status, ...], Meta(min_length=1)],
            Meta(description="What is no failure; every status below 400 if nothing is said."),
        ]
        | UnsetType
    ) = UNSET
    ids: Annotated[tuple[Id, ...], Meta(min_length=1, description="Values of {id}.")] | UnsetType = UNSET
    source: FromEntry | UnsetType = UNSET


class PagesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What --pages reads, as YAML."""

    pages: Annotated[tuple[PageEntry, ...], Meta(min_length=1)]


def parse(text: str, path: str) -> tuple[Page, ...]:
    """The pages in the file *path*; UsageError names the file, the line, the key and what is wrong."""
    found = yaml_text.parse(text, path, PagesFile, misfits=misfits)
    return tuple(map(_page, found.pages))


def schema_text() -> str:
    """The shape as JSON Schema 2020-12, as ``pages.schema.json`` publishes it."""
    return yaml_text.schema_text(PagesFile, name="pages", title="Pages that samezone loads")


def misfits(found: PagesFile) -> Iterator[Flaw]:
    """Where and how the pages do not fit each other, which their types cannot say."""
    by_name: dict[str, PageEntry] = {}
    asked = {page.source.page for page in found.pages if page.source is not UNSET}
    for index, page in enumerate(found.pages):
        place: Place = ("pages", index)
        if page.name in by_name:
            yield (*place, "name"), f"a second page of the name {page.name}"
        by_name.setdefault(page.name, page)
        if not page.weight and page.name not in asked:
            yield (*place, "weight"), "0, and no page takes ids from it: it would never be opened"
        yield from _odd_variables(page, place)
        yield from _odd_headers(page, place)
        yield from _odd_body(page, place)
    if asked and not any(page.weight for page in found.pages):
        yield ("pages",), "every weight is 0: nothing would be opened"
    for index, page in enumerate(found.pages):
        yield from _odd_ids(page, ("pages", index), by_name)


def _odd_variables(page: PageEntry, place: Place) -> Iterator[Flaw]:
    for key, text in (("path", page.path), *(("ids", str(one)) for one in page.ids or ())):
        if "${" in text:
            yield (
                (*place, key),
                "variables go into headers and body: every trace and log would show them here",
            )
    for below, text in _texts(page):
        for name in variables.REFERENCE.findall(text):
            if name.startswith(_NOT_HANDED_ON):
                yield (*place, *below), f"{name} is the load generators' own; name the variable otherwise"
        if "${env:" in variables.REFERENCE.sub("", text):
            yield (*place, *below), "expected ${env:NAME}, with a name of letters, digits and _"


def _texts(page: PageEntry) -> Iterator[tuple[Place, str]]:
    for name, value in page.headers.items():
        yield ("headers", name), str(value)
    if page.body is not UNSET:
        yield ("body",), page.body if isinstance(page.body, str) else json.dumps(page.body, default=str)


def _odd_headers(page: PageEntry, place: Place) -> Iterator[Flaw]:
    for name, value in page.headers.items():
        if name.lower() in _OURS:
            yield (*place, "headers", name), "the load generator sets it itself"
        elif not _TOKEN.fullmatch(name) or not variables.is_header_text(str(value)):
            yield (*place, "headers", name), "not fit for a header: one line of Latin-1 without spaces around"


def _odd_body(page: PageEntry, place: Place) -> Iterator[Flaw]:
    if page.body is UNSET:
        return
    try:
        json.dumps(page.body, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield (*place, "body"), f"no JSON: {error}"


def _odd_ids(page: PageEntry, place: Place, by_name: Mapping[str, PageEntry]) -> Iterator[Flaw]:
    wanted, given = _wants_id(page), page.ids is not UNSET
    if wanted and not given and page.source is UNSET:
        yield place, "it has {id}; say its values by ids or from"
    if not wanted and (given or page.source is not UNSET):
        yield (*place, "ids" if given else "from"), "no {id} in its path or body"
    if page.source is UNSET:
        return
    where = (*place, "from")
    if given:
        yield where, "given here and as ids; choose one"
    if (page.source.regex is UNSET) == (page.source.json is UNSET):
        yield where, "expected one of regex and json"
    if page.source.json is not UNSET and not _JSON_PATH.fullmatch(page.source.json):
        yield (*where, "json"), "expected keys and [] for each item of a list, like items[].id"
    try:
        _source(page)
    except UsageError as error:
        yield (*where, "regex"), str(error).removeprefix("load plan: ")
    other = by_name.get(page.source.page)
    if other is None:
        yield (*where, "page"), f"no such page; there are {', '.join(by_name)}"
    elif _wants_id(other):
        yield (*where, "page"), f"{other.name} wants an id itself"


def _wants_id(page: PageEntry) -> bool:
    return any(
        "{id}" in text for text in (page.path, *(text for at, text in _texts(page) if at == ("body",)))
    )


def _source(page: PageEntry) -> IdSource:
    if page.source is UNSET:
        return IdSource()
    return IdSource(page=page.source.page, regex=page.source.regex or "", json=page.source.json or "")


def _page(entry: PageEntry) -> Page:
    headers = {name: str(value) for name, value in entry.headers.items()}
    is_json = isinstance(entry.body, dict | list)
    if is_json and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    expected = () if entry.expected is UNSET else entry.expected
    body = "" if entry.body is UNSET else entry.body
    return Page(
        name=entry.name,
        path=entry.path,
        weight=entry.weight,
        method=entry.method,
        headers=tuple(headers.items()),
        body=json.dumps(body, separators=(",", ":")) if is_json else str(body),
        is_json=is_json,
        expected=expected if isinstance(expected, tuple) else (expected,),
        ids=() if entry.ids is UNSET else tuple(map(str, entry.ids)),
        source=_source(entry),
    )
