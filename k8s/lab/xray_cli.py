"""``samezone lab xray``: the X-Ray stand-in by itself, for whatever speaks X-Ray or OTLP."""

import argparse
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final, get_args

from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import ExitCode, UsageError
from k8s.lab.design.settings import DEFAULT_XRAY_PORT
from k8s.lab.xray import app
from k8s.lab.xray.behaviour import Settings, SpansLogGroup, WindowRule

LOOPBACK: Final = "127.0.0.1"
EXAMPLE: Final = """\
import boto3, json, time
xray, now = boto3.client("xray", endpoint_url="http://127.0.0.1:16080"), time.time()
xray.put_trace_segments(TraceSegmentDocuments=[json.dumps({"name": "shop", "id": "53995c3f42cd8ad8", \
"trace_id": "1-581cf771-a006649127e371903a2de979", "start_time": now - 1, "end_time": now})])
print([node["Name"] for node in xray.get_service_graph(StartTime=now - 60, EndTime=now)["Services"]])
"""
"""Executed by the tests; any credentials and region will do."""
DESCRIPTION: Final = f"""\
Answer X-Ray's API and take OTLP at /v1/traces until interrupted. The address is printed once it answers. It
answers for CloudWatch Logs, too: StartQuery (queryLanguage SQL), GetQueryResults, StopQuery and
DescribeQueries over the log group aws/spans, which holds the same spans.

{EXAMPLE}
Beside the API: GET /healthz, GET /_standin/status (what is kept, dropped, used), GET /_standin/dump,
POST /_standin/reset, and GET or POST /_standin/knobs to turn, while it runs, ingest_delay_s, throttle_rate,
loss_rate, duplicate_rate, throttle_for_s, refuse (expired, denied, unknown), and of CloudWatch Logs'
queries logs_scheduled_s, logs_running_s, logs_partial, logs_outcome (Complete, Failed, Cancelled, Timeout,
Unknown), logs_most_queries, logs_refuse_after (calls). A POST there needs the header
Samezone-Control, with any value (in a lab: its token), which no page in a browser can send. Calls signed with
the access key id EXPIRED, DENIED or UNKNOWN are refused as AWS refuses such credentials.
"""


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= len(text) <= len("1000000000") or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _seconds(text: str) -> float:
    return _within(text, 1e9, "a number of seconds")


def _share(text: str) -> float:
    return _within(text, 1.0, "a share from 0 to 1")


def _percent(text: str) -> float:
    return _within(text, 100.0, "a percentage from 0 to 100")


def _range(text: str) -> tuple[float, float]:
    first, dash, last = text.partition("-")
    bounds = _seconds(first), _seconds(last if dash else first)
    if bounds[0] > bounds[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of seconds, e.g. 5-30")
    return bounds


def _within(text: str, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


KNOBS: Final[tuple[tuple[str, str, Callable[[str], Any] | None, str], ...]] = (
    ("--seed", "seed", int, "of all randomness: delays, losses, orders"),
    ("--ingest-delay", "ingest_delay_s", _range, "seconds, or a range like 5-30, until queries see a batch"),
    ("--throttle-rate", "throttle_rate", _share, "share of API calls answered with 429"),
    ("--throttle-code", "throttle_code", str, "its code; X-Ray's front door says ThrottlingException"),
    ("--loss-rate", "loss_rate", _share, "share of documents taken and lost"),
    ("--duplicate-rate", "duplicate_rate", _share, "share of documents delivered twice"),
    ("--retention", "retention_s", _seconds, "seconds for which traces are kept"),
    ("--max-documents", "max_documents", _count, "documents kept; the oldest traces go first"),
    ("--max-trace-documents", "max_trace_documents", _count, "documents of one trace; more are refused"),
    ("--max-bytes", "max_bytes", _count, "bytes kept of what arrived, compressed"),
    ("--graph-page-size", "graph_page_size", _count, "services on a page"),
    ("--summary-page-size", "summary_page_size", _count, "trace summaries on a page"),
    ("--indexed-attributes", "indexed_attributes", _names, "what becomes annotations, comma-separated"),
    ("--index-all-attributes", "index_all_attributes", None, "all attributes become annotations"),
    ("--accounts", "accounts", None, "nodes are told apart by account id"),
    ("--unknown-group-is-empty", "unknown_group_is_empty", None, "its graph is empty instead of refused"),
    ("--transaction-search", "transaction_search", None, "as an account that has Transaction Search on"),
    ("--indexing-percent", "indexing_percent", _percent, "traces indexed with Transaction Search on"),
    (
        "--destination-pending",
        "destination_pending_s",
        _seconds,
        "seconds a change of destination is PENDING",
    ),
    ("--query-wait", "logs_scheduled_s", _seconds, "seconds a query of CloudWatch Logs is Scheduled"),
    ("--query-pages", "logs_sql_pages", None, "its rows come in pages, up to 100,000"),
    ("--query-time", "logs_running_s", _seconds, "seconds a query of CloudWatch Logs is Running"),
    ("--query-limit", "logs_most_queries", _count, "queries of CloudWatch Logs at once"),
    ("--retrieval-time", "retrieval_s", _seconds, "seconds a retrieval of traces is RUNNING"),
    ("--region", "region", str, "in ARNs"),
    ("--account-id", "account_id", str, "in ARNs and refusals"),
)
"""(option, field of Settings, type or None for a flag, help); the defaults are those of Settings."""


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verb to those of ``lab``."""
    parser = verb(
        verbs,
        "xray",
        lab_xray,
        summary="Run the X-Ray stand-in alone, until interrupted.",
        description=DESCRIPTION,
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default=LOOPBACK, help=f"IP address to listen on (default: {LOOPBACK})")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_XRAY_PORT, help=f"0: any free one (default: {DEFAULT_XRAY_PORT})"
    )
    defaults = Settings()
    for option, field, kind, text in KNOBS:
        if kind is None:
            parser.add_argument(option, dest=field, action="store_true", help=text)
            continue
        default = getattr(defaults, field)
        shown = "-".join(map(str, default)) if kind is _range else default
        shown = ",".join(default) if kind is _names else shown
        parser.add_argument(
            option,
            dest=field,
            type=kind,
            default=default,
            metavar=option.rpartition("-")[2].upper(),
            help=f"{text} (default: {shown})",
        )
    parser.add_argument(
        "--window",
        choices=get_args(WindowRule),
        default=defaults.window,
        help="a graph holds what began in its window, was under way in it, or began in one of its minutes "
        f"(default: {defaults.window})",
    )
    parser.add_argument(
        "--spans-log-group",
        choices=get_args(SpansLogGroup),
        default=defaults.spans_log_group,
        help="when CloudWatch Logs has aws/spans: always, or as on AWS with Transaction Search on "
        f"(default: {defaults.spans_log_group})",
    )
    parser.add_argument(
        "--otlp-mode",
        choices=("collector", "strict-aws"),
        default="collector",
        help="take OTLP as a collector does, or as AWS's own endpoint: only with Transaction Search on",
    )
    parser.add_argument(
        "--unknown-ids-are-absent", action="store_true", help="BatchGetTraces passes over unknown ids"
    )
    parser.add_argument("--unsigned", action="store_true", help="API calls need no SigV4 header")


def lab_xray(args: argparse.Namespace, io: Io) -> int:
    """``samezone lab xray``."""
    settings = settings_of(args)
    try:
        outside = not ip_address(args.host).is_loopback
    except ValueError:
        raise UsageError(f"lab xray: --host {args.host!r} is not an IP address, e.g. {LOOPBACK}") from None
    if outside:
        io.say(f"anybody who reaches {args.host} can read, write and reset: nothing is authenticated")
    shown = f"[{args.host}]" if ":" in args.host else args.host
    app.serve(
        args.host,
        args.port,
        settings=settings,
        clock=io.clock,
        on_ready=lambda port: io.write(f"http://{shown}:{port}"),
        anywhere=outside,
    )
    return ExitCode.DONE


def settings_of(args: argparse.Namespace) -> Settings:
    """The stand-in that the options describe."""
    fields = {field: getattr(args, field) for _, field, _, _ in KNOBS}
    return Settings(
        **fields,
        window=args.window,
        spans_log_group=args.spans_log_group,
        strict_otlp=args.otlp_mode == "strict-aws",
        require_signature=not args.unsigned,
        unknown_ids_unprocessed=not args.unknown_ids_are_absent,
    )
