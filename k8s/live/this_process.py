"""The process that runs this, as a holder of Leases, and whether another one of this machine still runs."""

import getpass
import hashlib
import os
import secrets
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

from k8s.effects import Say
from k8s.lab.processes import ProcessId, identify, is_running
from k8s.live.claims import Claims
from k8s.live.holding import HoldingEffects, Holds
from k8s.live.leases import Holder
from k8s.live.originals import Originals
from k8s.topology import ServiceKey

ORIGINALS = "originals"
"""Folder of the records."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def holds(
    home: Path,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
    say: Say,
    command: Callable[[ServiceKey], str] = "samezone routing restore --service {}".format,
) -> Holds:
    """The Services that this process holds; records are kept below *home*.

    *command* is what a person types to have a Service put back.
    """
    claims = Claims(me=holder(home), still_runs=still_runs, clock=clock, sleep=sleep, say=say)
    effects = HoldingEffects(
        records=Originals(home / ORIGINALS),
        claims=claims,
        clock=clock,
        monotonic=monotonic,
        sleep=sleep,
        say=say,
        command=command,
    )
    return Holds(effects)


def holder(home: Path) -> Holder:
    """The process we are; *home* is where its records are, so that two checkouts are told apart."""
    pid = os.getpid()
    found = identify(pid)
    started = "" if found is None else found.started
    checkout = _digest(str(home.resolve()))[:6]
    return Holder(
        identity=f"{_user()}@{socket.gethostname()}/{pid}/{checkout}-{secrets.token_hex(3)}",
        process=f"{_machine()}|{pid}|{started}",
    )


def still_runs(process: str) -> bool | None:
    """Whether the process of a holder runs; None for one of another machine, or of an earlier boot."""
    machine, _, rest = process.partition("|")
    pid, _, started = rest.partition("|")
    if machine != _machine() or not pid.isdecimal():
        return None
    return is_running(ProcessId(pid=int(pid), started=started))


def _machine() -> str:
    """Where process numbers mean the same: this boot of this host, and this container on it."""
    try:
        place = f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.readlink()}"
    except OSError:
        place = f"{uuid.getnode():x}"
    return _digest(f"{socket.gethostname()} {place}")[:16]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return str(os.getuid())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
