"""Who a process is, and how it surely ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from k8s.lab.processes import ProcessId, end, identify, in_group, is_running

pytestmark = pytest.mark.lab
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("on", flush=True)
time.sleep(60)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from k8s.lab.processes import fork
child = fork("sleeper", Path(sys.argv[1]), lambda: (print("hello"), time.sleep(60)))
print(child.pid, flush=True)
time.sleep(60)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process in a group of its own, once it has said something."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[3],
    )


def known(pid: int) -> ProcessId:
    found = identify(pid)
    assert found is not None
    return found


def test_a_process_is_its_number_and_its_start() -> None:
    """The same number with another start is another process."""
    me = known(os.getpid())
    assert is_running(me)
    assert not is_running(ProcessId(pid=me.pid, started="another time"))


def test_a_zombie_does_not_run() -> None:
    """It ended; only its parent has not looked yet."""
    child = start("pass")
    pid = child.pid
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert identify(pid) is None
    child.communicate()


def test_one_that_ignores_sigterm_is_killed_and_named() -> None:
    """After the deadline; the obedient one is not named."""
    stubborn, obedient = start(STUBBORN), start("import time; time.sleep(60)")
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    who = known(stubborn.pid)
    assert end((who, known(obedient.pid)), deadline_s=0.3) == (who,)
    codes = (stubborn.wait(), obedient.wait())
    assert codes == (-signal.SIGKILL, -signal.SIGTERM)
    stubborn.communicate()
    obedient.communicate()


def test_ending_what_is_gone_is_nothing() -> None:
    """And never hits the next owner of the number."""
    assert end((ProcessId(pid=os.getpid(), started="another time"),), deadline_s=0.1) == ()


def test_a_child_dies_with_its_parent_and_writes_to_its_log(tmp_path: Path) -> None:
    """Even if the parent has no chance to say so; the child is in the parent's group."""
    log = tmp_path / "sleeper.log"
    parent = start(PARENT, str(log))
    assert parent.stdout is not None
    child = known(int(parent.stdout.readline()))
    assert {parent.pid, child.pid} == {process.pid for process in in_group(parent.pid)}
    assert Path(f"/proc/{child.pid}/comm").read_text().strip() == "sleeper"
    parent.kill()
    parent.communicate()
    while is_running(child):
        time.sleep(0.01)
    assert in_group(parent.pid) == ()
    assert log.exists()
