"""What measuring and judging may use, from a command's options."""

import argparse

import loadtest.cli
from analysis import terms_cli
from analysis.jobs.comparing import Judging
from analysis.jobs.measuring import CollectSession, Session
from analysis.source import cli as source_cli
from analysis.source.choice import SourceChoice
from k8s.console import Io
from k8s.effects import steady


def session_of(args: argparse.Namespace, io: Io) -> Session:
    """For a command with the options of a load and of a source."""
    opener = source_cli.opener_of(args, io, is_judged=True)
    return Session(
        traffic=loadtest.cli.session_of(args, io),
        open_source=opener,
        settle=opener.settle,
        quiet_s=opener.quiet_s,
    )


def collect_session_of(args: argparse.Namespace, io: Io, kept: SourceChoice) -> CollectSession:
    """For a command with the options of a source alone, on a run that was made with *kept*."""
    opener = source_cli.opener_of(args, io, kept=kept)
    return CollectSession(
        open_source=opener,
        settle=opener.settle,
        clock=steady(io.clock, io.monotonic),
        sleep=io.sleep,
        say=io.say,
    )


def judging_of(args: argparse.Namespace) -> Judging:
    """The options of ``terms_cli``."""
    return Judging(assumed=terms_cli.assumed_of(args), terms=terms_cli.terms_of(args))
