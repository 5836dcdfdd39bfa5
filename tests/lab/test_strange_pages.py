"""A real browser shows a page of another site, which tries the lab's servers' doors and gets nothing."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import start_server
from tests.k8s.lab.xray.builders import shop
from tests.k8s.lab.xray.conftest import start
from tests.loadtest.worker.test_web_door import master

CHROMIUM = shutil.which("chromium")
EVIL = "evil.test"

pytestmark = [
    pytest.mark.lab,
    pytest.mark.programs,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]

PAGE = """<!doctype html><meta charset="utf-8"><title>hostile</title><body>
<script>
const doors = DOORS, told = [];
const simple = {method: "POST", mode: "no-cors", credentials: "include"};
const waits = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
async function read(what, url, options) {
    try {
        const answer = await fetch(url, options);
        const text = await answer.text();
        told.push([what, answer.type, answer.status, text.slice(0, 200)]);
    } catch (error) { told.push([what, "refused", 0, ""]); }
}
function listen(what, url, protocols) {
    return new Promise((done) => {
        const socket = new WebSocket(url, protocols);
        socket.onopen = () => { told.push([what, "open", 101, ""]); done(); };
        socket.onerror = () => { told.push([what, "refused", 0, ""]); done(); };
    });
}
function post(action, values) {
    const frame = Object.assign(document.createElement("iframe"), {name: "f" + Math.random()});
    const form = Object.assign(document.createElement("form"), {action, method: "POST", target: frame.name});
    for (const [name, value] of Object.entries(values)) {
        form.append(Object.assign(document.createElement("input"), {name, value}));
    }
    document.body.append(frame, form);
    form.submit();
}
(async () => {
    const made = JSON.stringify({metadata: {name: "stranger"}});
    for (const base of [doors.api, doors.api_rebound]) {
        await read("create", base + "/api/v1/namespaces", {...simple, body: new Blob([made])});
        await read("create-text", base + "/api/v1/namespaces", {...simple, body: made});
        await read("list", base + "/api/v1/namespaces");
        await read("health", base + "/healthz");
        await read("delete", base + "/api/v1/namespaces/default", {method: "DELETE"});
        await read("patch", base + "/api/v1/namespaces/default", {method: "PATCH", body: "{}",
            headers: {"Content-Type": "application/merge-patch+json", "Authorization": "Bearer guess"}});
    }
    for (const base of [doors.xray, doors.xray_rebound]) {
        await read("reset", base + "/_standin/reset", simple);
        await read("reset-header", base + "/_standin/reset",
            {method: "POST", headers: {"Samezone-Control": "x"}});
        await read("knobs", base + "/_standin/knobs", {...simple, body: '{"loss_rate": 1}'});
        await read("dump", base + "/_standin/dump");
        await read("otlp", base + "/v1/traces", {...simple, body: doors.otlp});
        await read("segments", base + "/TraceSegments", {...simple, body: '{"TraceSegmentDocuments": []}'});
    }
    for (const base of [doors.locust, doors.locust_rebound]) {
        await read("tallies", base + "/samezone/tallies");
        await read("stop", base + "/stop", simple);
        await read("stats-reset", base + "/stats/reset", simple);
        post(base + "/swarm", {user_count: "1", spawn_rate: "1", rate: "60"});
        post(base + "/stop", {});
        post(base + "/stats/reset", {});
    }
    const forward = doors.pod + "?ports=8080";
    for (const base of [doors.api, doors.api_rebound]) {
        const url = base.replace("http", "ws") + forward;
        await listen("forward", url, ["v4.channel.k8s.io"]);
        await listen("forward-token", url, ["base64url.bearer.authorization.k8s.io.eA", "v4.channel.k8s.io"]);
    }
    await waits(1500);
    await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
</script></body>
"""


@dataclass
class Site:
    """Another site, on another port of the loopback."""

    doors: dict[str, str]
    told: list[list[Any]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(site: Site) -> Iterator[int]:
    """Serve the page until it has told what it found."""

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = PAGE.replace("DOORS", json.dumps(site.doors)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            site.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()
            site.done.set()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def shown(site: Site, folder: Path, host: str) -> list[list[Any]]:
    """What the page has told once the browser has shown it under this host's name."""
    assert CHROMIUM is not None
    with serving(site) as port:
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command += [f"--user-data-dir={folder / 'profile'}", f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"]
        # The strongest page there is: without the browser's own guard of the loopback.
        command += ["--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"]
        with subprocess.Popen(
            [*command, "--remote-debugging-port=0", f"http://{host}:{port}/"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as browser:
            try:
                assert site.done.wait(120), "the page did not end"
            finally:
                browser.terminate()
    return site.told


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The three that a person's browser could reach, as the lab starts them."""

    api: str
    xray: str
    locust: str

    def state(self) -> list[Any]:
        """What the doors guard, as its owner sees it."""
        namespaces = wire.get(f"{self.api}/api/v1/namespaces").json["items"]
        standin, load = (
            wire.get(f"{self.xray}/_standin/status").json,
            wire.get(f"{self.locust}/samezone/tallies"),
        )
        return [
            sorted((one["metadata"]["name"], one["metadata"]["resourceVersion"]) for one in namespaces),
            [standin[key] for key in ("knobs", "intake", "traces", "documents")],
            (load.json["state"], load.json["generation"]),
        ]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """With a running pod, and a trace."""
    api, xray = start_server(tmp_path), start()
    try:
        with master(SAMEZONE_PARENT=str(os.getpid())) as port:
            pod = samples.pod("p", "default", ip="127.0.0.1")
            pods = f"{api.url}/api/v1/namespaces/default/pods"
            assert wire.post(pods, pod).status == 201
            assert wire.patch(f"{pods}/p/status", {"status": pod["status"]}).status == 200
            trace = {"Content-Type": "application/x-protobuf"}
            sent = wire.call("POST", f"{xray.url}/v1/traces", shop().SerializeToString(), trace)
            assert sent.status == 200
            yield Servers(api=api.url, xray=xray.url, locust=f"http://127.0.0.1:{port}")
    finally:
        for one in (api, xray):
            one.process.kill()
            one.process.wait()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("host", ["127.0.0.1", EVIL])
def test_a_page_of_another_site_gets_nothing(servers: Servers, tmp_path: Path, host: str) -> None:
    """Nothing is changed, nothing is read, no WebSocket opens; the page did try all of it."""
    doors = {name: getattr(servers, name) for name in ("api", "xray", "locust")}
    doors |= {f"{name}_rebound": url.replace("127.0.0.1", EVIL) for name, url in doors.items()}
    doors |= {"pod": "/api/v1/namespaces/default/pods/p/portforward", "otlp": "{}"}
    before = servers.state()

    told = shown(Site(doors=doors), tmp_path, host)

    assert len(told) == 2 * (6 + 6 + 3 + 2)
    for what, kind, status, text in told:
        # "opaque": the answer is kept from the page. Locust lets any page read its answers, so refusals, too.
        assert kind in ("refused", "opaque") or status in (403, 421), (what, kind, status, text)
        assert not re.search("items|shop|zone|state|ok$", text), (what, text)
    assert servers.state() == before


@pytest.mark.timeout(300)
def test_a_program_with_the_keys_gets_all_of_that(servers: Servers) -> None:
    """The same requests without the browser's marks are answered: so it is the doors that refuse above."""
    control = {"Samezone-Control": "x"}
    before = servers.state()

    assert wire.post(f"{servers.api}/api/v1/namespaces", {"metadata": {"name": "stranger"}}).status == 201
    assert wire.call("POST", f"{servers.xray}/_standin/reset", b"", control).status == 200
    assert wire.call("POST", f"{servers.locust}/stats/reset", b"").status == 200
    assert all(was != now for was, now in zip(before[:2], servers.state()[:2], strict=True))
