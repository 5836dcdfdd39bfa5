"""Learns the store's product ids from its catalog page, as a shopper would."""

import re
from urllib.parse import urlsplit

import gevent
from geventhttpclient.client import HTTPClient
from geventhttpclient.response import HTTPParseError

from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.tracing import SpanIds, new_ids

CATALOG_PAGE = "/catalog"
_LINK = re.compile(rb"""href=["'](?:https?://[^/"']+)?/catalog/([A-Za-z0-9][\w.-]*)["'?#]""")
_NOT_A_PRODUCT = frozenset({"search"})
_OK = 200


def product_ids(page: bytes) -> tuple[str, ...]:
    """The ids that the links ``/catalog/<id>`` of a page name, sorted, each once."""
    return tuple(sorted({match.decode() for match in _LINK.findall(page)} - _NOT_A_PRODUCT))


def unsampled(ids: SpanIds) -> str:
    """A ``traceparent`` that asks the store not to trace."""
    return ids.traceparent.removesuffix("1") + "0"


def fetch_products(placement: WorkerPlacement, timeout_s: float) -> tuple[str, ...]:
    """Ask the ui for its catalog page, untraced; empty where it does not answer or shows no product."""
    url = urlsplit(placement.ui_url)
    client = HTTPClient(
        str(url.hostname), port=url.port, connection_timeout=timeout_s, network_timeout=timeout_s
    )
    try:
        with gevent.Timeout(timeout_s):
            response = client.get(CATALOG_PAGE, headers={"traceparent": unsampled(new_ids(0))})
            page = response.read()
    except (OSError, HTTPParseError, gevent.Timeout):
        return ()
    finally:
        client.close()
    return product_ids(page) if response.status_code == _OK else ()
