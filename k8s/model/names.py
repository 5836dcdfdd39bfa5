"""Which names may be given to things that become parts of paths, queries and API requests.

As Kubernetes has it: a label's value (1 to 63 letters, digits, ``-``, ``_`` and ``.``, at both ends a letter
or digit) and an object's name as a DNS label (RFC 1123: 1 to 63 lower-case letters, digits and ``-``,
likewise).
"""

import re
from typing import Final

MOST: Final = 63
LABEL: Final = f"give 1 to {MOST} letters, digits, '-', '_' and '.', at both ends a letter or digit"
DNS_LABEL: Final = f"give 1 to {MOST} lower-case letters, digits and '-', at both ends a letter or digit"
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_DNS_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def is_label(text: str) -> bool:
    """Whether *text* may be a label's value, and not an empty one."""
    return len(text) <= MOST and _LABEL.fullmatch(text) is not None


def is_dns_label(text: str) -> bool:
    """Whether *text* may be the name of a namespace or a Service."""
    return len(text) <= MOST and _DNS_LABEL.fullmatch(text) is not None


def shown(text: str) -> str:
    """*text* for a message: in quotes, in one line, cut where it is long."""
    quoted = ascii(text)
    return quoted if len(quoted) <= MOST + 2 else f"{quoted[:MOST]}...{quoted[0]} ({len(text)} letters)"
