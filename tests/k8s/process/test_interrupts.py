"""Where a signal is raised, in processes of their own: they send it to themselves at the line in question."""

import signal
import subprocess
import sys

import pytest

START = """
import os, signal, sys, threading, time
{before}
from k8s.process import interrupts
from k8s.console import Io, guarded
interrupts.listen("samezone")
def hit(number=signal.SIG{name}):
    os.kill(os.getpid(), number)
    time.sleep(0.05)
class Args:
    @staticmethod
    def command(args, io):
{body}
        return 0
from k8s.console import perform
io = Io()
sys.exit(guarded("samezone", io, lambda: perform(Args, io)))
"""
INTERRUPTED = "samezone: interrupted; nothing is left changed\n"
ALREADY = "samezone: already stopping; putting everything back first"


def ends(body: str, name: str = "INT", before: str = "") -> tuple[int, str, str]:
    """Exit code, output and words of a command with this *body*."""
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    script = START.format(body=lines, name=name, before=before)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["HUP", "INT", "TERM"])
def test_a_signal_ends_a_command(name: str):
    """Where it waits, at once."""
    assert ends('print("a", flush=True)\nhit()\nprint("b")', name) == (130, "a\n", INTERRUPTED)


def test_a_held_block_is_done_first():
    """The signal is raised at its end."""
    body = 'with interrupts.held():\n    hit()\n    print("put back")\nprint("more")'

    assert ends(body) == (130, "put back\n", INTERRUPTED)


def test_waiting_inside_a_held_block_lets_it_in():
    """And one that came before is raised where waiting begins."""
    body = """
with interrupts.held():
    try:
        hit()
        print("set")
        with interrupts.allowed():
            print("not awaited")
    finally:
        print("put back")
"""
    assert ends(body) == (130, "set\nput back\n", INTERRUPTED)


def test_further_signals_do_not_cut_the_putting_back_short():
    """Said once, with how to give it up."""
    body = 'try:\n    hit()\nfinally:\n    hit()\n    hit()\n    hit()\n    print("put back")'

    code, out, err = ends(body)

    assert (code, out) == (130, "put back\n")
    said, last = err.splitlines(keepends=True)
    assert said.startswith(ALREADY)
    assert "SIGQUIT" in said
    assert last == INTERRUPTED


def test_what_could_not_be_put_back_is_heard_of():
    """A signal that waits does not hide another error."""
    body = """
from k8s.errors import UnreachableError
with interrupts.held():
    hit()
    raise UnreachableError("putting back: the API server is away")
"""
    assert ends(body) == (5, "", "samezone: putting back: the API server is away\n")


def test_a_signal_that_python_swallows_comes_again():
    """An exception in __del__ goes nowhere; the command ends all the same."""
    body = """
class Dying:
    def __del__(self):
        hit()
Dying()
time.sleep(10)
print("slept")
"""
    assert ends(body) == (130, "", INTERRUPTED)


def test_a_thread_decides_nothing_for_the_one_that_hears():
    """Held in a thread: the main thread is still interrupted."""
    body = """
def hold():
    with interrupts.held():
        time.sleep(1)
threading.Thread(target=hold, daemon=True).start()
time.sleep(0.1)
hit()
print("more")
"""
    assert ends(body) == (130, "", INTERRUPTED)


@pytest.mark.parametrize(("name", "is_heard"), [("HUP", False), ("INT", False), ("TERM", True)])
def test_what_was_ignored_at_the_start_stays_so(name: str, is_heard: bool):
    """Under nohup, or in a shell's background; SIGTERM is always heard."""
    before = f"signal.signal(signal.SIG{name}, signal.SIG_IGN)"

    code, out, _ = ends('hit()\nprint("went on")', name, before)

    assert (code, out) == ((130, "") if is_heard else (0, "went on\n"))


def test_before_the_command_nothing_is_begun():
    """While modules are loaded, even where an import swallows everything."""
    before = "sys.path.insert(0, '')"
    script = START.format(body="        pass", name="INT", before=before).replace(
        "io = Io()\n", "try:\n    hit()\nexcept BaseException:\n    pass\nio = Io()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (130, "samezone: interrupted; nothing was begun\n")


def test_once_it_is_done_its_code_stands():
    """A signal while the interpreter ends, say where a thread is awaited."""
    script = START.format(body='        print("done", flush=True)', name="TERM", before="")
    script = script.replace("sys.exit(", "code = (").replace("\nio = Io()", "\nio = Io()") + "hit()\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


LATE = """
from k8s.process import interrupts
interrupts.listen("samezone")
import os, sys, time
class Last:
    def __del__(self, write=os.write, sleep=time.sleep):
        write(1, b"ending\\n")
        sleep(0.2)
sys.modules["last"] = Last()
"""
"""What is still there when Python takes a process apart."""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_signal_after_the_end_does_not_change_the_exit_code(number: signal.Signals):
    """While the interpreter ends, it has taken the handlers away: the job is done all the same."""
    with subprocess.Popen([sys.executable, "-c", LATE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ending\n"
        process.send_signal(number)

    assert process.returncode == 0
