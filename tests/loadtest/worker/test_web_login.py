"""Locust's own login (``--web-login``) on a real master: the Zones tab and its buttons are behind it, too."""

import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from k8s.errors import UsageError
from loadtest.swarm.locust_master import LocustMaster
from loadtest.worker.live_view import PUT_BACK, LiveView, Wish
from loadtest.worker.messages import OURS_VARIABLE
from tests.lab.test_zones_tab_browser import CHROMIUM, findings, shown
from tests.loadtest.worker.test_web_door import master

pytestmark = pytest.mark.lab

EXAMPLE = Path(__file__).parents[1] / "swarm" / "examples" / "web_login.py"
KEY = "of-the-pods-secret"
PASSWORD = "open-sesame"  # noqa: S105 - of a test
VIEW = LiveView(service="catalog/catalog", client="ui/ui", modes=("off", "tar"), may_change=True)
ON = {"LOCUST_WEB_LOGIN": "true", "SESSION_KEY": "s", "PASSWORD": PASSWORD, OURS_VARIABLE: KEY}
DATA = ("/samezone/zones", "/samezone/tallies", "/samezone/zones.js", "/zones", "/stats/requests")
"""What nobody sees who is not logged in; the last one is Locust's own."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """As a cluster's pod starts it: the login in its environment, the locustfile mounted."""
    with master(SAMEZONE_LOCUSTFILE=str(EXAMPLE), SAMEZONE_PARENT=str(os.getpid()), **ON) as found:
        yield found


@dataclass
class Person:
    """A browser: keeps the cookie of a session, sends where its page is from, follows nothing."""

    port: int
    cookie: str = ""

    def ask(self, method: str, path: str, body: str = "", kind: str = "", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Cookie": self.cookie, "Content-Type": kind, "Origin": f"http://127.0.0.1:{self.port}"}
        connection.request(method, path, body, {**{k: v for k, v in sent.items() if v}, **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                self.cookie = value.partition(";")[0]
        connection.close()
        return answer.status, text

    def log_in(self, password: str = PASSWORD) -> int:
        form = urlencode({"username": "me", "password": password})
        return self.ask("POST", "/log-in", form, "application/x-www-form-urlencoded")[0]

    def press(self, mode: str, **headers: str) -> int:
        return self.ask("POST", "/samezone/mode", json.dumps({"mode": mode}), "application/json", **headers)[
            0
        ]


def ours(port: int, token: str = KEY) -> LocustMaster:
    """As ``samezone web`` speaks to the master."""
    return LocustMaster(f"http://127.0.0.1:{port}", expect=(), token=token)


def test_nobody_who_is_not_logged_in_sees_or_changes_anything(port: int):
    """Each path leads to the login page and holds nothing; a press, a start and a stop are none."""
    ours(port).show(VIEW)
    for person in (Person(port), Person(port, cookie="session=eyJ1c2VyIjoibWUifQ.forged.forged")):
        for path in DATA:
            status, text = person.ask("GET", path)
            assert (path, status) == (path, 302)
            assert not {"catalog/catalog", "tallies", "samezone-zones", "user_count"} & set(text.split('"'))
        assert person.press("tar") == 302
        for path in ("/swarm", "/stop", "/samezone/live"):
            assert person.ask("POST", path, "view={}", "application/x-www-form-urlencoded")[0] == 302
        assert person.ask("GET", "/login")[0] == 200
    stranger = Person(port)
    assert stranger.log_in("guess") == 302
    assert stranger.ask("GET", "/samezone/zones")[0] == 302
    assert ours(port).show(VIEW).wishes == ()


def test_who_is_logged_in_sees_and_changes(port: int):
    """Until they log out."""
    ours(port).show(VIEW)
    person = Person(port)
    assert person.log_in() == 302

    for path in DATA:
        assert person.ask("GET", path)[0] == 200
    assert json.loads(person.ask("GET", "/samezone/zones")[1])["live"]["service"] == "catalog/catalog"
    assert person.press("tar") == 202
    assert ours(port).show(VIEW).wishes == (Wish(mode="tar"),)
    assert person.press(PUT_BACK) == 202
    assert ours(port).show(VIEW).wishes == (Wish(mode=PUT_BACK),)

    assert person.ask("POST", "/log-out")[0] == 302
    assert person.ask("GET", "/samezone/zones")[0] == 302
    assert person.press("tar") == 302
    assert ours(port).show(VIEW).wishes == ()


def test_a_page_of_another_site_uses_nobodys_login(port: int):
    """The browser would send the cookie along: neither a script's request nor a form of theirs gets in."""
    ours(port).show(VIEW)
    person = Person(port)
    person.log_in()

    assert person.press("tar", Origin="http://evil.test") == 403
    assert person.press("tar", **{"Sec-Fetch-Site": "cross-site"}) == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert person.ask("POST", "/samezone/mode", '{"mode": "tar"}', kind)[0] == 415
    assert ours(port).show(VIEW).wishes == ()


def test_a_command_needs_the_masters_key_and_says_so(port: int):
    """With it no login is asked for: to read, to hand over, to stop; without it one line, at once."""
    known = ours(port)
    assert known.view().state == "ready"
    known.stop()

    for token in ("", "guess"):
        for do in (ours(port, token).view, lambda token=token: ours(port, token).show(VIEW)):
            with pytest.raises(UsageError, match=f"asks for a login.*set {OURS_VARIABLE} to"):
                do()


@pytest.mark.programs
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
def test_a_person_logs_in_with_a_browser(port: int):
    """The form of Locust's own page; then the page and its buttons; logged out elsewhere, it says so."""
    complaints: list[str] = []
    with shown(f"http://127.0.0.1:{port}/", complaints) as page:
        assert page.url.endswith("/login?next=%2F")
        assert page.locator("samezone-zones").count() == 0
        page.locator("input[name=username]").fill("me")
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        page.get_by_text("Start new load test").wait_for()
        page.goto(f"http://127.0.0.1:{port}/zones")  # Locust shows tabs once a load has begun
        ours(port).show(VIEW)
        button = page.get_by_role("button", name="Set tar")
        button.and_(page.locator("[aria-disabled=false]")).click()
        page.wait_for_timeout(500)
        assert ours(port).show(VIEW).wishes == (Wish(mode="tar"),)
        assert findings(page) == []

        ours(port).show(VIEW)
        button.and_(page.locator("[aria-disabled=false]")).wait_for()
        page.evaluate("() => { document.querySelector('samezone-zones').poll = () => {}; }")
        page.context.clear_cookies()
        button.click()
        page.get_by_role("status").get_by_text("You are not logged in any more").wait_for()
        assert ours(port).show(VIEW).wishes == ()
        page.evaluate("() => { delete document.querySelector('samezone-zones').poll; }")
        page.evaluate("() => document.querySelector('samezone-zones').poll()")
        page.locator("samezone-zones .notices").get_by_text("load this page again, and log in").wait_for()
    assert complaints == []


def test_a_login_that_nobody_set_up_lets_nobody_in():
    """The switch without a locustfile that says who may: Locust's own message, and no data."""
    with master(**{**ON, "SAMEZONE_PARENT": str(os.getpid())}) as port:
        person = Person(port)
        for path in DATA:
            status, text = person.ask("GET", path)
            assert status in (200, 302)
            assert "Locust auth exception" in text or "Redirecting" in text
        assert person.press("tar") in (200, 302)
        assert ours(port).view().workers == 0
