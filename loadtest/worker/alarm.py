"""Wakes a greenlet at an exact moment.

gevent's timers follow epoll's whole milliseconds: a sleep ends 0.6 ms late at the median, as much as a hop
between two zones costs. A Linux timerfd wakes within about 0.1 ms.
"""

import ctypes
import os
import sys
import time

import gevent
from gevent.hub import get_hub

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1
_TFD_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK
_NS = 1_000_000_000
_READ = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    """``struct itimerspec`` of timerfd_settime(2)."""

    _fields_ = (("interval", _Timespec), ("value", _Timespec))


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Alarm:
    """A timer of one greenlet; where the system has no timerfd it falls back to gevent's sleep."""

    def __init__(self) -> None:
        self._fd = -1
        if _LIBC is not None:
            self._fd = _LIBC.timerfd_create(_CLOCK_MONOTONIC, _TFD_CLOEXEC_NONBLOCK)
        if self._fd >= 0:
            self._spec = _TimerSpec()
            self._watcher = get_hub().loop.io(self._fd, _READ)

    def wait_until(self, moment_s: float) -> None:
        """Sleep until ``time.perf_counter()`` reads *moment_s*; returns at once when that is past."""
        if self._fd < 0 or _LIBC is None:
            gevent.sleep(max(0.0, moment_s - time.perf_counter()))
            return
        if moment_s <= time.perf_counter():
            return
        # On Linux the performance counter is CLOCK_MONOTONIC: its readings are the timer's absolute times.
        moment_ns = int(moment_s * _NS)
        value = self._spec.value
        value.seconds, value.nanoseconds = divmod(moment_ns, _NS)
        _LIBC.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(self._spec), None)
        get_hub().wait(self._watcher)
        os.read(self._fd, 8)

    def close(self) -> None:
        """Give the timer back."""
        if self._fd >= 0:
            self._watcher.close()
            os.close(self._fd)
            self._fd = -1
