"""Where segments go: to X-Ray, or with Transaction Search on to CloudWatch Logs. Source: service model.

With Transaction Search on, only the indexed share of the traces is left for X-Ray's queries (1 percent unless
the Default indexing rule says otherwise), and BatchGetTraces finds none: "you cannot find traces through this
API if Transaction Search is enabled". That the service graph holds the indexed share is our reading: AWS
does not say.
"""

import zlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from k8s.lab.xray.api_errors import XrayError, invalid_request
from k8s.lab.xray.arguments import string
from k8s.lab.xray.behaviour import Clock, Settings
from k8s.lab.xray.trace_store import BY_ID, INDEXED

Operations = dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
"""Handlers by path."""

X_RAY: Final = "XRay"
LOGS: Final = "CloudWatchLogs"
_ALL: Final = 100.0
_DEFAULT_RULE: Final = "Default"
_CRC_RANGE: Final = 2**32


class Destination:
    """The destination and the indexing rule of the account and region."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Begin as the settings say."""
        self._settings = settings
        self._clock = clock
        self._target = LOGS if settings.transaction_search else X_RAY
        self._before = self._target
        self._changed_s = float("-inf")
        self._percent = settings.indexing_percent
        self._modified_s = 0.0

    @property
    def in_force(self) -> str:
        """Where segments go at this moment; the old way while a change is PENDING."""
        return self._before if self._is_pending() else self._target

    def route_of(self, key: bytes) -> int:
        """Who will find a trace that begins to arrive now, as bits."""
        if self.in_force == X_RAY:
            return BY_ID | INDEXED
        # By the id: all documents of a trace are indexed, or none.
        indexed = zlib.crc32(key) < self._percent / _ALL * _CRC_RANGE
        return INDEXED if indexed else 0

    def operations(self) -> Operations:
        """The API's operations on it."""
        return {
            "/GetTraceSegmentDestination": self._get,
            "/UpdateTraceSegmentDestination": self._update,
            "/GetIndexingRules": self._get_rules,
            "/UpdateIndexingRule": self._update_rule,
        }

    def _get(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        return {"Destination": self._target, "Status": "PENDING" if self._is_pending() else "ACTIVE"}

    def _update(self, body: Mapping[str, Any]) -> dict[str, Any]:
        target = string(body, "Destination") or self._target
        if target not in {X_RAY, LOGS}:
            raise invalid_request(f"Destination {target} is none of {X_RAY}, {LOGS}")
        if target != self._target:
            self._before, self._target, self._changed_s = self.in_force, target, self._clock()
        return {"Destination": self._target, "Status": "PENDING"}

    def _get_rules(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        return {"IndexingRules": [self._rule()]}

    def _update_rule(self, body: Mapping[str, Any]) -> dict[str, Any]:
        name = string(body, "Name")
        if name != _DEFAULT_RULE:
            raise XrayError(
                "ResourceNotFoundException", f"Indexing rule {name} not found", HTTPStatus.NOT_FOUND
            )
        rule = body.get("Rule")
        probabilistic = rule.get("Probabilistic") if isinstance(rule, dict) else None
        percent = probabilistic.get("DesiredSamplingPercentage") if isinstance(probabilistic, dict) else None
        if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= _ALL:
            raise invalid_request("DesiredSamplingPercentage must be between 0 and 100")
        self._percent, self._modified_s = float(percent), self._clock()
        return {"IndexingRule": self._rule()}

    def _rule(self) -> dict[str, Any]:
        share = {"DesiredSamplingPercentage": self._percent, "ActualSamplingPercentage": self._percent}
        return {
            "Name": _DEFAULT_RULE,
            "ModifiedAt": self._modified_s,
            "Rule": {"Probabilistic": share},
        }

    def _is_pending(self) -> bool:
        return self._clock() < self._changed_s + self._settings.destination_pending_s
