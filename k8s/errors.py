"""What can go wrong, and the exit code that says so.

One root, ``SamezoneError``; it carries the exit code of the process. A message says what was being
done, with which name, and what to try. Only the command line prints it.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends; analysis/README.md lists the same numbers."""

    DONE = 0
    FAIL = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INVALID = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


class SamezoneError(Exception):
    """The root of everything we raise on purpose; *exit_code* is the process's."""

    exit_code: ExitCode = ExitCode.INVALID


class UsageError(SamezoneError):
    """Bad arguments, or an artifact that is not what it should be."""

    exit_code = ExitCode.USAGE


class InvalidRunError(SamezoneError):
    """The run cannot be trusted, or the place cannot do what was asked (and why)."""

    exit_code = ExitCode.INVALID


class UnreachableError(SamezoneError):
    """A cluster, X-Ray or the lab is not reachable, or refuses."""

    exit_code = ExitCode.UNREACHABLE


class NotFoundError(UsageError):
    """There is no such object in the cluster."""


class ConflictError(UnreachableError):
    """Somebody else made or changed the object meanwhile, so it was left as it is."""


class InterruptedRunError(SamezoneError):
    """The user pressed Ctrl-C; everything that was changed has been put back."""

    exit_code = ExitCode.INTERRUPTED
