"""Options that say on what terms arms are judged."""

import argparse
import math

from analysis.arm.result import AssumedBytes
from analysis.verdict.compare import Terms
from analysis.verdict.guards import Margins
from analysis.verdict.requirements import Metric, Requirement, parse
from k8s.commandline.quantities import amount
from k8s.console import Parser
from k8s.errors import UsageError

_DEFAULT = Margins()


def add_options(parser: Parser) -> None:
    """Requirements and margins."""
    into = parser.section("how it is judged")
    into.add_argument(
        "--require",
        action="append",
        type=_requirement,
        default=[],
        metavar="METRIC>=X",
        help=f"may be repeated, e.g. same_zone>=0.95 or p99_ratio<=1.05; metrics: {', '.join(Metric)}",
    )
    for option, default, told in (
        ("--share-margin", _DEFAULT.share, "pass only if the same-zone share rises by more than this"),
        ("--p99-margin", _DEFAULT.p99_ratio, "fail if p99 becomes more than this many times as long"),
        (
            "--error-margin",
            _DEFAULT.error_rate,
            "fail if the share of failures rises by more than this",
        ),
        ("--skew-margin", _DEFAULT.skew, "fail if an endpoint gets more than this many times the mean load"),
    ):
        into.add_argument(option, type=float, default=default, metavar="X", help=told)


def add_byte_options(parser: Parser) -> None:
    """What a call weighs, and what a GB costs."""
    into = parser.section("what calls cost")
    into.add_argument(
        "--request-bytes", type=amount, metavar="N", help="size of a request, if nothing measures it"
    )
    into.add_argument(
        "--response-bytes", type=amount, metavar="N", help="size of a response, if nothing measures it"
    )
    into.add_argument(
        "--usd-per-gb",
        type=float,
        metavar="USD",
        help="price between zones, in each direction; default: the region's",
    )


def assumed_of(args: argparse.Namespace) -> AssumedBytes:
    """What those options say; UsageError for what is no weight or price."""
    for name in ("request_bytes", "response_bytes", "usd_per_gb"):
        value = getattr(args, name)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UsageError(f"--{name.replace('_', '-')} {value:g}: give a number of 0 or more")
    plain = AssumedBytes()
    told = args.request_bytes is not None or args.response_bytes is not None
    return AssumedBytes(
        request=plain.request if args.request_bytes is None else args.request_bytes,
        response=plain.response if args.response_bytes is None else args.response_bytes,
        source="given by the user" if told else plain.source,
        usd_per_gb=args.usd_per_gb,
    )


def _requirement(text: str) -> Requirement:
    try:
        return parse(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def terms_of(args: argparse.Namespace) -> Terms:
    """What the options say; UsageError for a margin that is no number."""
    margins = {
        "share": args.share_margin,
        "p99_ratio": args.p99_margin,
        "error_rate": args.error_margin,
        "skew": args.skew_margin,
    }
    for name, value in margins.items():
        if not math.isfinite(value) or value < 0:
            raise UsageError(f"margin of {name}: {value:g}; give a number of 0 or more")
    return Terms(margins=Margins(**margins), required=tuple(args.require))
