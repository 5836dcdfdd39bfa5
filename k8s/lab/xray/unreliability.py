"""What can be turned while the stand-in runs: how unreliable it is, and whom it refuses."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from k8s.lab.xray.api_errors import invalid_request
from k8s.lab.xray.behaviour import Settings

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Duration = Annotated[float, msgspec.Meta(ge=0, le=86_400.0)]
BadCredentials = Literal["", "expired", "denied", "unknown"]
QueryEnd = Literal["Complete", "Failed", "Cancelled", "Timeout", "Unknown"]
_FOR_A_WHILE = "throttle_for_s"


class Knobs(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """They begin as the settings say."""

    ingest_delay_s: tuple[Duration, Duration]
    """Between which bounds (uniformly) a batch waits before queries see it."""
    throttle_rate: Rate
    """Share of API calls that are answered with 429."""
    loss_rate: Rate
    """Share of documents that are taken and lost."""
    duplicate_rate: Rate
    """Share of documents that are delivered twice."""
    refuse: BadCredentials = ""
    """Why every API call is answered with 403: credentials that expired, may not, or are not known."""
    throttle_until_s: float = 0.0
    """Every API call is answered with 429 until then, in seconds since the epoch."""
    logs_scheduled_s: Duration = 0.0
    """How long a query of CloudWatch Logs is Scheduled, at least."""
    logs_running_s: Duration = 0.0
    """How long it is Running after that, at least."""
    logs_partial: Rate = 0.5
    """The share of its rows that is there while it is Running."""
    logs_outcome: QueryEnd = "Complete"
    """How it ends."""
    logs_most_queries: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 100
    """How many may be Scheduled or Running at once."""
    logs_refuse_after: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)] = -1
    """After so many further calls of CloudWatch Logs ``refuse`` becomes ``expired``; -1: never."""

    def turn(self, changes: Mapping[str, Any], now_s: float) -> None:
        """Turn some knobs; ``throttle_for_s`` stands for a moment so many seconds from now.

        InvalidRequestException, and nothing turned, where one is unknown or out of its bounds.
        """
        asked = dict(changes)
        try:
            if _FOR_A_WHILE in asked:
                asked["throttle_until_s"] = now_s + msgspec.convert(asked.pop(_FOR_A_WHILE), Duration)
            turned = msgspec.convert(msgspec.structs.asdict(self) | asked, Knobs)
        except msgspec.ValidationError as error:
            raise invalid_request(f"turning the stand-in's knobs: {error}") from error
        for name, value in msgspec.structs.asdict(turned).items():
            setattr(self, name, value)


def knobs_of(settings: Settings) -> Knobs:
    """The knobs as the settings have them."""
    return Knobs(
        ingest_delay_s=settings.ingest_delay_s,
        throttle_rate=settings.throttle_rate,
        loss_rate=settings.loss_rate,
        duplicate_rate=settings.duplicate_rate,
        logs_scheduled_s=settings.logs_scheduled_s,
        logs_running_s=settings.logs_running_s,
        logs_most_queries=settings.logs_most_queries,
    )
