"""Processed segment documents as text, in X-Ray's hand."""

import re
from typing import Any, Final

import msgspec

from k8s.lab.xray.traces import Trace, processed

MOST_BYTES: Final = 500 * 1024
"""Up to which size X-Ray keeps a trace; what is more is kept here, and told as LimitExceeded."""
_TIMES: Final = re.compile(r'("(?:start|end)_time":)(\d+(?:\.\d+)?)(?=[,}])')


def full(trace: Trace) -> dict[str, Any]:
    """The Trace of BatchGetTraces."""
    segments = segments_as_text(trace)
    return {
        "Id": trace.id,
        "Duration": round(trace.end_s - trace.start_s, 3),
        "LimitExceeded": sum(len(segment["Document"]) for segment in segments) > MOST_BYTES,
        "Segments": segments,
    }


def segments_as_text(trace: Trace) -> list[dict[str, str]]:
    """The trace's documents with their ids; times are in the notation that X-Ray uses."""
    return [
        {
            "Id": document["id"],
            "Document": _TIMES.sub(_with_exponent, msgspec.json.encode(document).decode()),
        }
        for document in processed(trace)
    ]


def _with_exponent(match: re.Match[str]) -> str:
    """1795376700.001 -> 1.795376700001E9, the way the JVM prints doubles."""
    whole, _, fraction = match[2].partition(".")
    digits = (whole[1:] + fraction).rstrip("0") or "0"
    return f"{match[1]}{whole[0]}.{digits}E{len(whole) - 1}"
