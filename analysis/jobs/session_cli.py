"""What measuring and judging may use, from a command's options."""

import argparse
from functools import partial

import loadtest.cli
from analysis import terms_cli
from analysis.jobs.comparing import Judging
from analysis.jobs.measuring import CollectSession, Session
from analysis.source import cli as source_cli
from k8s.console import Io
from k8s.effects import steady


def session_of(args: argparse.Namespace, io: Io) -> Session:
    """For a command with the options of a load and of a source."""
    return Session(
        traffic=loadtest.cli.session_of(args, io), open_source=partial(source_cli.xray_of, args, io)
    )


def collect_session_of(args: argparse.Namespace, io: Io) -> CollectSession:
    """For a command with the options of a source alone."""
    return CollectSession(
        open_source=partial(source_cli.xray_of, args, io),
        clock=steady(io.clock, io.monotonic),
        sleep=io.sleep,
        say=io.say,
    )


def judging_of(args: argparse.Namespace) -> Judging:
    """The options of ``terms_cli``."""
    return Judging(assumed=terms_cli.assumed_of(args), terms=terms_cli.terms_of(args))
