"""Who is let in at a door on the loopback: programs, and pages that the server itself has shown (pure).

A page of any site may send requests to 127.0.0.1 from the browser of whoever visits it. Such a request gives
itself away: its ``Origin`` is the page's, or its ``Sec-Fetch-Site`` says ``cross-site`` (``same-site`` where
the page is another port's), or, after DNS rebinding, its ``Host`` is a name that somebody else owns. Programs
send neither of the first two. Source: WHATWG Fetch ("Origin header"), W3C Fetch Metadata.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

_OWN_PAGES: Final = frozenset({"same-origin", "none"})
"""``none``: a person typed the address, or opened a bookmark."""
_CLUSTERS_OWN: Final = (".svc", ".cluster.local", ".localhost")
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """Why a request is not let in."""

    status: HTTPStatus
    why: str


def refusal(
    headers: Mapping[str, str], is_own: Callable[[str], bool], *, visit: bool = False
) -> TurnedAway | None:
    """Why a request with these headers is not let in; None if it is.

    *is_own* tells whether a host name, without its port, is this server's. *visit* lets a person follow a
    link from another site to a page here, which that site cannot read: for requests that change nothing.
    """
    host = headers.get("Host", "")
    name = host_name(host)
    if name is None or not is_own(name):
        return TurnedAway(
            status=HTTPStatus.MISDIRECTED_REQUEST,
            why=f"the Host {host[:_SHOWN]!r} is not this server's; ask for it by 127.0.0.1 or localhost",
        )
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return TurnedAway(
            status=HTTPStatus.FORBIDDEN,
            why=f"the Origin {origin[:_SHOWN]!r} is not this server's: pages of others are not let in",
        )
    if headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGES and not (visit and _is_visit(headers)):
        return TurnedAway(
            status=HTTPStatus.FORBIDDEN, why="a page of another site asked for this: it is not let in"
        )
    return None


def _is_visit(headers: Mapping[str, str]) -> bool:
    """Whether the browser will show the answer as a page of its own, not in a frame of another."""
    return (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")


def is_loopback(name: str) -> bool:
    """Whether a host name is ``localhost`` or an address of the loopback."""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_within(name: str) -> bool:
    """Whether a host name means the same to everybody, or is a cluster's own.

    Any address (whoever rebinds a name needs a name), ``localhost``, a name without a dot, a Service's name.
    """
    if "." not in name or name.endswith(_CLUSTERS_OWN):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def host_name(host: str) -> str | None:
    """The name in a ``Host`` header, in small letters, without port or brackets; None if there is none."""
    host = host.strip().lower()
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port.removeprefix(":")
        bracketed = bool(bracket)
    else:
        name, _, port = host.partition(":")
        bracketed = True
    is_port = not port or (port.isascii() and port.isdigit())
    return (name.removesuffix(".") or None) if bracketed and is_port else None
