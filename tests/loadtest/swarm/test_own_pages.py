"""What a real swarm sends of the user's own pages, and that it keeps their secrets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from k8s.errors import UsageError
from loadtest import rundir
from loadtest.asking import pages_file
from loadtest.swarm.interface import Phase
from loadtest.worker.arrivals import RateStep
from loadtest.worker.plan import LoadPlan
from tests.loadtest.stand import attributes
from tests.loadtest.swarm.test_local_swarm import Scene, opened
from tests.loadtest.test_rundir import record

pytestmark = pytest.mark.lab

SECRETS = {"SHOP_TOKEN": 'tok-"5ecret-in-a-header', "SHOP_PASSWORD": 'pass\\w"ord-in-a-body'}
PAGES = """
pages:
- name: list
  path: /items?all=1
  weight: 0
  headers: {Authorization: "Bearer ${env:SHOP_TOKEN}"}
- name: order
  method: POST
  path: /orders/{id}
  headers: {Authorization: "Bearer ${env:SHOP_TOKEN}", X-Team: 7}
  body: {item: "{id}", password: "${env:SHOP_PASSWORD}", count: 2}
  status: 201
  weight: 3
  from: {page: list, json: "items[].id"}
- name: gone
  path: /gone/{id}
  status: [404, 410]
  ids: [a/b, 12]
"""
ITEMS = {"items": [{"id": "i-1"}, {"id": 2}, {"name": "none"}, {"id": "i-1"}]}


def plan(text: str = PAGES) -> LoadPlan:
    return LoadPlan(rate_per_s=60, pages=pages_file.parse(text, "pages.yaml"))


def everything(folder: Path, scene: Scene) -> bytes:
    """All that the run leaves, all that Locust shows, and all that went to the collector."""
    shown = ["/", "/zones", "/stats/requests", "/stats/report", "/exceptions", "/samezone/tallies"]
    files = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return files + b"".join(scene.get(path).encode() for path in shown) + b"".join(scene.memory.bodies)


def test_own_pages_are_sent_as_the_file_says_and_secrets_reach_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """POST, headers, JSON, ids of an answer, expected statuses; logs, record, web, spans: names only."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    asked = plan()
    with opened(tmp_path / "logs") as scene:
        scene.memory.page = json.dumps(ITEMS).encode()
        scene.memory.status = 404
        with pytest.raises(UsageError, match=r"page list shows no ids \(HTTP 404\)"):
            scene.run(asked, 1)
        scene.memory.status = 200
        tallies = scene.run(asked, 2)
        rundir.write_json(
            tmp_path / "record.json", replace(record(), asked=replace(record().asked, plan=asked))
        )
        left = everything(tmp_path, scene)
        hits, spans = scene.memory.shop_hits(), scene.memory.spans()
        asked_for_ids = [hit for hit in scene.memory.hits if hit.traceparent.endswith("-00")]

    orders = [hit for hit in hits if hit.method == "POST"]
    assert {hit.path for hit in orders} == {"/orders/i-1", "/orders/2"}
    for hit in orders:
        headers = dict(hit.headers)
        assert headers["Authorization"] == f"Bearer {SECRETS['SHOP_TOKEN']}"
        assert (headers["X-Team"], headers["Content-Type"]) == ("7", "application/json")
        item = hit.path.removeprefix("/orders/")
        assert json.loads(hit.body) == {"item": item, "password": SECRETS["SHOP_PASSWORD"], "count": 2}
    assert {hit.path for hit in hits if hit.method == "GET"} == {"/gone/a%2Fb", "/gone/12"}
    lists = [hit for hit in asked_for_ids if hit.path == "/items?all=1"]
    assert len(lists) == 6  # each worker once without and once with ids
    assert {dict(hit.headers)["Authorization"] for hit in lists} == {f"Bearer {SECRETS['SHOP_TOKEN']}"}

    assert sum(tally.requests for tally in tallies) == len(hits) == len(spans) > 40
    pages = {page.page: page for tally in tallies for page in tally.pages}
    assert (pages["order"].failures, pages["gone"].failures) == (0, pages["gone"].requests)
    assert {why for tally in tallies for why, _ in tally.errors} == {"HTTP 200"}
    assert {span.name for _, span in spans} == {"POST order", "GET gone"}
    assert {attributes(span)["http.request.method"] for _, span in spans} == {"POST", "GET"}

    for secret in (*SECRETS.values(), "5ecret", "ord-in-a-body"):
        assert secret.encode() not in left
        assert json.dumps(secret)[1:-1].encode() not in left
    assert b"${env:SHOP_TOKEN}" in left


def test_a_variable_that_is_not_set_is_one_line_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As on a cluster, where only the workers' pods know."""
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    monkeypatch.setenv("SHOP_PASSWORD", SECRETS["SHOP_PASSWORD"])
    with opened(tmp_path) as scene:
        with pytest.raises(UsageError) as caught:
            scene.swarm.start(plan(), run_id="r", phase=Phase.MEASURE)
        assert scene.memory.shop_hits() == []
        again = scene.run(LoadPlan(rate_per_s=60), 1)

    said = str(caught.value)
    assert said.startswith("nothing is sent: worker locust-worker-")
    assert said.endswith("not set in the load generators' environment: SHOP_TOKEN")
    assert sum(tally.requests for tally in again) > 10


def test_the_store_gets_what_it_always_got(tmp_path: Path):
    """Not one header more for pages that ask for none."""
    with opened(tmp_path) as scene:
        scene.run(LoadPlan(rate_per_s=60), 1)
        hits = scene.memory.hits

    for hit in hits:
        learning = hit.traceparent.endswith("-00")
        encodings = [] if learning else [("Accept-Encoding", "gzip, deflate, br")]
        assert hit.headers[1:-1] == (("traceparent", hit.traceparent), *encodings)
        assert (hit.headers[0][0], hit.headers[-1][0]) == ("User-Agent", "Host")
        assert (hit.method, hit.body) == ("GET", b"")


def test_a_profile_by_chance_is_sent_twice_alike(tmp_path: Path):
    """Steps of 20 and 80/s, seeded: each worker has sent what its seat's schedule has, in both starts."""
    steps = (
        RateStep(begin_per_s=20, end_per_s=20, seconds=2),
        RateStep(begin_per_s=80, end_per_s=80, seconds=2),
    )
    asked = LoadPlan(steps=steps, arrivals="poisson", duration_s=4, seed=4)
    with opened(tmp_path) as scene:
        first = scene.run(asked, 4)
        again = scene.run(asked, 4)

    for tallies in (first, again):
        for seat, tally in zip(asked.seats(3), tallies, strict=True):
            assert tally.failures == 0
            late_s = (tally.lateness.quantile_ms(1.0) or 0.0) / 1000  # on a busy machine, and only there
            assert seat.due(3.5) <= tally.requests <= seat.due(4.6)
            assert tally.last_s - tally.first_s == pytest.approx(
                seat.intended_s(tally.requests - 1) - seat.intended_s(0), abs=0.1 + late_s
            )
