"""Whether the lab's servers answer, asked from outside."""

import http.client
import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from k8s.topology import ServiceKey

_TIMEOUT_S = 1.0
_OK = 200


def answers(url: str) -> bool:
    """Whether GET answers 200 within a second."""
    return _get(url) is not None


def relays_complete(admin_urls: Sequence[str], endpoints: Mapping[ServiceKey, int]) -> bool:
    """Whether every relay can reach so many endpoints of each Service, directly after they became ready."""
    return all(_is_complete(url, endpoints) for url in admin_urls)


def delays_of(admin_url: str) -> Mapping[str, float]:
    """A relay's extra one-way latencies in seconds by zone; empty while it does not answer."""
    body = _get(f"{admin_url}/wires")
    found: dict[str, float] = {} if body is None else json.loads(body)["delays_s"]
    return found


def _is_complete(admin_url: str, endpoints: Mapping[ServiceKey, int]) -> bool:
    body = _get(f"{admin_url}/rules")
    if body is None:
        return False
    seen = {rule["service"]: len(rule["endpoints"]) for rule in json.loads(body)["rules"]}
    return all(seen.get(str(service)) == count for service, count in endpoints.items())


def _get(url: str) -> bytes | None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if response.status == _OK else None
