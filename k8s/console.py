"""What every command line of the house shares: the parser, the streams, the clock.

Only ``cli.py`` files and this one know arguments, environment and clock.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO

from k8s.errors import ExitCode, SamezoneError, UsageError
from k8s.model import names
from k8s.process import interrupts, private, streams


def _typed(question: str) -> str | None:
    """What is typed on the terminal; None without one."""
    if not (sys.stdin and sys.stdin.isatty()):
        return None
    print(question, end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline()
    except (OSError, ValueError):  # the terminal is gone, or what came from it is no text
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Io:
    """The process's surroundings, so that a test can give its own.

    A stream whose reader is gone takes words and drops them: see ``k8s/process/streams.py``.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    """Data."""
    err: TextIO = field(default_factory=lambda: sys.stderr)
    """Words."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    clock: Callable[[], float] = time.time
    """Seconds since the epoch; it can be set."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that only go forward."""
    sleep: Callable[[float], None] = time.sleep

    answer: Callable[[str], str | None] = _typed
    """Puts a question to a person; None where nobody can answer."""

    def __post_init__(self) -> None:
        """Let no stream end what is being done."""
        object.__setattr__(self, "out", streams.tolerant(self.out))
        object.__setattr__(self, "err", streams.tolerant(self.err))

    def agree(self, lines: Sequence[str], *, yes: bool) -> None:
        """Show what is going to be done, and go on only when a person, or ``--yes``, agrees.

        UsageError otherwise: nothing has been changed then.
        """
        for line in lines:
            self.say(line)
        if yes:
            return
        said = self.answer("Go on? [y/N] ")
        if said is None:
            raise UsageError("nobody is there to agree, so nothing was changed; give --yes")
        if said.strip().lower() not in ("y", "yes"):
            raise UsageError("not agreed, so nothing was changed")

    def say(self, text: str) -> None:
        """One line for a person."""
        print(text, file=self.err, flush=True)

    def write(self, text: str) -> None:
        """One line of data."""
        print(text, file=self.out, flush=True)

    @property
    def home(self) -> Path:
        """Where state lives: ``SAMEZONE_HOME``, or ``.samezone`` in the current folder."""
        return Path(self.environment.get("SAMEZONE_HOME") or self.folder / private.NAME)

    def require_home(self, *parts: str) -> Path:
        """``home`` with these folders in it, for their owner alone; UsageError where they cannot be had.

        Asked for by every verb that changes something, before it does.
        """
        private.make(self.home, parts)
        return self.home

    @property
    def lab_dir(self) -> Path:
        """The lab's state folder."""
        return self.home / "lab"


Command = Callable[[Any, Io], int]
"""A verb: takes what argparse made of the arguments, which only a ``cli.py`` reads; gives the exit code."""
Verbs = argparse._SubParsersAction  # noqa: SLF001 - argparse names no public type for it


def guarded(program: str, io: Io, run: Callable[[], int]) -> int:
    """The exit code of *run*, which never raises for what a user can cause: *program* says it in one line."""
    code: int = ExitCode.INTERRUPTED
    try:
        code = int(run())
    except SamezoneError as error:
        io.say(f"{program}: {one_line(str(error))}")
        code = error.exit_code
    except KeyboardInterrupt:
        io.say(f"{program}: interrupted; nothing is left changed")
    finally:
        # Also after --help, which ends the process from within argparse.
        for stream in (io.out, io.err):
            stream.flush()
    return _closed(program, io, code)


def one_line(text: str) -> str:
    """*text* with its control characters written out: what a user named may hold some."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def perform(args: Any, io: Io) -> int:
    """Run the verb that was parsed; from here on signals are raised, and before they just end the process.

    One that comes once it is over changes nothing: what is done is done, and its code stands.
    """
    with interrupts.Working():
        return int(args.command(args, io))


def _closed(program: str, io: Io, code: int) -> int:
    """Done is only what could be said, unless nobody wanted to hear it."""
    trouble = getattr(io.out, "trouble", None)
    if trouble is not None:
        io.say(f"{program}: writing to standard output: {trouble.strerror}; what was measured is kept")
        code = code or ExitCode.USAGE
    interrupts.finished(code)
    return code


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and ending the process."""
        raise UsageError(f"{self.prog}: {message} (see: {self.prog} --help)")


class LaterParser(Parser):
    """A verb whose module is loaded, and its options with it, when it is parsed."""

    module = ""

    def parse_known_args(  # type: ignore[override]  # argparse overloads it on the kind of namespace
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """What the verb's own parser makes of it."""
        root, _, name = self.prog.rpartition(" ")
        verbs: Verbs[Parser] = Parser(prog=root).add_subparsers(parser_class=Parser)
        importlib.import_module(self.module).add(verbs)
        found: Parser = verbs.choices[name]
        return found.parse_known_args(args, namespace)


def path(text: str) -> Path:
    """A file or folder, there or not; an argparse type that refuses what the system cannot even be asked."""
    try:
        os.lstat(text)
    except (FileNotFoundError, NotADirectoryError):
        if text:
            return Path(text)
        raise argparse.ArgumentTypeError("an empty path names nothing") from None
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{names.shown(text)}: {error.strerror}") from None
    except ValueError as error:  # a NUL in it
        raise argparse.ArgumentTypeError(f"{names.shown(text)}: {error}") from None
    return Path(text)


def verb(
    verbs: "Verbs[Parser]", name: str, command: Command, *, summary: str, description: str | None = None
) -> Parser:
    """Add a verb that runs *command*."""
    parser = verbs.add_parser(name, help=summary, description=description or summary)
    parser.set_defaults(command=command)
    return parser


def group(verbs: "Verbs[Parser]", name: str, *, summary: str) -> "Verbs[Parser]":
    """Add a verb that has verbs of its own."""
    parser = verbs.add_parser(name, help=summary, description=summary)
    return parser.add_subparsers(dest=f"{name}_verb", metavar="VERB", required=True, parser_class=Parser)
