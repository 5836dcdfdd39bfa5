"""Learns ids for ``{id}`` from the answer of another page, as a shopper would."""

import json
import re
from typing import Any

import gevent
from geventhttpclient.response import HTTPParseError
from geventhttpclient.url import URL

from loadtest.worker.choice import Visit
from loadtest.worker.connections import ShopperConnections, trust_of
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import DEFAULT_PAGES, STORE_LINKS, IdSource, Page
from loadtest.worker.target import Target
from loadtest.worker.tracing import new_ids

CATALOG_PAGE = next(page for page in DEFAULT_PAGES if page.name == STORE_LINKS.page)
_STEP = re.compile(r"([^.\[\]]+)|\[\]")


def ids_in(answer: bytes, source: IdSource) -> tuple[str, ...]:
    """The ids that an answer names, sorted, each once; none where it is not what the source expects."""
    if source.regex:
        found = re.findall(source.regex, answer.decode(errors="replace"), re.ASCII)
        return tuple(sorted({one for one in found if one}))
    try:
        values = [json.loads(answer)]
    except ValueError:
        return ()
    for step in _STEP.finditer(source.json):
        values = [below for value in values for below in _below(value, step[1])]
    return tuple(sorted({str(one) for one in values if type(one) in (str, int) and one != ""}))


def _below(value: Any, key: str | None) -> list[Any]:
    """The value at *key* of a mapping; each item of a list for None."""
    if key is None:
        return value if isinstance(value, list) else []
    return [value[key]] if isinstance(value, dict) and key in value else []


def fetch_ids(
    placement: WorkerPlacement, target: Target, visit: Visit, source: IdSource, timeout_s: float
) -> tuple[tuple[str, ...], int]:
    """Open the source's page, untraced; its ids, and the answer's status, 0 where none came."""
    url = URL(target.url + visit.path)
    connections = ShopperConnections(
        timeout_s=timeout_s,
        source_ip=placement.ip,
        on_connect=lambda: None,
        trust=trust_of(target),
        hosts=dict(placement.hosts),
    )
    headers = dict(visit.headers) | new_ids(0).headers(target.propagate, sampled=False)
    try:
        with gevent.Timeout(timeout_s):
            response = connections.get_client(url).request(
                visit.page.method, url.request_uri, body=visit.body, headers=headers
            )
            answer = response.read()
    except (OSError, HTTPParseError, gevent.Timeout):
        return (), 0
    finally:
        connections.close()
    status = response.status_code
    fine = visit.page.is_fine(status)
    return ids_in(answer, source) if fine else (), status


def page_of(source: IdSource, pages: tuple[Page, ...]) -> Page:
    """The page that a source asks; the store's catalog page where the plan has none of that name."""
    return next((page for page in pages if page.name == source.page), CATALOG_PAGE)
