"""What the lab's servers answer when asked from outside: whether they are well, what a relay knows."""

import http.client
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import urlsplit

from k8s.errors import UnreachableError
from k8s.lab.truth import TruthSnapshot, merge, parse
from k8s.topology import ServiceKey

_TIMEOUT_S = 1.0
_TRUTH_TIMEOUT_S = 5.0
_OK = 200


def answers(url: str) -> bool:
    """Whether GET answers 200 within a second."""
    try:
        _get(url)
    except UnreachableError:
        return False
    return True


def relays_complete(admin_urls: Sequence[str], endpoints: Mapping[ServiceKey, int]) -> bool:
    """Whether every relay can reach so many endpoints of each Service, directly after they became ready."""
    return all(_is_complete(url, endpoints) for url in admin_urls)


def scrapes_all(prometheus_url: str, targets: Collection[str]) -> bool:
    """Whether a Prometheus has a first sample of each of these targets, each a host and a port."""
    try:
        found = json.loads(_get(f"{prometheus_url}/api/v1/targets"))["data"]["activeTargets"]
    except UnreachableError:
        return False
    return set(targets) <= {one["labels"]["instance"] for one in found if one["health"] == "up"}


def delays_of(admin_url: str) -> Mapping[str, float]:
    """A relay's extra one-way latencies in seconds by zone; empty while it does not answer."""
    try:
        found: dict[str, float] = json.loads(_get(f"{admin_url}/wires"))["delays_s"]
    except UnreachableError:
        return {}
    return found


def read_truth(admin_urls: Sequence[str], clock: Callable[[], float] = time.time) -> TruthSnapshot:
    """Ask every relay for its counts; UnreachableError names the one that does not answer."""
    taken_at_s = clock()
    return merge(
        taken_at_s,
        [row for url in admin_urls for row in parse(_get(f"{url}/counters", _TRUTH_TIMEOUT_S))],
    )


def _is_complete(admin_url: str, endpoints: Mapping[ServiceKey, int]) -> bool:
    try:
        rules = json.loads(_get(f"{admin_url}/rules"))["rules"]
    except UnreachableError:
        return False
    seen = {rule["service"]: len(rule["endpoints"]) for rule in rules}
    return all(seen.get(str(service)) == count for service, count in endpoints.items())


def _get(url: str, timeout_s: float = _TIMEOUT_S) -> bytes:
    """What a GET is answered; UnreachableError if that is not 200, or nothing."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"asking {url}: {error}; is the lab up? samezone lab status") from error
    finally:
        connection.close()
    if response.status != _OK:
        raise UnreachableError(f"asking {url}: it answers {response.status} {response.reason}")
    return body
