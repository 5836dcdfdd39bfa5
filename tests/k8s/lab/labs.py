"""Labs for tests: on free ports, in temporary folders, and what to look at from outside."""

import http.client
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from k8s.lab.design.settings import LabSettings
from k8s.lab.design.store_app import store
from k8s.lab.run import supervisor
from k8s.lab.state import LabState

PATIENCE_S = 60.0


def settings(folder: Path, **more: Any) -> LabSettings:
    """A lab of three zones on free ports, with the store if no other app is given."""
    shop: dict[str, Any] = {"ui": 3, "catalog": 3}
    shop |= {key: more.pop(key) for key in ("ui", "catalog", "keep_alive") if key in more}
    given: dict[str, Any] = {"api_port": 0, "xray_port": 0, "app": store(**shop)} | more
    return LabSettings(state_dir=str(folder), **given)


def up(folder: Path, **more: Any) -> LabState:
    """Start one."""
    return supervisor.up(settings(folder, **more))


def pids(state: LabState) -> set[int]:
    """Everything that the state says runs."""
    return {state.supervisor.pid, *(child.process.pid for child in state.children)}


def running(numbers: set[int]) -> set[int]:
    """Those of these processes that are not gone."""
    found = set()
    for pid in numbers:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
        except psutil.NoSuchProcess:
            pass
    return found


def listening(state: LabState) -> set[str]:
    """Sockets of this machine that listen at addresses of the lab."""
    ports = {urlsplit(url).port for url in (state.api_url, state.xray_url)}
    return {
        f"{connection.laddr.ip}:{connection.laddr.port}"
        for connection in psutil.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN
        and (
            connection.laddr.ip.startswith(f"127.{state.octet}.")
            or (connection.laddr.ip == "127.0.0.1" and connection.laddr.port in ports)
        )
    }


def get(url: str, source_ip: str) -> tuple[int, bytes]:
    """GET on a connection of its own, from this address."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=10, source_address=(source_ip, 0)
    )
    try:
        connection.request("GET", parts.path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait, and fail with *what* if it never is."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s, f"waited {PATIENCE_S:.0f} s for {what}"
        time.sleep(0.05)
