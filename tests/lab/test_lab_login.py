"""``samezone web --web-login`` on a lab: Locust's login, as a person's locustfile sets it up."""

import json
import signal
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.lab.test_web import await_word, get
from tests.loadtest.worker.test_web_login import EXAMPLE, ON, PASSWORD

pytestmark = pytest.mark.lab


def test_people_log_in(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As their locustfile sets it up: nothing is shown before, all of it afterwards; we need no login."""
    for name in ("SESSION_KEY", "PASSWORD"):
        monkeypatch.setenv(name, ON[name])
    login = ("--web-login", "--locustfile", str(EXAMPLE))
    running = lab.start("web", "--web-port", "0", "--runs", str(tmp_path), *login)
    assert running.stderr is not None
    try:
        address = await_word(iter(running.stderr), "Locust web UI:").split()[3]
        state = f"{address}/samezone/zones"
        assert b"catalog/catalog" not in get(state)
        person = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        form = urllib.parse.urlencode({"username": "me", "password": PASSWORD}).encode()
        with person.open(f"{address}/log-in", form, timeout=30) as answer:
            assert answer.status == 200
        deadline_s = time.monotonic() + 60
        while True:
            with person.open(state, timeout=30) as answer:
                shown = json.load(answer)
            if shown["live"] is not None and shown["live"]["mode"]:
                break
            assert time.monotonic() < deadline_s
            time.sleep(0.5)
        assert (shown["live"]["service"], shown["live"]["may_change"]) == ("catalog/catalog", True)
        assert len(shown["generators"]) == 3
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 0
