"""Port-forwards, by the official Python client and by kubectl: real sockets on both ends."""

import hashlib
import http.client
import re
import signal
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward

from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.clients import configured
from tests.k8s.lab.apiserver.conftest import Kubectl, start_server

Add = Callable[[dict[str, Any]], dict[str, Any]]
MUCH = bytes(range(256)) * 12_000
"""3 MB."""


class Pod(socketserver.BaseRequestHandler):
    """Answers ``count`` when the client has ended its side, ``bye`` at once, anything else with itself."""

    def handle(self) -> None:
        first = self.request.recv(65_536)
        if first.startswith(b"GET "):
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif first.startswith(b"bye"):
            self.request.sendall(b"goodbye")
        elif first.startswith(b"count"):
            total = len(first)
            while data := self.request.recv(65_536):
                total += len(data)
            self.request.sendall(str(total).encode())
        else:
            while first:
                self.request.sendall(first)
                first = self.request.recv(65_536)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the pod listens."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Pod) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, kept from others."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def pod(namespace: str, add: Add) -> str:
    """A running pod at 127.0.0.1."""
    add(samples.pod("target", namespace, ip="127.0.0.1"))
    return "target"


@pytest.fixture
def api(url: str) -> Iterator[client.ApiClient]:
    with client.ApiClient(configured(url, wire.TOKEN)) as made:
        yield made


@pytest.fixture
def open_ports(api: client.ApiClient, namespace: str) -> Iterator[Callable[..., Any]]:
    """The client's own port-forward, closed at the end."""
    core: Any = client.CoreV1Api(api)
    opened = []

    def forward(pod: str, *ports: int) -> Any:
        listed = ",".join(str(port) for port in ports)
        forwarded = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports=listed)
        opened.append(forwarded)
        return forwarded

    yield forward
    for forwarded in opened:
        forwarded.close()


def received(connection: Any, length: int | None = None) -> bytes:
    """What comes, to the end or to a length."""
    found = bytearray()
    connection.settimeout(20)
    while (length is None or len(found) < length) and (data := connection.recv(65_536)):
        found += data
    return bytes(found)


def test_http_goes_through(open_ports: Callable[..., Any], pod: str, port: int) -> None:
    """A request and its answer."""
    connection = open_ports(pod, port).socket(port)
    connection.setblocking(True)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: pod\r\n\r\n")

    assert received(connection, 40).endswith(b"\r\n\r\nok")


def test_every_byte_arrives_both_ways(open_ports: Callable[..., Any], pod: str, port: int) -> None:
    """Three megabytes there and back, on one of two ports."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Pod) as other:
        other.daemon_threads = True
        threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        forwarded = open_ports(pod, port, other.server_address[1])
        connections = [forwarded.socket(port), forwarded.socket(other.server_address[1])]
        for connection in connections:
            connection.setblocking(True)
        sending = threading.Thread(target=connections[1].sendall, args=(MUCH,))
        sending.start()
        back = received(connections[1], len(MUCH))
        sending.join()
        connections[0].sendall(b"small")
        small = received(connections[0], 5)
        other.shutdown()

    assert hashlib.sha256(MUCH).digest() == hashlib.sha256(back).digest()
    assert small == b"small"


def test_the_pods_end_is_the_clients_end(open_ports: Callable[..., Any], pod: str, port: int) -> None:
    """After the last byte, and without an error."""
    forwarded = open_ports(pod, port)
    connection = forwarded.socket(port)
    connection.setblocking(True)
    connection.sendall(b"bye")

    assert received(connection) == b"goodbye"
    assert forwarded.error(port) is None


def test_a_port_that_is_not_open_is_an_error_of_that_port(
    open_ports: Callable[..., Any], pod: str, port: int, closed_port: int
) -> None:
    """On its error channel; the other port goes on."""
    forwarded = open_ports(pod, closed_port, port)
    refused, working = forwarded.socket(closed_port), forwarded.socket(port)
    refused.setblocking(True)
    working.setblocking(True)

    assert received(refused) == b""
    assert forwarded.error(closed_port).startswith(f"error forwarding port {closed_port} to pod {pod}, uid ")
    assert forwarded.error(closed_port).endswith(
        f"failed to connect to 127.0.0.1:{closed_port}: connection refused"
    )
    working.sendall(b"still")
    assert received(working, 5) == b"still"


def test_a_deleted_pods_forwards_are_cut(
    open_ports: Callable[..., Any], url: str, namespace: str, pod: str, port: int
) -> None:
    """At once, though neither side has ended."""
    connection = open_ports(pod, port).socket(port)
    connection.setblocking(True)
    connection.sendall(b"hello")
    assert received(connection, 5) == b"hello"

    wire.call("DELETE", f"{url}/api/v1/namespaces/{namespace}/pods/{pod}?gracePeriodSeconds=0")

    assert received(connection) == b""


def test_the_servers_end_is_the_forwards_end(tmp_path: Path, port: int) -> None:
    """At once and in order, with bytes under way and a client that does not answer."""
    server = start_server(tmp_path)
    made = samples.pod("p", "default", ip="127.0.0.1")
    wire.post(f"{server.url}/api/v1/namespaces/default/pods", made)
    status = {"status": made["status"]}
    assert wire.patch(f"{server.url}/api/v1/namespaces/default/pods/p/status", status).status == 200
    path = f"/api/v1/namespaces/default/pods/p/portforward?ports={port}"
    connection: Any = websocket.create_connection(
        server.url.replace("http", "ws") + path, subprotocols=["v4.channel.k8s.io"], header=wire.BEARER
    )
    try:
        connection.send_binary(b"\x00hello")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0
    finally:
        connection.shutdown()
        server.process.kill()

    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, 'pods \\"nobody\\" not found'),
        ({"spec": {"nodeName": None}}, "pod nobody does not have a host assigned"),
        ({"status": {"phase": "Pending"}}, "pod nobody is not running. Current status=Pending"),
        *(
            ({"status": {"podIP": address}}, f"is at {address}: no address of this lab's pods")
            for address in ("93.184.216.34", "169.254.169.254", "10.0.0.1", "localhost", "::ffff:10.0.0.1")
        ),
    ],
)
def test_pods_that_cannot_be_reached(
    open_ports: Callable[..., Any],
    namespace: str,
    add: Add,
    port: int,
    change: dict[str, Any] | None,
    words: str,
) -> None:
    """A refusal before the WebSocket, with a Status that says why."""
    if change is not None:
        made = samples.pod("nobody", namespace, ip="127.0.0.1")
        for key, part in change.items():
            made[key] |= part
        add(made)

    with pytest.raises(ApiException, match=r"Handshake status 40[04]") as refused:
        open_ports("nobody", port)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "query", ["", "?ports=", "?ports=x", "?ports=0", "?ports=65536", "?ports=" + "1," * 99 + "1"]
)
def test_what_is_no_port_is_400(url: str, namespace: str, pod: str, query: str) -> None:
    """Also what is no WebSocket."""
    path = f"{url}/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "v4.channel.k8s.io",
    }
    asked = wire.call("GET", path + query, headers=handshake)
    plain = wire.call("GET", f"{path}?ports=80")

    assert (asked.status, asked.json["reason"]) == (400, "BadRequest")
    assert (plain.status, plain.json["message"][:24]) == (400, "Upgrade request required")


@pytest.fixture
def forwarding(kubectl: Kubectl, namespace: str, port: int, pod: str) -> Iterator[int]:
    """``kubectl port-forward``, and the local port that it listens on."""
    process = kubectl.start(
        "port-forward", "-n", namespace, f"pod/{pod}", f":{port}", "--address", "127.0.0.1"
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"Forwarding from 127\.0\.0\.1:(\d+)", line)
        assert found is not None, line + process.stdout.read()
        yield int(found[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_kubectl_forwards_connections(forwarding: int) -> None:
    """Several at once, HTTP among them, and every byte."""
    echoes = [socket.create_connection(("127.0.0.1", forwarding), timeout=20) for _ in range(3)]
    sending = [threading.Thread(target=one.sendall, args=(MUCH,)) for one in echoes]
    for thread in sending:
        thread.start()
    back = [hashlib.sha256(received(one, len(MUCH))).digest() for one in echoes]
    for one in echoes:
        one.close()
    http_connection = http.client.HTTPConnection("127.0.0.1", forwarding, timeout=20)
    http_connection.request("GET", "/")
    answer = http_connection.getresponse().read()
    http_connection.close()

    assert [hashlib.sha256(MUCH).digest()] * 3 == back
    assert answer == b"ok"


def test_kubectl_may_end_one_side_first(forwarding: int) -> None:
    """The pod sees the end and still answers."""
    with socket.create_connection(("127.0.0.1", forwarding), timeout=20) as connection:
        connection.sendall(b"count" + MUCH)
        connection.shutdown(socket.SHUT_WR)

        assert received(connection) == str(len(MUCH) + 5).encode()


def test_kubectl_says_that_nobody_listens(
    kubectl: Kubectl, namespace: str, pod: str, closed_port: int
) -> None:
    """In the pod's stead, when a connection comes."""
    process = kubectl.start("port-forward", "-n", namespace, pod, f":{closed_port}", "--address", "127.0.0.1")
    assert process.stdout is not None
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=20) as connection:
            assert received(connection) == b""
        printed = ""
        while "connection refused" not in printed and (line := process.stdout.readline()):
            printed += line
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

    assert f"failed to connect to 127.0.0.1:{closed_port}: connection refused" in printed


def test_kubectl_finds_a_services_pod(
    kubectl: Kubectl, namespace: str, pod: str, add: Add, port: int
) -> None:
    """``svc/catalog``, by its selector and target port."""
    service = samples.service(namespace)
    service["spec"]["ports"][0]["targetPort"] = port
    add(service)
    process = kubectl.start("port-forward", "-n", namespace, "svc/catalog", ":8080", "--address", "127.0.0.1")
    assert process.stdout is not None
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=20) as connection:
            connection.sendall(b"bye")
            answer = received(connection)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

    assert pod == "target"
    assert answer == b"goodbye"
