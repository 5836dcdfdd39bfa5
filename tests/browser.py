"""A real browser for every test that shows a page: what it draws, what its console says, what axe-core finds.

One process serves all pages of a test run: ``browser`` is a fixture for the whole session (``conftest.py``
has it), and each page is a tab of its own. The browser is Debian's chromium, asked by the DevTools protocol.
"""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from websocket import WebSocket, create_connection

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
PATIENCE_S = 120
"""A page takes a second; a busy machine takes what it takes."""
GRAVE = frozenset({"serious", "critical"})
"""Of axe-core's impacts those that keep somebody from reading or using a page."""

needs_browser = [
    pytest.mark.programs,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]
"""The ``pytestmark`` of a module whose tests show pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a page is shown on, in CSS pixels."""

    width: int = 1280
    height: int = 2000
    dark: bool = False
    printed: bool = False


DESK = Screen()
PHONE = Screen(width=390, height=844)


class Tab:
    """One page in a browser; read until the browser has answered, so nothing here waits a fixed time."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.console: list[str] = []
        """What the browser had to say about the page so far: errors, warnings, broken policies."""
        self._loaded = False

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of one command of the protocol; AssertionError with the browser's words if it fails."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (heard := self._hear()).get("id") != number:
            pass
        assert "error" not in heard, f"{method}: {heard['error']}"
        return heard["result"]

    def _hear(self) -> dict[str, Any]:
        heard = json.loads(self._socket.recv())
        said = heard.get("params", {})
        match heard.get("method"):
            case "Log.entryAdded":
                self.console.append(said["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.console.append(json.dumps(said["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.console.append(f"{said['type']}: {json.dumps(said['args'])}")
            case "Page.loadEventFired":
                self._loaded = True
        return heard

    def show(self, address: str, screen: Screen) -> None:
        """Opens *address* and waits until it is loaded."""
        for domain in ("Page", "Log", "Runtime"):
            self.ask(f"{domain}.enable")
        self.resize(screen)
        self._loaded = False
        answer = self.ask("Page.navigate", url=address)
        assert "errorText" not in answer, f"{address}: {answer['errorText']}"
        while not self._loaded:
            self._hear()

    def resize(self, screen: Screen) -> None:
        """Lets the page have another *screen*."""
        phone = screen.width < 600
        size = {"width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": phone}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if screen.dark else "light"}
        media = "print" if screen.printed else ""
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, script: str) -> Any:
        """What *script*, the body of an async function, returns in the page; its policy does not apply."""
        wrapped = f"(async () => {{ {script} }})()"
        done = self.ask("Runtime.evaluate", expression=wrapped, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        """A key of the keyboard, e.g. ``Tab``."""
        codes = {"Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, "Enter": 13, "Escape": 27}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                named = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
                self.ask("Input.dispatchKeyEvent", type=kind, **named)

    def point(self, x: float, y: float) -> None:
        """Moves the mouse there."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, path: Path, *, whole: bool = True) -> Path:
        """What is seen, as PNG; *whole*: the page to its end, not only the screen."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole=whole))
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def _clip(self, *, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def paper(self, path: Path) -> Path:
        """The page as it is printed, as PDF on A4."""
        sheet = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
        path.write_bytes(base64.b64decode(self.ask("Page.printToPDF", **sheet)["data"]))
        return path

    def barriers(self, *rules: str) -> list[str]:
        """What axe-core finds serious or critical in the page as it is shown: rule, element, why.

        Only *rules* (e.g. ``color-contrast``) are looked at where there are any; all of them take seconds.
        """
        if self.run("return typeof axe") == "undefined":
            self.ask("Runtime.evaluate", expression=_axe())
        only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
        found = self.run(f"""
            const options = {json.dumps({"resultTypes": ["violations"], **only})};
            const {{violations}} = await axe.run(document, options);
            return violations.flatMap(({{id, impact, help, nodes}}) => nodes.map((node) => ({{
                impact, words: `${{id}} (${{impact}}): ${{help}}: ${{node.target}}: ${{node.failureSummary}}`,
            }})));
        """)
        return [one["words"] for one in found if one["impact"] in GRAVE]


def _axe() -> str:
    """axe-core itself, out of the package that carries it."""
    return files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")


class Browser:
    """A running browser."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port = port
        self._folder = folder
        self._pages = itertools.count(1)

    @contextmanager
    def opened(self, address: str, screen: Screen = DESK) -> Iterator[Tab]:
        """A tab that shows *address*."""
        control = create_connection(self._door(), timeout=PATIENCE_S, suppress_origin=True)
        try:
            made = _answer(control, "Target.createTarget", url="about:blank")["targetId"]
            path = f"ws://127.0.0.1:{self._port}/devtools/page/{made}"
            socket = create_connection(path, timeout=PATIENCE_S, suppress_origin=True)
            try:
                tab = Tab(socket)
                tab.show(address, screen)
                yield tab
            finally:
                socket.close()
                _answer(control, "Target.closeTarget", targetId=made)
        finally:
            control.close()

    @contextmanager
    def showing(self, page: str, screen: Screen = DESK) -> Iterator[Tab]:
        """A tab that shows *page*, a whole HTML document, from a file."""
        path = self._folder / f"page-{next(self._pages)}.html"
        path.write_text(page, encoding="utf-8")
        with self.opened(path.as_uri(), screen) as tab:
            yield tab

    def _door(self) -> str:
        lines = (self._folder / "profile" / "DevToolsActivePort").read_text().splitlines()
        return f"ws://127.0.0.1:{lines[0]}{lines[1]}"


def _answer(socket: WebSocket, method: str, **params: Any) -> dict[str, Any]:
    socket.send(json.dumps({"id": 1, "method": method, "params": params}))
    while (heard := json.loads(socket.recv())).get("id") != 1:
        pass
    return heard["result"]


@contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in *folder*, gone at the end."""
    assert CHROMIUM is not None
    profile = folder / "profile"
    with subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield Browser(_port(profile / "DevToolsActivePort", process), folder)
        finally:
            process.terminate()


def _port(told: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that the browser chose, once it says so."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if told.exists() and len(lines := told.read_text().splitlines()) > 1:
            return int(lines[0])
        assert process.poll() is None, f"chromium ended with {process.returncode}"
        time.sleep(0.05)
    raise AssertionError(f"chromium did not start within {PATIENCE_S} s")
