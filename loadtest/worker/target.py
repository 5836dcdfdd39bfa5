"""What a swarm loads, how it trusts it, and how requests tell of their trace, as a value of the load plan."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from k8s.errors import UsageError

W3C: Final = "w3c"
XRAY: Final = "xray"
BOTH: Final = "both"
PROPAGATIONS: Final = (W3C, XRAY, BOTH)
"""Headers that carry the trace: ``traceparent``, ``X-Amzn-Trace-Id``, or one of each."""
HTTPS: Final = "https"
_PORTS = {"http": 80, HTTPS: 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The address that requests go to; what is empty is left to the worker's own place."""

    url: str = ""
    """``http://`` or ``https://``, host, port and path prefix, without a slash at the end."""
    ca: str = ""
    """The certificates to trust, as PEM; empty: those that the worker's system trusts."""
    insecure: bool = False
    """Whether certificates go unverified; a run says so as a caveat."""
    propagate: str = W3C
    """One of PROPAGATIONS."""
    service: str = ""
    """The name of the client Service: the remote service of the workers' spans."""

    def __post_init__(self) -> None:
        if self.url:
            split_url(self.url, what="target")
        if self.propagate not in PROPAGATIONS:
            raise UsageError(f"propagate is {self.propagate!r}; give one of {', '.join(PROPAGATIONS)}")

    def __str__(self) -> str:
        trust = "unverified" if self.insecure else "own CA" if self.ca else ""
        return ", ".join(filter(None, (self.url or "the client Service", trust, self.propagate)))

    @property
    def is_https(self) -> bool:
        """Whether connections are TLS."""
        return self.url.startswith(f"{HTTPS}://")


def split_url(url: str, *, what: str) -> SplitResult:
    """The parts of a URL that can be loaded; UsageError, which calls it *what*, for one that cannot."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise UsageError(f"{what} {url!r}: {error}") from error
    if parts.scheme not in _PORTS or not host or port == 0 or any(one.isspace() for one in url):
        raise UsageError(f"{what} {url!r}: give http:// or https://, a host, and its port and path if any")
    if "@" in parts.netloc:
        raise UsageError(f"{what}: a URL with a user in it would be stored with its password; leave it out")
    if parts.query or parts.fragment:
        raise UsageError(f"{what} {url!r}: pages are added to it, so it may have no ? and no #")
    return parts


def port_of(parts: SplitResult) -> int:
    """The port of a URL, its scheme's where it gives none."""
    return parts.port or _PORTS[parts.scheme]
