"""What every command line of the house shares: the parser, the streams, the clock.

Only ``cli.py`` files and this one know arguments, environment and clock.
"""

import argparse
import importlib
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

from k8s.commandline.help_text import HelpText
from k8s.errors import ExitCode, SamezoneError, UsageError
from k8s.model import names
from k8s.model.nearest import hint
from k8s.process import interrupts, private, streams

_FEW_VERBS = 6
"""So many are named where none is like the word that was typed."""
_LABELLED = re.compile(r"((?: *\S+ {2,}){0,2} *)(.*)", re.DOTALL)
"""A line's labels, at most two, each with a gap behind it; and its text."""
_LEAST_WIDTH = 20
"""Columns: a terminal that says less than that does not know."""


def _typed(question: str) -> str | None:
    """What is typed on the terminal; None without one."""
    if not (sys.stdin and sys.stdin.isatty()):
        return None
    print(question, end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline()
    except (OSError, ValueError):  # the terminal is gone, or what came from it is no text
        return None


def _browsed(address: str) -> bool:
    """Whether a browser took it."""
    import webbrowser  # noqa: PLC0415 - for --open alone

    return webbrowser.open(address)


class Loudness(IntEnum):
    """How much a command says; what it answers is not counted."""

    QUIET = -1
    """Errors, and what somebody has to agree to."""
    PLAIN = 0
    VERBOSE = 1
    """How it came to that, too, and when."""


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
    browse: Callable[[str], bool] = _browsed
    """Shows an address in a browser; whether there was one."""
    loudness: Loudness = Loudness.PLAIN
    began_s: float | None = None
    """When the command began, by the clock that only goes forward; None: nobody wants to know."""

    def __post_init__(self) -> None:
        """Let no stream end what is being done."""
        object.__setattr__(self, "out", streams.tolerant(self.out))
        object.__setattr__(self, "err", streams.tolerant(self.err))

    def agree(self, lines: Sequence[str], *, yes: bool) -> None:
        """Show what is going to be done, and go on only when a person, or ``--yes``, agrees.

        UsageError otherwise: nothing has been changed then.
        """
        for line in lines:
            print(line, file=self.err, flush=True)
        if yes:
            return
        said = self.answer("Go on? [y/N] ")
        if said is None:
            raise UsageError("nobody is there to agree, so nothing was changed; give --yes")
        if said.strip().lower() not in ("y", "yes"):
            raise UsageError("not agreed, so nothing was changed")

    def say(self, text: str) -> None:
        """One line for a person, unless it is to be quiet; on a terminal broken between words."""
        if self.loudness is Loudness.QUIET:
            return
        if self.began_s is not None:
            text = f"+{self.monotonic() - self.began_s:.1f} s  {text}"
        print(fitted_to(self.err, text), file=self.err, flush=True)

    def detail(self, text: str) -> None:
        """One line for a person who asked how it came to that."""
        if self.loudness is Loudness.VERBOSE:
            self.say(text)

    def write(self, text: str) -> None:
        """One line of data."""
        print(text, file=self.out, flush=True)

    def lay(self, text: str) -> None:
        """One line of data; on a terminal broken between words, under the column where its text begins.

        A line with several gaps is a table's and stays as it is.
        """
        label, rest = _LABELLED.findall(text)[0]
        self.write(text if "  " in rest else fitted_to(self.out, text, hanging=len(label)))

    def show(self, page: Path, *, is_wanted: bool) -> None:
        """Say where a report is, and show it in a browser where that is wanted."""
        self.say(f"report: {page.resolve()}")
        if is_wanted and not self.browse(page.resolve().as_uri()):
            self.say("no browser could be started here; open that file in one")

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


def fitted_to(stream: TextIO, text: str, *, hanging: int = 2) -> str:
    """*text* as it is; for a terminal with its lines broken between words, never within one.

    All lines but the first begin in column *hanging*, counted from 0.
    """
    if not stream.isatty():
        return text
    import shutil  # noqa: PLC0415 - for terminals alone
    import textwrap  # noqa: PLC0415 - likewise

    width = max(shutil.get_terminal_size().columns, _LEAST_WIDTH)
    hanging = min(hanging, width // 2)
    lines = (
        [text]
        if len(text) < width
        else textwrap.wrap(
            text, width - 1, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False
        )
    )
    return "\n".join(lines)


Command = Callable[[Any, Io], int]
"""A verb: takes what argparse made of the arguments, which only a ``cli.py`` reads; gives the exit code."""
Verbs = argparse._SubParsersAction  # noqa: SLF001 - argparse names no public type for it


def guarded(program: str, io: Io, run: Callable[[], int]) -> int:
    """The exit code of *run*, which never raises for what a user can cause: *program* says it in one line."""
    code: int = ExitCode.INTERRUPTED
    try:
        code = int(run())
    except SamezoneError as error:
        # A parser's message begins with the program's name already.
        message = one_line(str(error)).removeprefix(program).removeprefix(":").lstrip()
        io.say(f"{program}: {message}")
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
    loudness = Loudness(getattr(args, "loudness", Loudness.PLAIN))
    began_s = io.monotonic() if loudness is Loudness.VERBOSE else None
    with interrupts.Working():
        return int(args.command(args, replace(io, loudness=loudness, began_s=began_s)))


def _closed(program: str, io: Io, code: int) -> int:
    """Done is only what could be said, unless nobody wanted to hear it."""
    trouble = getattr(io.out, "trouble", None)
    if trouble is not None:
        io.say(f"{program}: writing to standard output: {trouble.strerror}; what was measured is kept")
        code = code or ExitCode.USAGE
    interrupts.finished(code)
    return code


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that says what is wrong, and what may have been meant, in one line."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """With our own help page."""
        super().__init__(*args, **{"formatter_class": HelpText, **options})
        self._positionals.title = "arguments"

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and ending the process."""
        raise UsageError(f"{self.prog}: {message.removeprefix('argument ')} (see: {self.prog} --help)")

    def parse_known_args(  # type: ignore[override]  # argparse overloads it on the kind of namespace
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """As argparse does, but that nothing may be left over: here it is known what there is instead."""
        found, left_over = super().parse_known_args(args, namespace)
        if left_over:
            self._refuse(left_over)
        return found, []

    def section(self, title: str) -> "argparse._ArgumentGroup":
        """The options under this heading of the help page, to be added to."""
        found = next((one for one in self._action_groups if one.title == title), None)
        return self.add_argument_group(title) if found is None else found

    def hide(self, *names_: str) -> None:
        """Leave options out of the help page that do not apply to this verb, though it takes them."""
        for action in self._actions:
            if action.dest in names_:
                action.help = argparse.SUPPRESS

    def verbs_first(self) -> None:
        """On the help page: they are what is looked for."""
        self._action_groups.insert(0, self._action_groups.pop())

    def _refuse(self, words: Sequence[str]) -> NoReturn:
        option = next((one.partition("=")[0] for one in words if one.startswith("-")), None)
        if option is None:
            self.error(f"{' '.join(words)}: one word too many; leave it out")
        known = [
            name
            for action in self._actions
            if action.help is not argparse.SUPPRESS
            for name in action.option_strings
        ]
        self.error(f"there is no option {option}{hint(option, known)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is no choice, and name the one that was meant, or all."""
        if action.choices is None or value in action.choices:
            return
        known = [str(one) for one in action.choices]
        if action.nargs != argparse.PARSER:
            near = hint(str(value), known) or f"; choose one of {', '.join(known)}"
            raise argparse.ArgumentError(action, f"{names.shown(str(value))} is not known{near}")
        elsewhere = self.elsewhere.get(str(value).lower())
        if elsewhere is not None:
            self.error(f"there is no verb {names.shown(str(value))}; did you mean: {self.prog} {elsewhere}?")
        few = f"; there are {', '.join(known)}" if len(known) <= _FEW_VERBS else ""
        near = hint(str(value), known) or few
        self.error(f"there is no verb {names.shown(str(value))}{near}")

    elsewhere: Mapping[str, str] = {}
    """What is called otherwise here, as somebody may type it who knows make's verbs."""


AnyParser = TypeVar("AnyParser", bound=Parser)


class LaterParser(Parser):
    """A verb whose module is loaded, and its options with it, when it is parsed."""

    module = ""

    def parse_known_args(  # type: ignore[override]  # argparse overloads it on the kind of namespace
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """What the verb's own parser makes of it."""
        return self.loaded().parse_known_args(args, namespace)

    def loaded(self) -> Parser:
        """The verb's own parser."""
        root, _, name = self.prog.rpartition(" ")
        verbs: Verbs[Parser] = Parser(prog=root).add_subparsers(parser_class=Parser)
        importlib.import_module(self.module).add(verbs)
        found: Parser = verbs.choices[name]
        return found


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
    add_loudness(parser)
    return parser


def add_loudness(parser: argparse.ArgumentParser) -> None:
    """Options that say how much is said; without one of them, what was given before the verb holds."""
    for names_, loudness, told in (
        (("-q", "--quiet"), Loudness.QUIET, "say nothing but the answer, and errors"),
        (("-v", "--verbose"), Loudness.VERBOSE, "also say what happens on the way, and when"),
    ):
        parser.add_argument(
            *names_,
            dest="loudness",
            action="store_const",
            const=loudness,
            default=argparse.SUPPRESS,
            help=told,
        )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option of verbs that answer."""
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def add_open(parser: argparse.ArgumentParser) -> None:
    """The option of verbs that leave a report."""
    parser.add_argument("--open", action="store_true", help="show the report in a browser")


def group(
    verbs: "Verbs[Parser]", name: str, *, summary: str, elsewhere: Mapping[str, str] | None = None
) -> "Verbs[Parser]":
    """Add a verb that has verbs of its own; *elsewhere* is what some of them may be looked for as."""
    parser = verbs.add_parser(name, help=summary, description=summary)
    parser.elsewhere = elsewhere or {}
    return verbs_of(parser, dest=f"{name}_verb", kind=Parser)


def verbs_of(parser: Parser, *, dest: str, kind: type[AnyParser]) -> "Verbs[AnyParser]":
    """The verbs of a parser, which without one of them prints its help."""

    def show_help(_: Any, io: Io) -> int:
        io.write(parser.format_help().rstrip())
        return ExitCode.DONE

    parser.set_defaults(command=show_help)
    add_loudness(parser)
    verbs = parser.add_subparsers(dest=dest, metavar="VERB", title="verbs", parser_class=kind)
    parser.verbs_first()
    return verbs
