"""``samezone lab xray``: options are the settings, the example works, it stays on loopback unless told."""

import io
import os
import signal
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from k8s.console import Io, Parser
from k8s.errors import UsageError
from k8s.lab import xray_cli
from k8s.lab.xray.behaviour import Settings

_PROGRAM = """
import sys
from k8s.console import Io, Parser
from k8s.lab import xray_cli
parser = Parser(prog="samezone lab")
xray_cli.add(parser.add_subparsers(parser_class=Parser))
args = parser.parse_args(sys.argv[1:])
sys.exit(args.command(args, Io()))
"""
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab", "AWS_DEFAULT_REGION": "eu-west-1"}


def parsed(*options: str) -> Any:
    parser = Parser(prog="samezone lab")
    xray_cli.add(parser.add_subparsers(parser_class=Parser))
    return parser.parse_args(["xray", *options])


def test_defaults_are_those_of_the_settings() -> None:
    """Without options the stand-in is the one that the lab starts."""
    assert xray_cli.settings_of(parsed()) == Settings()


def test_every_setting_has_an_option() -> None:
    """Whatever can be chosen is chosen here, but for three bounds that nobody needs, and a lab's token."""
    offered = {field for _, field, _, _ in xray_cli.KNOBS}
    offered |= {"window", "strict_otlp", "require_signature", "unknown_ids_unprocessed", "spans_log_group"}
    internal = {"control_token", "max_unused_names", "series_page_size", "summary_page_scan"}

    assert offered | internal == {field.name for field in fields(Settings)}


def test_options() -> None:
    """Ranges, shares, lists and flags are read."""
    found = xray_cli.settings_of(
        parsed(
            *("--ingest-delay", "5-30", "--throttle-rate", "0.1", "--seed", "7", "--window", "minute"),
            *(
                "--indexed-attributes",
                "a,b",
                "--transaction-search",
                "--otlp-mode",
                "strict-aws",
                "--unsigned",
            ),
            *("--spans-log-group", "transaction-search", "--query-wait", "1", "--query-time", "2"),
            *("--query-limit", "3", "--query-pages"),
        )
    )

    assert found == Settings(
        ingest_delay_s=(5.0, 30.0),
        throttle_rate=0.1,
        seed=7,
        window="minute",
        indexed_attributes=("a", "b"),
        transaction_search=True,
        strict_otlp=True,
        require_signature=False,
        spans_log_group="transaction-search",
        logs_scheduled_s=1.0,
        logs_running_s=2.0,
        logs_most_queries=3,
        logs_sql_pages=True,
    )


@pytest.mark.parametrize(
    "options",
    [
        ("--loss-rate", "2"),
        ("--loss-rate", "nan"),
        ("--ingest-delay", "30-5"),
        ("--ingest-delay", "soon"),
        ("--max-documents", "0"),
        ("--max-documents", "9" * 5_000),
        ("--indexing-percent", "101"),
        ("--window", "day"),
    ],
)
def test_options_that_cannot_be(options: tuple[str, ...]) -> None:
    """What is out of bounds is told in one line."""
    with pytest.raises(UsageError, match=r"see: samezone lab xray --help"):
        parsed(*options)


@pytest.mark.parametrize("host", ["localhost", "", "10.0.0.256"])
def test_hosts_are_addresses(host: str) -> None:
    """A host is an IP address, so that nobody listens where he did not mean to."""
    with pytest.raises(UsageError, match="is not an IP address"):
        xray_cli.lab_xray(parsed("--host", host), Io(out=io.StringIO(), err=io.StringIO()))


def test_the_example() -> None:
    """The stand-in alone, from its command line; the three lines of the description, as they stand."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "xray", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        example = subprocess.run(
            [sys.executable, "-c", xray_cli.EXAMPLE.replace("http://127.0.0.1:16080", url)],
            env={**os.environ, **_CREDENTIALS},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=30)

    assert url.startswith("http://127.0.0.1:")
    assert (example.stdout, example.stderr, code) == ("['shop', 'shop']\n", "", 0)
    assert xray_cli.EXAMPLE in xray_cli.DESCRIPTION


def test_other_hosts_only_if_told() -> None:
    """Any address of this machine may be given; whoever gives one is told what that means."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "xray", "--port", "0", "--host", "0.0.0.0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=30)

    assert url.startswith("http://0.0.0.0:")
    assert "nothing is authenticated" in words
