"""What every command line of the house shares: the parser, the streams, the clock.

Only ``cli.py`` files and this one know arguments, environment and clock.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TextIO

from k8s.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Io:
    """The process's surroundings, so that a test can give its own."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    """Data."""
    err: TextIO = field(default_factory=lambda: sys.stderr)
    """Words."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def say(self, text: str) -> None:
        """One line for a person."""
        print(text, file=self.err, flush=True)

    def write(self, text: str) -> None:
        """One line of data."""
        print(text, file=self.out, flush=True)

    @property
    def home(self) -> Path:
        """Where state lives: ``SAMEZONE_HOME``, or ``.samezone`` in the current folder."""
        return Path(self.environment.get("SAMEZONE_HOME") or self.folder / ".samezone")

    @property
    def lab_dir(self) -> Path:
        """The lab's state folder."""
        return self.home / "lab"


Command = Callable[[argparse.Namespace, Io], int]
Verbs = argparse._SubParsersAction  # noqa: SLF001 - argparse names no public type for it


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and ending the process."""
        raise UsageError(f"{self.prog}: {message} (see: {self.prog} --help)")


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
