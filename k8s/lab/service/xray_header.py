"""X-Ray's tracing header read as a W3C one, as OpenTelemetry's X-Ray propagator reads it.

Source: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html, "Tracing header".
"""

import re
from collections.abc import Mapping

W3C = "traceparent"
XRAY = "x-amzn-trace-id"
_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})", re.ASCII)
_PARENT = re.compile(r"[0-9a-f]{16}", re.ASCII)


def traced(headers: Mapping[str, str]) -> Mapping[str, str]:
    """*headers* (names in lower case) with a ``traceparent`` made of X-Ray's, where they have only that.

    Without a parent, or with a malformed one, nothing is continued; without a sampling decision the trace is
    sampled, as nobody asked for the contrary.
    """
    told = headers.get(XRAY)
    if told is None or W3C in headers:
        return headers
    fields = dict(one.strip().partition("=")[::2] for one in told.split(";"))
    root, parent = _ROOT.fullmatch(fields.get("Root", "")), fields.get("Parent", "")
    if root is None or not _PARENT.fullmatch(parent):
        return headers
    sampled = "00" if fields.get("Sampled") == "0" else "01"
    return {**headers, W3C: f"00-{root[1]}{root[2]}-{parent}-{sampled}"}
