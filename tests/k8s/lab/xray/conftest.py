"""A stand-in in a process of its own, as the lab runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

_PROGRAM = """
import json, sys
from k8s.lab.xray.app import serve
from k8s.lab.xray.behaviour import Settings
settings = json.loads(sys.argv[1])
tuples = {key: tuple(value) for key, value in settings.items() if isinstance(value, list)}
serve("127.0.0.1", 0, settings=Settings(**(settings | tuples)), on_ready=lambda port: print(port, flush=True))
"""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "lab",
    "AWS_SECRET_ACCESS_KEY": "lab",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A stand-in that listens."""

    url: str
    process: subprocess.Popen[str]

    def client(self, **config: Any) -> Any:
        """A boto3 client for it; one attempt a call unless asked otherwise."""
        return boto3.client(
            "xray",
            endpoint_url=self.url,
            region_name="eu-west-1",
            aws_access_key_id="lab",
            aws_secret_access_key="lab",  # noqa: S106  # no secret
            config=Config(**({"retries": {"total_max_attempts": 1}} | config)),
        )


def start(settings: str = "{}") -> Server:
    """Start a stand-in with settings in JSON; whoever starts it ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, settings],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT},
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    return Server(url=f"http://127.0.0.1:{port}", process=process)


def stop(server: Server) -> int:
    """Send SIGTERM; returns the exit code. Waiting for its connections takes a minute: that fails."""
    server.process.send_signal(signal.SIGTERM)
    try:
        return server.process.wait(timeout=30)
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
def started() -> Iterator[Callable[[str], Server]]:
    """Starts stand-ins with settings of one's own, and ends them."""
    servers: list[Server] = []

    def begin(settings: str) -> Server:
        servers.append(start(settings))
        return servers[-1]

    yield begin
    for server in servers:
        stop(server)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """One stand-in for a module; tests keep apart by their own trace ids and windows."""
    server = start('{"graph_page_size": 2, "summary_page_size": 2}')
    yield server
    stop(server)
