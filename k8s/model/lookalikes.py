"""Keys that look as if they set a routing mode, wherever people write them (pure)."""

import re

_ASKS = re.compile(
    r"topology.?(?:aware|mode|hints?|keys|routing)|traffic.?distribution|zone.?aware|same.?zone",
    re.IGNORECASE,
)
_NOT_OURS = re.compile(r"(?:^|\.)(?:istio\.io|linkerd\.io|cilium\.io|karpenter\.sh|cattle\.io)/")
"""Others that read keys of their own."""


def resembles_knob(key: str) -> bool:
    """Whether a key of an annotation or a label reads like a setting of zone routing."""
    return _ASKS.search(key) is not None and _NOT_OURS.search(key) is None
