"""What a kubelet does for one pod: start it, probe it, report on it, start it again, end it."""

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from k8s.lab.apiclient.api import ApiError
from k8s.lab.design.addresses import POD_PORT
from k8s.lab.design.layout import LabPod
from k8s.lab.design.seeds import Object, PodCondition, pod_object, pod_status
from k8s.lab.processes import ProcessId

PROBE_S = 1.0
"""Between probes of a pod that is ready; a kubelet's default is 10 s."""
_EAGER_PROBE_S = 0.05
"""Between probes of one that is not, while it is new."""
_FAILURES = 3
"""Failed probes in a row that make a pod not ready, as is a kubelet's default."""
_FIRST_BACK_OFF_S = 1.0
_LONGEST_BACK_OFF_S = 10.0
_NEW_S = 10.0
"""A pod that ran for longer is new no more; should it end, it is started again without waiting."""
_log = logging.getLogger(__name__)


def rfc3339_now() -> str:
    """The time, as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class StatusSink(Protocol):
    """The part of the API that a kubelet writes to."""

    def set_status(self, obj: Object, status: Object) -> bool:
        """Merge *status* into the object's; False if the object is gone, ApiError if that fails."""


@dataclass(slots=True, kw_only=True)
class Kubelet:
    """One pod's keeper."""

    pod: LabPod
    host_ip: str
    api: StatusSink
    launch: Callable[[], ProcessId]
    """Starts the pod's process."""
    probe: Callable[[str], bool]
    """Whether a URL answers well."""
    clock_s: Callable[[], float]
    """Seconds of a clock that only goes forward."""
    send: Callable[[ProcessId, signal.Signals], object]
    """Sends a signal to the pod's process."""
    now: Callable[[], str] = rfc3339_now
    """The time, for the API."""
    process: ProcessId | None = None
    ready: bool = False
    restarts: int = 0
    node_ready: bool = True
    """What the API says of its node."""
    frozen: bool = False
    """Its node has no power: it answers nobody, and its kubelet does nothing."""
    hung: bool = False
    """Its process stands still, and its probes fail."""
    _stop_at_s: float | None = None
    """When its process is told to end; None: it shall live."""
    _kill_at_s: float = 0.0
    _told: bool = False
    _owes_report: bool = False
    """The API did not take the last status."""
    _exit_code: int | None = None
    _failures: int = 0
    _probe_at_s: float = 0.0
    _start_at_s: float = 0.0
    _back_off_s: float = 0.0
    _started_s: float = 0.0
    _started_at: str = ""
    _changed_at: str = ""

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return bool(self._started_at)

    @property
    def ending(self) -> bool:
        """Whether it is not to be started again."""
        return self._stop_at_s is not None

    @property
    def ended_for_good(self) -> bool:
        """Whether it shall not live and does not."""
        return self.ending and self.process is None

    def start(self) -> None:
        """Start the process."""
        self.process = self.launch()
        self.hung = False
        self._started_s = self.clock_s()
        self._probe_at_s = self._started_s
        self._failures = 0
        self._exit_code = None
        self._started_at = self._changed_at = self.now()

    def ended(self, exit_code: int) -> None:
        """The process is gone: not ready from now on, and started again, at once the first time."""
        now_s = self.clock_s()
        self.process = None
        self.ready = False
        self._exit_code = exit_code
        self._changed_at = self.now()
        if now_s - self._started_s >= _NEW_S:
            self._back_off_s = 0.0
        if self.ending:
            self.report()
            return
        self._start_at_s = now_s + self._back_off_s
        self._back_off_s = min(max(2 * self._back_off_s, _FIRST_BACK_OFF_S), _LONGEST_BACK_OFF_S)
        _log.warning("pod %s ended with exit code %d; starting it again", self.pod.name, exit_code)
        if not self.frozen:
            self.report()

    def stop(self, pre_stop_s: float, grace_s: float) -> None:
        """Let it end: told after *pre_stop_s*, killed after *grace_s*, both in seconds from now."""
        now_s = self.clock_s()
        kill_at_s = now_s + grace_s
        self._kill_at_s = min(self._kill_at_s, kill_at_s) if self.ending else kill_at_s
        if self._stop_at_s is None:
            self._stop_at_s = now_s + min(pre_stop_s, grace_s)

    def freeze(self) -> None:
        """Power loss: its process stands still, so that connections to it get no answer, nor does a probe."""
        if self.process is not None:
            self.send(self.process, signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Power is back: whatever the process held is lost, and it is started anew."""
        self.frozen = False
        if self.process is not None:
            self.send(self.process, signal.SIGKILL)

    def hang(self, *, hung: bool) -> None:
        """Let its process stand still, or go on where it stood."""
        if self.process is not None and hung != self.hung:
            self.send(self.process, signal.SIGSTOP if hung else signal.SIGCONT)
            self.hung = hung

    def tell_node_ready(self, *, ready: bool) -> bool:
        """What the API says of the node; True if that is news, which then shows in the pod's condition."""
        if ready == self.node_ready:
            return False
        self.node_ready = ready
        if self.started:
            self._changed_at = self.now()
            self.report()
        return True

    def tick(self) -> bool:
        """Do what is due; True if the pod's readiness or its process is another than before."""
        now_s = self.clock_s()
        if self._owes_report:
            self.report()
        if self.frozen:
            return False
        if self._stop_at_s is not None:
            return self._end(now_s, self._stop_at_s)
        if self.process is None:
            if now_s < self._start_at_s:
                return False
            self.restarts += 1
            self.start()
            self.report()
            return True
        return now_s >= self._probe_at_s and self._probe()

    def report(self) -> None:
        """Write the pod's status into the API; a pod that somebody deleted there is left alone."""
        condition = PodCondition(
            ready=self.ready,
            restarts=self.restarts,
            started_at=self._started_at,
            changed_at=self._changed_at,
            exit_code=self._exit_code,
            node_ready=self.node_ready,
        )
        try:
            self.api.set_status(pod_object(self.pod), pod_status(self.pod, self.host_ip, condition))
        except ApiError as error:
            _log.warning("reporting pod %s: %s", self.pod.name, error)
            self._owes_report = True
        else:
            self._owes_report = False

    def _end(self, now_s: float, stop_at_s: float) -> bool:
        if self.process is None or now_s < stop_at_s:
            return False
        if now_s >= self._kill_at_s:
            self.send(self.process, signal.SIGKILL)
        if self._told:
            return False
        self._told = True
        self.send(self.process, signal.SIGTERM)
        was_ready, self.ready = self.ready, False  # it accepts no more connections from here on
        self._changed_at = self.now()
        self.report()
        return was_ready

    def _probe(self) -> bool:
        well = not self.hung and self.probe(
            f"http://{self.pod.ip}:{POD_PORT}{self.pod.workload.readiness_path}"
        )
        self._failures = 0 if well else self._failures + 1
        was_ready, self.ready = self.ready, well or (self.ready and self._failures < _FAILURES)
        now_s = self.clock_s()
        is_new = now_s - self._started_s < _NEW_S
        self._probe_at_s = now_s + (_EAGER_PROBE_S if is_new and not self.ready else PROBE_S)
        if self.ready == was_ready:
            return False
        self._changed_at = self.now()
        _log.info("pod %s is %s", self.pod.name, "ready" if self.ready else "not ready")
        self.report()
        return True
