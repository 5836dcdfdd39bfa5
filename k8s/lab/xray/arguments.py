"""Arguments of API calls, checked: InvalidRequestException for what is missing or out of bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from k8s.lab.xray.api_errors import invalid_request
from k8s.lab.xray.documents import trace_key

GRAPH_HOURS: Final = 6
SUMMARY_HOURS: Final = 24
MOST_TRACE_IDS: Final = 5
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """[start, end) in seconds since the epoch."""

    start_s: float
    end_s: float


def window_of(body: Mapping[str, Any], hours: int) -> Window:
    """StartTime and EndTime, at most some hours apart."""
    window = any_window(body)
    if window.end_s - window.start_s > hours * _HOUR_S:
        raise invalid_request(f"Time range cannot be longer than {hours} hours")
    return window


def any_window(body: Mapping[str, Any]) -> Window:
    """StartTime and EndTime, however far apart."""
    start_s, end_s = _number(body, "StartTime"), _number(body, "EndTime")
    if end_s <= start_s:
        raise invalid_request("EndTime must be later than StartTime")
    return Window(start_s=start_s, end_s=end_s)


def trace_keys(body: Mapping[str, Any], *, most: int = MOST_TRACE_IDS) -> list[bytes]:
    """TraceIds: one to five, or to *most*; each once."""
    ids = strings(body, "TraceIds")
    if not 1 <= len(ids) <= most:
        raise invalid_request(f"TraceIds must hold 1 to {most} ids, not {len(ids)}")
    try:
        return [trace_key(trace_id) for trace_id in dict.fromkeys(ids)]
    except ValueError as error:
        raise invalid_request(f"Invalid trace id: {error}") from error


def strings(body: Mapping[str, Any], key: str) -> list[str]:
    """A list of strings."""
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid_request(f"{key} must be a list of strings")
    return value


def string(body: Mapping[str, Any], key: str) -> str | None:
    """A string; None where it is absent."""
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise invalid_request(f"{key} must be a string")
    return value


def _number(body: Mapping[str, Any], key: str) -> float:
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_request(f"{key} is required, in seconds since the epoch")
    try:
        return float(value)
    except OverflowError as error:
        raise invalid_request(f"{key} is out of range") from error
