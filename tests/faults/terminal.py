"""A terminal that closes: ``python terminal.py [--nohup] COMMAND...`` runs a command in one of its own.

What the command shows goes to standard error. SIGUSR1 closes the terminal, as a window that is closed or an
ssh session that is lost: the kernel sends SIGHUP, and what is written afterwards fails with EIO.
"""

import os
import pty
import select
import signal
import sys


def main(words: list[str]) -> int:
    """The command's exit code, negative where a signal ended it."""
    is_immune = words[0] == "--nohup"
    child, master = pty.fork()
    if child == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if is_immune else signal.SIG_DFL)
        command = words[is_immune:]
        os.execv(command[0], command)  # noqa: S606 - that is what it is for
    closed: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: closed.append(number))
    while not closed:
        if select.select([master], [], [], 0.05)[0]:
            try:
                os.write(2, os.read(master, 65536).replace(b"\r", b""))
            except OSError:  # the command has ended
                break
    os.close(master)
    os.write(2, b"\nsamezone: its terminal is closed\n")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) & 0xFF)
