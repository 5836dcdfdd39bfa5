"""The Zones tab in a real browser, on the real Locust UI of a lab: a mode is set there, and seen at work."""

import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from loadtest.rundir import read_record
from tests.lab.conftest import Lab
from tests.lab.test_web import await_word

CHROMIUM = shutil.which("chromium")
LONG_MS = 90_000
"""A mode takes seconds; a busy machine may take its time."""
SHARE = """share => {
    const tab = document.querySelector("samezone-zones");
    const told = tab && tab.shadowRoot.querySelector(".figures dd");
    const now = told ? parseFloat(told.textContent) : NaN;
    return now >= share[0] && now <= share[1];
}"""

pytestmark = [
    pytest.mark.lab,
    pytest.mark.programs,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]


@contextmanager
def shown(address: str, complaints: list[str]) -> Iterator[Page]:
    """Locust's page as a person sees it; what its console says goes to *complaints*."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(LONG_MS)
            page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address)
            yield page
        finally:
            browser.close()


def findings(page: Page) -> list[tuple[str, str]]:
    """What axe finds serious or worse in the tab."""
    found: dict[str, Any] = Axe().run(page, context="samezone-zones")
    assert found["passes"], "axe looked at nothing"
    return [
        (one["id"], one["impact"]) for one in found["violations"] if one["impact"] in ("serious", "critical")
    ]


def is_within(page: Page) -> bool:
    """Whether nothing of the tab needs the page to be scrolled sideways."""
    return bool(
        page.evaluate(
            """() => {
                const root = document.querySelector("samezone-zones").shadowRoot;
                const wide = [...root.children].filter((one) =>
                    one.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
                return wide.length === 0;
            }"""
        )
    )


@pytest.mark.timeout(400)
def test_a_mode_is_set_from_the_tab_and_put_back(lab: Lab, tmp_path: Path):
    """The share rises and falls there; what a screen reader and a phone need is there; no error is logged."""
    running = lab.start("web", "--web-port", "0", "--runs", str(tmp_path / "runs"))
    assert running.stderr is not None
    complaints: list[str] = []
    try:
        address = await_word(iter(running.stderr), "Locust web UI:").split()[3]
        with shown(address, complaints) as page:
            page.get_by_role("button", name=re.compile("start", re.IGNORECASE)).last.click()
            page.get_by_role("tab", name="Zones").click()
            page.wait_for_function(SHARE, arg=[15, 60])

            page.get_by_role("button", name="Set tar").focus()
            page.keyboard.press("Enter")
            page.wait_for_function(SHARE, arg=[95, 100])
            assert lab.annotations().get("service.kubernetes.io/topology-mode") == "Auto"
            assert page.get_by_text("off \u2192 tar").is_visible()
            assert findings(page) == []

            page.get_by_role("button", name="Put back").click()
            page.wait_for_function(SHARE, arg=[15, 60])
            assert lab.annotations() == {}
            page.set_viewport_size({"width": 390, "height": 844})
            page.wait_for_timeout(1500)
            assert is_within(page)
            page.emulate_media(color_scheme="dark")
            page.reload()
            page.get_by_text("Load of each endpoint").wait_for()
            assert page.locator("samezone-zones").get_attribute("dark") is not None
            assert findings(page) == []

            names = page.locator("samezone-zones .wide tbody th").all_inner_texts()
            page.set_viewport_size({"width": 1280, "height": 900})
            page.get_by_role("tab", name="Workers").click()
            page.get_by_text(names[0]).wait_for()
            assert len(names) == 3
            assert all(page.get_by_text(name).is_visible() for name in names)
            assert page.locator("samezone-zones").count() == 0
        assert complaints == []
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)

    (folder,) = (tmp_path / "runs").iterdir()
    record = read_record(folder)
    assert record.status.value in ("failed", "interrupted")
    assert "routing-changed" in {one.code for one in record.caveats}
