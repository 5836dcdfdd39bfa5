"""Who may call: the SigV4 header, and the credentials that AWS would turn away.

The signature itself is not checked. The access key ids ``EXPIRED``, ``DENIED`` and ``UNKNOWN`` are refused
as AWS refuses such credentials; the knob ``refuse`` does the same to everybody. Codes and words are AWS's.
"""

import re
from http import HTTPStatus
from typing import Final

from k8s.lab.xray.api_errors import XrayError

_SCHEME: Final = "AWS4-HMAC-SHA256 "
_KEY_ID: Final = re.compile(r"Credential=([A-Za-z0-9]{1,128})/")
_REFUSED_KEYS: Final = {"EXPIRED": "expired", "DENIED": "denied", "UNKNOWN": "unknown"}
_NAMES: Final = {
    "/TraceSegments": "PutTraceSegments",
    "/TelemetryRecords": "PutTelemetryRecords",
    "/ServiceGraph": "GetServiceGraph",
    "/TraceGraph": "GetTraceGraph",
    "/TraceSummaries": "GetTraceSummaries",
    "/TimeSeriesServiceStatistics": "GetTimeSeriesServiceStatistics",
    "/Traces": "BatchGetTraces",
    "/Groups": "GetGroups",
    "/SamplingTargets": "GetSamplingTargets",
    "/SamplingStatisticSummaries": "GetSamplingStatisticSummaries",
    "/EncryptionConfig": "GetEncryptionConfig",
}
"""Operations whose path is not their name."""


def check_signature(authorization: str, service: str = "xray") -> None:
    """403 for a request without a SigV4 header for the service."""
    if not authorization.startswith(_SCHEME):
        raise _forbidden("MissingAuthenticationTokenException", "Missing Authentication Token")
    if f"/{service}/aws4_request" not in authorization:
        raise _forbidden(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'."
        )


def check_credentials(authorization: str, path: str, *, refuse: str, account: str, action: str = "") -> None:
    """403 for credentials that are to be refused: by their key id, or (*refuse*) whoever calls.

    *action* is IAM's name of what is asked for; by default X-Ray's operation at *path*.
    """
    match = _KEY_ID.search(authorization)
    why = refuse or (_REFUSED_KEYS.get(match[1], "") if match else "")
    if why == "expired":
        raise _forbidden("ExpiredTokenException", "The security token included in the request is expired")
    if why == "unknown":
        raise _forbidden(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if why == "denied":
        action = action or f"xray:{_NAMES.get(path, path.removeprefix('/'))}"
        raise _forbidden(
            "AccessDeniedException",
            f"User: arn:aws:iam::{account}:user/samezone is not authorized to perform: {action} "
            f"because no identity-based policy allows the {action} action",
        )


def _forbidden(code: str, message: str) -> XrayError:
    return XrayError(code, message, HTTPStatus.FORBIDDEN)
