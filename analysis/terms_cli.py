"""Options that say on what terms arms are judged."""

import argparse
import math

from analysis.arm.result import AssumedBytes
from analysis.verdict.compare import Terms
from analysis.verdict.guards import Margins
from analysis.verdict.requirements import Metric, Requirement, parse
from k8s.errors import UsageError

_DEFAULT = Margins()


def add_options(into: argparse.ArgumentParser) -> None:
    """Requirements and margins."""
    into.add_argument(
        "--require",
        action="append",
        type=_requirement,
        default=[],
        metavar="METRIC>=X",
        help=f"may be repeated, e.g. same_zone>=0.95, p99_ratio<=1.05; metrics: {', '.join(Metric)}",
    )
    into.add_argument(
        "--share-margin", type=float, default=_DEFAULT.share, help="the same-zone share must rise by more"
    )
    into.add_argument("--p99-margin", type=float, default=_DEFAULT.p99_ratio, help="candidate over baseline")
    into.add_argument(
        "--error-margin", type=float, default=_DEFAULT.error_rate, help="share of requests more"
    )
    into.add_argument(
        "--skew-margin", type=float, default=_DEFAULT.skew, help="busiest endpoint's calls over the mean"
    )


def add_byte_options(into: argparse.ArgumentParser) -> None:
    """What a call weighs, and what a GB costs."""
    into.add_argument("--request-bytes", type=float, help="a call, where nothing measures it")
    into.add_argument("--response-bytes", type=float, help="a call, where nothing measures it")
    into.add_argument("--usd-per-gb", type=float, help="in each direction; default: the region's price")


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
