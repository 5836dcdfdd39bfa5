"""What a real swarm loads when it is told: https with a private CA, another propagation, a host name."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.target import Target
from tests.loadtest.certificates import Authority, authority
from tests.loadtest.stand import Memory, attributes, serving
from tests.loadtest.swarm.test_local_swarm import Scene, placements

pytestmark = pytest.mark.lab

SHOP = "127.83.204.1"
PLAN = LoadPlan(rate_per_s=60, users=2, pages=(Page(name="home", path="/home", weight=1),), seed=2)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca") / "trusted")


@pytest.fixture(scope="module")
def shop(trusted: Authority) -> ssl.SSLContext:
    return trusted.server("DNS:frontend.shop.svc", "DNS:frontend.shop.svc.cluster.local")


@contextmanager
def opened(logs: Path, shop: ssl.SSLContext | None) -> Iterator[tuple[Scene, str]]:
    """One worker that knows the Service shop/frontend by name, and what the Service is called by its URL."""
    memory = Memory()
    with serving(memory, "127.0.0.1") as (collector,), serving(memory, SHOP, trust=shop) as (url,):
        scheme, _, address = url.partition("://")
        (worker,) = placements((f"http://{SHOP}:9",), collector)
        worker = replace(worker, hosts=(("frontend.shop", address),), service="frontend")
        swarm = LocalSwarm((worker,), logs)
        try:
            swarm.open()
            yield (
                Scene(swarm=swarm, memory=memory, logs=logs),
                f"{scheme}://frontend.shop.svc.cluster.local:8443/api",
            )
        finally:
            swarm.close()


def test_https_with_a_private_ca_a_port_and_a_path_prefix(
    tmp_path: Path, trusted: Authority, shop: ssl.SSLContext
):
    """Certificates are verified against the name; products are learned there; spans name the Service."""
    with opened(tmp_path, shop) as (scene, url):
        pages = (*PLAN.pages, Page(name="product", path="/catalog/{id}", weight=1))
        plan = replace(PLAN, pages=pages, target=Target(url=url, ca=trusted.pem, propagate="both"))
        (tally,) = scene.run(plan, 2)
        hits, spans = scene.memory.shop_hits(), scene.memory.spans()

    assert (tally.failures, tally.connections) == (0, tally.requests)
    assert len(hits) == len(spans) == tally.requests > 90
    assert {hit.path for hit in hits} == {"/api/home", "/api/catalog/p-1", "/api/catalog/p-2"}
    assert {hit.host for hit in hits} == {"frontend.shop.svc.cluster.local:8443"}
    assert {attributes(span)["aws.remote.service"] for _, span in spans} == {"frontend"}
    assert {attributes(span)["url.full"] for _, span in spans} == {
        f"{url}{path}" for path in ("/home", "/catalog/p-1", "/catalog/p-2")
    }
    ids = [(span.trace_id.hex(), span.span_id.hex()) for _, span in spans]
    assert {hit.traceparent for hit in hits} == {f"00-{trace}-{span}-01" for trace, span in ids}
    assert {hit.xray for hit in hits} == {
        f"Root=1-{trace[:8]}-{trace[8:]};Parent={span};Sampled=1" for trace, span in ids
    }


def test_x_rays_header_alone(tmp_path: Path):
    """Over plain HTTP: no ``traceparent``."""
    with opened(tmp_path, None) as (scene, url):
        (tally,) = scene.run(replace(PLAN, target=Target(url=url, propagate="xray")), 1)
        hits = scene.memory.shop_hits()

    assert tally.failures == 0
    assert {hit.traceparent for hit in hits} == {""}
    assert all(hit.xray.startswith("Root=1-") and hit.xray.endswith(";Sampled=1") for hit in hits)


@pytest.mark.parametrize("told", ["nothing", "another CA", "another name"])
def test_a_certificate_that_is_not_trusted_fails_every_request(
    tmp_path: Path, trusted: Authority, shop: ssl.SSLContext, told: str
):
    """The failure is named, nothing is answered; without verification it goes through."""
    with opened(tmp_path, shop) as (scene, url):
        address = scene.swarm._workers[0].hosts[0][1]
        target = Target(url=url)
        if told == "another CA":
            target = replace(target, ca=authority(tmp_path / "other").pem)
        elif told == "another name":
            target = replace(target, url=f"https://{address}", ca=trusted.pem)
        (tally,) = scene.run(replace(PLAN, target=target), 1)
        hits = scene.memory.shop_hits()
        (through,) = scene.run(replace(PLAN, target=replace(target, insecure=True)), 1)

    why = {
        "nothing": "certificate refused: unable to get local issuer certificate",
        "another CA": "certificate refused: unable to get local issuer certificate",
        "another name": f"certificate refused: IP address mismatch, certificate is not valid for '{SHOP}'.",
    }[told]
    assert tally.errors == ((why, tally.requests),)
    assert tally.requests == tally.failures > 30
    assert hits == []
    assert (through.failures, through.requests > 30) == (0, True)


def test_a_target_that_wants_a_login_says_401(tmp_path: Path):
    """Every request is a failure with the status; none is lost."""
    with opened(tmp_path, None) as (scene, url):
        scene.memory.status = 401
        (tally,) = scene.run(replace(PLAN, target=Target(url=url)), 1)

    assert tally.errors == (("HTTP 401", tally.requests),)
    assert tally.requests == tally.failures > 30
