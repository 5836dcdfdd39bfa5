"""The Zones page in a real browser, whatever goes wrong behind it: what it says, and that axe can object."""

import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page
from werkzeug.serving import BaseWSGIServer, make_server

from loadtest.worker.live_view import (
    LIVE_PATH,
    CallsNow,
    LiveView,
    ModeMark,
    PredictedShare,
    ShareSlice,
    ZoneFlow,
)
from loadtest.worker.messages import OURS_HEADER
from loadtest.worker.typed_json import encode
from loadtest.worker.zones_tab import PAGE_PATH, install
from tests.lab.test_zones_tab_browser import CHROMIUM, findings, shown
from tests.loadtest.worker.test_zones_tab import BOARD, KEY, Master, Web

pytestmark = [pytest.mark.programs, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")]

MODES = ("off", "tar")
NOW = CallsNow(
    start_s=0.0, end_s=10.0, same=60, cross=30, unknown=10, reasons=("pod x is not known",),
    flows=(ZoneFlow(client_zone="a", server_zone="a", calls=60),
           ZoneFlow(client_zone="a", server_zone="b", calls=30),
           ZoneFlow(client_zone="", server_zone="b", calls=10)),
)  # fmt: skip
BLIND = replace(NOW, same=0, cross=0, flows=(ZoneFlow(client_zone="", server_zone="", calls=10),))
ROOT = 'document.querySelector("samezone-zones").shadowRoot'
NOTICES = f'[...{ROOT}.querySelectorAll(".notices li")].map((one) => one.textContent)'
FIGURES = f'[...{ROOT}.querySelectorAll(".figures div")].map((one) => one.textContent)'
PATIENCE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A web app with our page, and whoever tells it what to show."""

    server: BaseWSGIServer
    web: Web
    master: Master

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def tell(self, *, behind_s: float = 4.0, **changes: Any) -> None:
        """A view of now, whose newest calls are so old."""
        now_s = time.time()
        slices = [
            ShareSlice(start_s=end_s - 2, end_s=end_s, same=6, cross=3, unknown=1)
            for end_s in (now_s - behind_s - 2, now_s - behind_s)
        ]
        plain = LiveView(
            service="catalog/catalog",
            client="ui/ui",
            source="X-Ray",
            usual_s=7.0,
            mode="tar",
            modes=MODES,
            may_change=True,
            sent_s=now_s,
            slices=tuple(slices),
            now=NOW,
            predicted=(PredictedShare(mode="tar", low=0.7, high=0.8, against=""),),
        )
        form = urllib.parse.urlencode({"view": encode(replace(plain, **changes)).decode()}).encode()
        request = urllib.request.Request(f"{self.address}{LIVE_PATH}", form, {OURS_HEADER: KEY})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


@contextmanager
def serving() -> Iterator[Served]:
    web, master = Web(), Master()
    install(web, master, token=KEY)
    server = make_server("127.0.0.1", 0, web.app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Served(server=server, web=web, master=master)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """What the browser's console says."""
    return []


@pytest.fixture(scope="module")
def page(served: Served, complaints: list[str]) -> Iterator[Page]:
    served.tell()
    with shown(f"{served.address}{PAGE_PATH}", complaints) as found:
        yield found


@pytest.fixture(autouse=True)
def anew(served: Served, page: Page) -> None:
    """All is well before each test."""
    served.master.board = BOARD
    served.tell()
    page.reload()
    page.wait_for_function(f"{FIGURES}.length === 4", timeout=PATIENCE_MS)


def await_notice(page: Page, words: str) -> list[str]:
    """All notices, once one has these words."""
    page.wait_for_function(
        f"(words) => {NOTICES}.some((one) => one.includes(words))", arg=words, timeout=PATIENCE_MS
    )
    found: list[str] = page.evaluate(NOTICES)
    return found


def figures(page: Page) -> list[str]:
    found: list[str] = page.evaluate(FIGURES)
    return found


def is_stale(page: Page) -> bool:
    return page.locator("samezone-zones").get_attribute("stale") is not None


def test_nothing_is_said_where_all_is_well(page: Page, complaints: list[str]):
    """The figures with their coverage, no notice, and axe has nothing to say."""
    assert page.evaluate(NOTICES) == []
    assert figures(page)[0].startswith("Same-zone share now66.7 %60.0 % to 70.0 %")
    assert figures(page)[2].startswith("Coverage90.0 %10 of 100 unknown: pod x is not known")
    assert not is_stale(page)
    assert findings(page) == []
    assert complaints == []


FAILING = (
    "Reading the calls: calling GetServiceGraph of X-Ray in eu-west-1: AccessDeniedException: no",
    "Reading the calls: calling GetServiceGraph of X-Ray: ExpiredTokenException; renew the AWS credentials",
    "Reading the calls: asking Prometheus at http://p:9090: connection refused; is it up?",
)


@pytest.mark.parametrize("why", FAILING)
def test_a_source_that_fails(served: Served, page: Page, complaints: list[str], why: str):
    """One line why; what is still shown says how old it is, in its title and in another colour."""
    served.tell(behind_s=94.0, problems=(why,))

    told = await_notice(page, why)

    assert len(told) == 2
    assert told[1].startswith("The numbers below are 9")
    assert is_stale(page)
    assert figures(page)[0].startswith("Same-zone share 9")
    assert " s ago66.7 %" in figures(page)[0]
    assert findings(page) == []
    assert complaints == []


def test_no_coverage(served: Served, page: Page, complaints: list[str]):
    """No share, and no cell of the matrix is same-zone or cross-zone."""
    served.tell(now=BLIND)

    (told,) = await_notice(page, "there is no share")

    assert told.startswith("Of none of the newest 10 requests both zones are known")
    assert figures(page)[0].startswith("Same-zone share nownone0.0 % to 100.0 %, whatever")
    assert figures(page)[2].startswith("Coverage0.0 %")
    assert page.locator("samezone-zones td.same, samezone-zones td.cross").count() == 0
    assert page.locator("samezone-zones td.muted").count() == 1
    assert complaints == []


def test_nobody_to_send(served: Served, page: Page, complaints: list[str]):
    """Beside numbers of other people's traffic."""
    served.master.board = replace(BOARD, workers=0, tallies=())
    assert await_notice(page, "No load generator is connected") == [
        "No load generator is connected, so nothing can be sent from here."
    ]
    assert complaints == []


def test_somebody_else_changes_the_mode(served: Served, page: Page, complaints: list[str]):
    """One line, and the mark in the chart."""
    mark = ModeMark(at_s=time.time() - 12, before="off", mode="tar", is_elsewhere=True)
    served.tell(marks=(mark,))

    (told,) = await_notice(page, "Somebody else")

    assert told.endswith("from off to tar.")
    assert page.get_by_text("off \u2192 tar").count() == 1
    assert complaints == []


def test_nobody_looks_any_more(page: Page, complaints: list[str]):
    """The views stop: the numbers get old, and no button can be pressed."""
    (told,) = await_notice(page, "samezone web was last heard of")

    assert "the numbers below are" in told
    assert page.get_by_role("button", name="Set off").get_attribute("aria-disabled") == "true"
    assert complaints == []


def test_the_master_is_away(page: Page):
    """The page says since when, and that its numbers are as old; it goes on when the master is back."""
    page.route("**/samezone/zones", lambda route: route.abort())

    (told,) = await_notice(page, "The Locust master does not answer")
    assert "What is below is from" in told
    assert is_stale(page)
    assert page.get_by_role("button", name="Set off").get_attribute("aria-disabled") == "true"

    page.unroute("**/samezone/zones")
    await_notice(page, "samezone web was last heard of")


STILL = """() => {
    const zones = document.querySelector("samezone-zones");
    clearTimeout(zones.timer);
    zones.poll = zones.paint = () => {};
}"""
"""What is broken by hand shall not be painted anew."""
FAULTS = {
    "color-contrast": f'{ROOT}.querySelector("style").append(".figures dd {{ color: #ccc !important }}")',
    "button-name": f'{ROOT}.querySelector(".buttons").append(document.createElement("button"))',
    "aria-allowed-attr": f'{ROOT}.querySelector("table").setAttribute("aria-checked", "true")',
    "image-alt": f'{ROOT}.querySelector("svg").replaceWith(document.createElement("img"))',
}


@pytest.mark.parametrize("rule", FAULTS)
def test_axe_finds_a_broken_tab(served: Served, page: Page, rule: str):
    """The check that the tests make of the tab, over the same tab with one fault in it."""
    served.tell()
    page.evaluate(STILL)
    assert findings(page) == []

    page.evaluate(f"() => {{ {FAULTS[rule]}; }}")

    assert rule in {one for one, _ in findings(page)}
