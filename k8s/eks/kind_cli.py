"""``samezone kind``: a three-zone cluster on this machine."""

import argparse

from k8s.console import Io, Parser, Verbs, group, verb
from k8s.eks import kind
from k8s.eks.programs import Programs
from k8s.errors import ExitCode


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs."""
    found = group(verbs, "kind", summary="A kind cluster of three zones, if docker and kind are here.")
    verb(found, "up", up_command, summary="Make the cluster, and load the X-Ray stand-in's image into it.")
    verb(found, "down", down_command, summary="Delete the cluster.")


def up_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone kind up``."""
    del args
    kind.up(Programs(io.environment), io.say)
    return ExitCode.DONE


def down_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone kind down``."""
    del args
    kind.down(Programs(io.environment), io.say)
    return ExitCode.DONE
