"""The supervisor's process: imports what is heavy once, forks every process of the lab, and keeps them.

Run by ``k8s/lab/run/supervisor.py``, which it tells how far it is, one JSON object a line.
"""

import contextlib
import fcntl
import json
import logging
import os
import resource
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from k8s.errors import SamezoneError, UsageError
from k8s.lab import state
from k8s.lab.design.settings import LabSettings
from k8s.lab.processes import Signals, write_to
from k8s.lab.run.crew import CrashedError, Crew
from k8s.lab.run.lineup import plan_lab
from k8s.lab.run.ports import take_octet, take_port
from k8s.lab.state import Phase

_OWN_LOG = "supervisor.log"
_DESCRIPTORS = 65536
"""Open files of each process; a relay has two for every connection."""
_TOKEN_BYTES = 32
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_log = logging.getLogger(__name__)


class Teller:
    """The pipe to the ``up`` that waits; what it no longer wants to hear is not an error."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def tell(self, **message: object) -> None:
        """One message, as a line."""
        with contextlib.suppress(OSError):
            os.write(self.descriptor, json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """That was all."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


def supervise(settings: LabSettings, teller: Teller) -> None:
    """Have a lab of these settings until told to stop; runs in the process that ``up`` left behind."""
    signals = Signals()
    state_dir = Path(settings.state_dir)
    lock = _lock(state_dir)
    _empty_logs(state_dir / state.LOG_DIR)
    octet, held = take_octet(len(settings.zones) * settings.nodes_per_zone)
    settings = replace(
        settings,
        api_port=take_port(settings.api_port, "the API server", "--api-port"),
        xray_port=take_port(settings.xray_port, "X-Ray", "--xray-port"),
    )
    if settings.prometheus_scrape_s is not None:
        port = take_port(settings.prometheus_port, "Prometheus", "--prometheus-port")
        settings = replace(settings, prometheus_port=port)
    close_in_children = (lock.fileno(), held.fileno(), teller.descriptor)
    crew = Crew(plan_lab(settings, octet, secrets.token_hex(_TOKEN_BYTES)), signals, close_in_children)
    try:
        crew.boot()
        teller.tell(ready=True)
        teller.close()
        crew.run()
    except CrashedError as error:
        _log.error("%s", error)
        crew.stop()
        state.write(replace(crew.state, phase=Phase.CRASHED, crash=error.crash, children=()))
        raise
    except BaseException:
        crew.stop()
        state.remove(state_dir)
        raise
    crew.stop()
    state.remove(state_dir)


def _lock(state_dir: Path) -> TextIO:
    """Hold the folder; UsageError if another supervisor does. Children do not inherit the lock."""
    file = (state_dir / "lock").open("w", encoding="ascii")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise UsageError(
            f"starting the lab: another one holds {state_dir}; see samezone lab status"
        ) from error
    return file


def _empty_logs(folder: Path) -> None:
    """Forget what the lab before wrote; this process's own log is open."""
    for log in folder.glob("*.log"):
        if log.name == _OWN_LOG:
            os.truncate(log, 0)
        else:
            log.unlink()


def main(argv: list[str]) -> None:
    """``python -m k8s.lab.run.zygote <settings as JSON> <descriptor to tell>``: leave a supervisor behind."""
    settings = state.decode_settings(argv[1])
    teller = Teller(int(argv[2]))
    if os.fork():
        os._exit(0)
    os.setsid()
    write_to(Path(settings.state_dir) / state.LOG_DIR / _OWN_LOG)
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(_DESCRIPTORS, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    teller.tell(pid=os.getpid())
    try:
        supervise(settings, teller)
    except SamezoneError as error:
        _log.info("ending: %s", error)
        teller.tell(error=str(error), exit_code=int(error.exit_code))


if __name__ == "__main__":
    main(sys.argv)
