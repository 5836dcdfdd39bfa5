"""Signals while a command still loads its modules: one line, exit 130, nothing begun, wherever it is."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
VERBS = (
    ("history",),
    ("report",),
    ("compare", "one", "two"),
    ("collect", "one"),
    ("run", "off"),
    ("baseline",),
    ("experiment",),
    ("drill", "eu-west-1a"),
    ("web",),
    ("routing", "set", "tar"),
    ("routing", "restore"),
    ("routing", "doctor"),
    ("lab", "status"),
    ("cluster", "status"),
    ("kind", "up"),
)
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
LONGEST_S = 0.5
PATIENCE_S = 20.0


def hears(pid: int) -> bool:
    """Whether the process has a handler for SIGHUP: ours, since Python has none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (signal.SIGHUP - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when a handler is there")
@pytest.mark.parametrize("number", SIGNALS, ids=lambda one: one.name)
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_signal_while_modules_are_loaded(words: tuple[str, ...], number: signal.Signals, tmp_path: Path):
    """From the handler's first moment on; a command that ended before it was hit has its own code."""
    random.seed(f"{words}{number}")
    process = subprocess.Popen(
        [str(BIN / "samezone"), *words],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until_s = time.monotonic() + PATIENCE_S
    while not hears(process.pid):
        assert time.monotonic() < until_s
        time.sleep(0.001)
    time.sleep(random.choice((0.0, random.uniform(0.0, LONGEST_S))))
    if process.poll() is None:
        os.kill(process.pid, number)
    out, err = process.communicate(timeout=PATIENCE_S)

    assert out == ""
    assert len(err.splitlines()) == 1, err
    if "interrupted" in err:
        assert process.returncode == 130
        assert err.startswith("samezone: interrupted; nothing ")
    else:
        # It was over: no lab, no run, no docker.
        assert process.returncode in (2, 5), (process.returncode, err)
    assert list(tmp_path.rglob("*")) == []


def test_nohup_is_respected(tmp_path: Path):
    """A terminal that closes does not end what was told to ignore that; SIGTERM still does."""
    script = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); import os; os.execv(*{})"
    command = (str(BIN / "samezone"), [str(BIN / "samezone"), "lab", "xray", "--port", "0"])
    process = subprocess.Popen(
        [sys.executable, "-c", script.format(repr(command))],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://")
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
