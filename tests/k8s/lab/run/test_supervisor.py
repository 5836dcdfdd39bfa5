"""Up, down, and everything that goes wrong in between."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from k8s.errors import SamezoneError, UnreachableError, UsageError
from k8s.lab import state as lab_state
from k8s.lab.asking import read_truth
from k8s.lab.design.addresses import POD_PORT, Addresses
from k8s.lab.design.store_app import CATALOG, UI
from k8s.lab.run import supervisor
from k8s.lab.run.ports import take_octet
from k8s.lab.run.supervisor import AlreadyUpError, Health
from k8s.lab.state import LabState
from k8s.lab.truth import difference
from k8s.topology import NodeName
from tests.k8s.lab.labs import get, listening, pids, running, settings, up, wait_until

pytestmark = pytest.mark.lab
NODE = NodeName("node-a-1")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a lab, which is down afterwards, whatever happened."""
    yield tmp_path
    with suppress(SamezoneError):
        supervisor.down(tmp_path)


def child(state: LabState, name: str) -> int:
    """The process of that name."""
    return next(child.process.pid for child in state.children if child.name == name)


def is_crashed(folder: Path) -> Callable[[], bool]:
    return lambda: supervisor.status(folder).health is Health.CRASHED


def test_down_leaves_no_process_no_port_and_no_state(folder: Path) -> None:
    """And says so the second time."""
    state = up(folder)
    processes = pids(state)
    assert processes == running(processes)
    assert len(listening(state)) == 2 + 3 + 3 * 2 + 6  # two servers, three relays, their Services, the pods
    assert supervisor.down(folder)
    assert (set(), set()) == (running(processes), listening(state))
    assert not (folder / "state.json").exists()
    assert not supervisor.down(folder)
    assert supervisor.status(folder).health == Health.DOWN


def test_a_second_up_says_that_it_is_up_and_where(folder: Path) -> None:
    """The first lab is untouched."""
    state = up(folder)
    with pytest.raises(AlreadyUpError, match=state.api_url) as caught:
        up(folder)
    assert state.supervisor == caught.value.state.supervisor
    assert supervisor.status(folder).health == Health.UP


def test_two_labs_share_a_machine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each has addresses of its own, and truth of its own."""
    other_folder = tmp_path_factory.mktemp("other")
    one, other = up(folder), up(other_folder)
    try:
        assert one.octet != other.octet
        before = read_truth(one.relay_admin_urls)
        status, _ = get(f"{other.service_url(NODE, UI)}/home", "127.0.0.1")
        assert (status, difference(before, read_truth(one.relay_admin_urls)).rows) == (200, ())
    finally:
        supervisor.down(other_folder)


@pytest.mark.parametrize("name", ["apiserver", "xray", "controller", "relay-node-b-1"])
def test_the_loss_of_a_part_the_lab_needs_is_a_crash(folder: Path, name: str) -> None:
    """The state names it, nothing is left running, and the next up starts afresh."""
    state = up(folder)
    processes = pids(state)
    os.kill(child(state, name), signal.SIGKILL)
    wait_until(is_crashed(folder), "the crash to be seen")
    wait_until(lambda: not running(processes), "the rest to end")
    assert f"{name} ended (signal SIGKILL)" in supervisor.status(folder).detail
    with pytest.raises(UnreachableError, match=f"the lab has crashed: {name}"):
        lab_state.load(folder)
    up(folder)
    assert supervisor.status(folder).health == Health.UP


def test_children_do_not_outlive_their_supervisor(folder: Path) -> None:
    """Killed without a chance to clean up, it takes everything with it; down forgets it."""
    state = up(folder)
    processes = pids(state)
    os.kill(state.supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not running(processes), "the children to end")
    assert set() == listening(state)
    with pytest.raises(UnreachableError, match="is gone; clean up with: samezone lab down"):
        lab_state.load(folder)
    assert supervisor.down(folder)
    assert supervisor.status(folder).health == Health.DOWN


@pytest.mark.parametrize("which", ["api_port", "xray_port"])
def test_a_taken_port_is_one_clear_line_and_nothing_runs(folder: Path, which: str) -> None:
    """Before any process of the lab was started."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}, but: Address already in use") as caught:
            up(folder, **{which: port})
    assert "\n" not in str(caught.value)
    assert supervisor.status(folder).health == Health.DOWN
    assert not (folder / "state.json").exists()


def test_ctrl_c_during_up_leaves_nothing(folder: Path) -> None:
    """Whatever had been started by then is ended."""
    program = (
        "import sys; from pathlib import Path; from tests.k8s.lab.labs import up; "
        "up(Path(sys.argv[1]), catalog=60)"
    )
    starting = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=Path(__file__).parents[4], stderr=subprocess.PIPE
    )
    wait_until(lambda: supervisor.status(folder).health is Health.STARTING, "the lab to start")
    state = supervisor.status(folder).state
    assert state is not None
    starting.send_signal(signal.SIGINT)
    _, said = starting.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    assert supervisor.status(folder).health == Health.DOWN
    assert set() == listening(state)
    assert [process for process in psutil.process_iter() if str(folder) in " ".join(cmdline(process))] == []


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def test_a_part_that_does_not_start_is_named_with_its_last_words(folder: Path) -> None:
    """Here a pod whose address is taken by another program; one that no smaller lab has."""
    octet, held = take_octet(3)
    held.close()
    with ExitStack() as holders:
        for other in range(octet, octet + 5):  # another lab may come up meanwhile
            with suppress(OSError):
                holders.enter_context(socket.create_server((Addresses(octet=other).pod(1, 14), POD_PORT)))
        said = r"catalog-\S+ ended \(exit code 70\): .*Address already in use"
        with pytest.raises(UnreachableError, match=said):
            up(folder, catalog=(14, 1, 1))
    assert supervisor.status(folder).health == Health.DOWN


def test_a_prometheus_that_does_not_start_is_named_with_its_last_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing runs afterwards, and nothing of it is left. Here its program is one that gives up."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "prometheus").write_text("#!/bin/sh\necho no room for samples >&2\nexit 3\n")
    (programs / "prometheus").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(UnreachableError, match=r"prometheus ended \(exit code 3\): no room for samples"):
        up(folder / "lab", prometheus_scrape_s=1.0)
    assert supervisor.status(folder / "lab").health == Health.DOWN
    assert not (folder / "lab" / "prometheus").exists()


def test_addresses_that_an_earlier_lab_still_has_are_passed_over() -> None:
    """A pod that outlived its supervisor keeps its octet from being taken; the next one is."""
    octet, held = take_octet(3)
    held.close()
    with socket.create_server((Addresses(octet=octet).pod(2, 1), POD_PORT)):
        other, held = take_octet(3)
        held.close()
    assert other != octet


def test_kept_connections_are_few(folder: Path) -> None:
    """With keep-alive, five pages of two calls are one connection to catalog."""
    state = up(folder, keep_alive=True, ui=(1, 0, 0), catalog=3)
    for _ in range(5):
        get(f"{state.service_url(NODE, UI)}/home", "127.0.0.1")
    rows = read_truth(state.relay_admin_urls).rows
    assert tuple(sum(row.connections for row in rows if row.service == key) for key in (UI, CATALOG)) == (
        5,
        1,
    )


def test_a_failed_pod_does_not_stop_the_page(folder: Path) -> None:
    """While an endpoint is dead and not yet out of the rules, its connections fail and are counted."""
    state = up(folder, catalog=(1, 0, 0), ui=(1, 0, 0))
    victim = next(pod for pod in state.pods if pod.namespace == "catalog")
    os.kill(child(state, victim.name), signal.SIGSTOP)
    os.kill(child(state, victim.name), signal.SIGKILL)
    status, body = get(f"{state.service_url(NODE, UI)}/home", "127.0.0.1")
    assert status in {200, 502}, body
    wait_until(
        lambda: get(f"{state.service_url(NODE, UI)}/home", "127.0.0.1")[0] == 200, "catalog to be back"
    )


def test_settings_that_cannot_be_built_start_nothing(folder: Path) -> None:
    """They are refused before the folder is touched."""
    with pytest.raises(UsageError, match="building the lab"):
        supervisor.up(settings(folder / "lab", catalog=0))
    assert not (folder / "lab").exists()
