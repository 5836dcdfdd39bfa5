"""Answers that do not depend on what arrived: sampling, encryption, telemetry.

Source: the service model in botocore.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from k8s.lab.xray.api_errors import invalid_request

_QUOTA_S: Final = 10
_RULE: Final = {
    "RuleName": "Default",
    "ResourceARN": "*",
    "Priority": 10_000,
    "FixedRate": 0.05,
    "ReservoirSize": 1,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
    "Attributes": {},
}


def sampling_rules(_body: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
    """The Default rule: one request a second and 5 percent of the rest."""
    rule = {**_RULE, "RuleARN": "arn:aws:xray:::sampling-rule/Default"}
    return {"SamplingRuleRecords": [{"SamplingRule": rule, "CreatedAt": 0.0, "ModifiedAt": 0.0}]}


def sampling_targets(body: Mapping[str, Any], now_s: float) -> dict[str, Any]:
    """Quotas for the Default rule; there are no others."""
    documents = body.get("SamplingStatisticsDocuments")
    if not isinstance(documents, list):
        raise invalid_request("SamplingStatisticsDocuments is required")
    names = [str(document.get("RuleName")) for document in documents if isinstance(document, dict)]
    return {
        "SamplingTargetDocuments": [
            {
                "RuleName": name,
                "FixedRate": _RULE["FixedRate"],
                "ReservoirQuota": _RULE["ReservoirSize"],
                "ReservoirQuotaTTL": now_s + _QUOTA_S,
                "Interval": _QUOTA_S,
            }
            for name in names
            if name == _RULE["RuleName"]
        ],
        "LastRuleModification": 0.0,
        "UnprocessedStatistics": [
            {"RuleName": name, "ErrorCode": "400", "Message": "Unknown rule"}
            for name in names
            if name != _RULE["RuleName"]
        ],
    }


def sampling_statistics(_body: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
    """Nobody samples by rules here."""
    return {"SamplingStatisticSummaries": []}


def encryption(_body: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
    """X-Ray's own encryption, no key of a customer."""
    return {"EncryptionConfig": {"Type": "NONE", "Status": "ACTIVE"}}


def telemetry(body: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
    """Takes the daemon's records about itself, and keeps nothing of them."""
    if not isinstance(body.get("TelemetryRecords"), list):
        raise invalid_request("TelemetryRecords is required")
    return {}


ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Any], float], dict[str, Any]]]] = {
    "/GetSamplingRules": sampling_rules,
    "/SamplingTargets": sampling_targets,
    "/SamplingStatisticSummaries": sampling_statistics,
    "/EncryptionConfig": encryption,
    "/TelemetryRecords": telemetry,
}
"""By path."""
