"""How Hypothesis works in all tests, the only place that says so; the browser that all tests share; parts.

No profile has a deadline, and none minds slow generation: both would measure how busy the machine is. What is
fast enough is measured by ``make bench``.
"""

import os
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import Browser, running
from tests.signals import let_children_hear

ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", ANY_MACHINE)
# The same examples in every run: a change is to blame for a failure, not the dice.
settings.register_profile("ci", ANY_MACHINE, derandomize=True, print_blob=True)
# Of make fast: the tests that name no number of examples of their own take a few.
settings.register_profile("fast", ANY_MACHINE, derandomize=True, max_examples=25)
settings.load_profile("ci" if os.environ.get("CI", "").lower() == "true" else "dev")

let_children_hear()

PART = os.environ.get("TESTS_PART") or "1/1"
"""Which of the tests that were asked for are played: ``2/3`` is the second of three parts of every file."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is of another part."""
    part, parts = (int(one) for one in PART.split("/"))
    if parts == 1:
        return
    left = [item for item in items if zlib.crc32(item.nodeid.encode()) % parts != part - 1]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in set(left)]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages of this process's tests."""
    with running(tmp_path_factory.mktemp("browser")) as found:
        yield found
