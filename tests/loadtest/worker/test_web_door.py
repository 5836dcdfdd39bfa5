"""Locust's web UI and pages of other sites, on a real master without workers."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[3]
LOCUSTFILE = ROOT / "loadtest" / "worker" / "locustfile.py"


@contextmanager
def master(**env: str) -> Iterator[int]:
    """A Locust master with our locustfile; its web port."""
    with socket.create_server(("127.0.0.1", 0)) as web, socket.create_server(("127.0.0.1", 0)) as rpc:
        ports = [str(one.getsockname()[1]) for one in (web, rpc)]
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(LOCUSTFILE),
        "--master",
        "--host",
        "http://127.0.0.1:1",
    ]
    command += ["--web-host", "127.0.0.1", "--web-port", ports[0]]
    command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", ports[1]]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until_s = time.monotonic() + 60
            while not is_up(int(ports[0])):
                assert process.poll() is None
                assert time.monotonic() < until_s
                time.sleep(0.1)
            yield int(ports[0])
        finally:
            process.kill()


def is_up(port: int) -> bool:
    try:
        return status_of(port, "GET", "/zones", {}) < 400  # where people log in they are led there
    except OSError:
        return False


def status_of(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, "", headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture(scope="module")
def labs() -> Iterator[int]:
    """As the lab starts it."""
    with master(SAMEZONE_PARENT=str(os.getpid())) as port:
        yield port


@pytest.fixture(scope="module")
def clusters() -> Iterator[int]:
    """As a cluster's pod starts it, behind an ingress."""
    with master(SAMEZONE_WEB_HOSTS="locust.example.org, other.example.org") as port:
        yield port


STRANGE = ({"Origin": "http://127.0.0.1:9999"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"})
PATHS = (
    ("POST", "/swarm"),
    ("POST", "/stop"),
    ("POST", "/stats/reset"),
    ("GET", "/stats/requests"),
    ("GET", "/zones"),
    ("GET", "/samezone/zones"),
    ("POST", "/samezone/mode"),
    ("POST", "/samezone/live"),
    ("GET", "/no/such/page"),
)


@pytest.mark.parametrize("headers", STRANGE)
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_pages_of_others_are_refused(
    labs: int, clusters: int, method: str, path: str, headers: dict[str, str]
) -> None:
    """Whatever they ask for, here and there."""
    assert [status_of(port, method, path, headers) for port in (labs, clusters)] == [403, 403]


@pytest.mark.parametrize(
    ("host", "in_lab", "in_cluster"),
    [
        ("127.0.0.1:8089", 200, 200),
        ("localhost:8089", 200, 200),
        ("10.244.1.7:8089", 421, 200),
        ("locust-master.locust.svc.cluster.local:8089", 421, 200),
        ("locust.example.org", 421, 200),
        ("evil.test:8089", 421, 421),
    ],
)
def test_its_names(labs: int, clusters: int, host: str, in_lab: int, in_cluster: int) -> None:
    """In the lab the loopback's, in a cluster the pod's, the Service's and an ingress's that was named."""
    assert status_of(labs, "GET", "/stats/requests", {"Host": host}) == in_lab
    assert status_of(clusters, "GET", "/stats/requests", {"Host": host}) == in_cluster


def test_the_page_itself_and_a_person_are_let_in(labs: int, clusters: int) -> None:
    """By a link from elsewhere, too, to what changes nothing."""
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for port, host in ((labs, f"localhost:{labs}"), (clusters, "locust.example.org")):
        own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert status_of(port, "POST", "/stats/reset", own) == 200
        assert status_of(port, "GET", "/", {"Host": host} | visit) == 200
        assert status_of(port, "POST", "/stats/reset", {"Host": host} | visit) == 403
