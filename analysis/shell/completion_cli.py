"""``samezone completion``: tab completion for bash, zsh and fish, by argcomplete.

The shell asks this very program, with ``_ARGCOMPLETE`` in its environment; nothing of it is loaded otherwise.
"""

import argparse
from typing import Final

import argcomplete
from argcomplete.shell_integration import shellcode

from k8s.commandline.quantities import lower
from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import ExitCode

SHELLS: Final = ("bash", "zsh", "fish")
PROGRAM: Final = "samezone"
_INSTALL: Final = """\
Print what makes a shell complete verbs, options and modes. To have it from now on, add one line:

  bash, in ~/.bashrc:                   eval "$(samezone completion bash)"
  zsh, in ~/.zshrc, after compinit:     eval "$(samezone completion zsh)"
  fish, in ~/.config/fish/config.fish:  samezone completion fish | source
"""


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verb."""
    parser = verb(
        verbs,
        "completion",
        completion_command,
        summary="Print what makes a shell complete these verbs.",
        description=_INSTALL,
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shell", type=lower, choices=SHELLS, help="the shell that you use")


def completion_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone completion SHELL``: a script for the shell to read."""
    io.write(shellcode([PROGRAM], shell=args.shell))
    return ExitCode.DONE


def complete(parser: Parser) -> None:
    """Answer the shell and end the process, where it is the shell that asks."""
    argcomplete.autocomplete(parser)
