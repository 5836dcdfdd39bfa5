"""Which source counts the calls and how it is reached, as the options say: what a run or a trial remembers.

Passwords and tokens are no part of it: they come from the environment, and stand in no file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from k8s.errors import UsageError
from k8s.topology import ServiceKey

Options = tuple[tuple[str, str], ...]
"""Names and values of options, as they can be stored."""


class SourceKind(StrEnum):
    """The values are part of the command line, and each is its reader's key in ``registry.READERS``."""

    XRAY = "xray"
    PROMETHEUS = "prometheus"
    SPANS = "spans"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChoice:
    """The options of ``--source``; None: not given."""

    source: SourceKind | None = None
    """None: what the place offers."""
    region: str | None = None
    xray_endpoint: str | None = None
    xray_service: ServiceKey | None = None
    prometheus: str | None = None
    """Address of an API such as Prometheus'."""
    profile: str | None = None
    """Which series are what: a built-in profile's name, or a file's absolute path."""
    prometheus_user: str | None = None
    prometheus_org: str | None = None
    """Tenant."""
    prometheus_ca: str | None = None
    """File with the certificates that sign the server's; an absolute path."""
    prometheus_sigv4_region: str | None = None
    """Sign for Amazon Managed Service for Prometheus in this region."""
    prometheus_timeout_s: float | None = None
    """For one answer."""

    def __post_init__(self) -> None:
        """Refuse options of different sources, and a password in an address."""
        if self.prometheus is not None and urlsplit(self.prometheus).password:
            raise UsageError(
                "--prometheus: the address holds a password, which would be stored; give --prometheus-user, "
                "and the password in PROMETHEUS_PASSWORD"
            )
        if self.source is not None and (other := self._of_another(self.source)):
            raise UsageError(
                f"--source {self.source}: --{other.replace('_', '-')} is an option of another source; leave "
                "one of them out"
            )

    def _of_another(self, kind: SourceKind) -> str | None:
        """The first option given that belongs to another source."""
        found = (
            name
            for owner, names in _OWN.items()
            if owner is not kind and not (owner is SourceKind.XRAY and kind is SourceKind.SPANS)
            for name in names
            if getattr(self, name) is not None
        )
        return next(found, None)

    def told(self) -> tuple[SourceKind, str] | None:
        """The source that the options name, and why it is that one; None where they name none."""
        if self.source is not None:
            return self.source, "--source says so"
        named = [
            (kind, name) for kind, names in _OWN.items() for name in names if getattr(self, name) is not None
        ]
        if not named:
            return None
        kind, name = named[0]
        if other := self._of_another(kind):
            raise UsageError(
                f"--{name.replace('_', '-')} and --{other.replace('_', '-')} are options of two sources; "
                "leave one of them out"
            )
        return kind, f"--{name.replace('_', '-')} is given"

    def options(self) -> Options:
        """What is given, to be stored."""
        return tuple(
            (one.name, str(value))
            for one in fields(self)
            if one.name in _NAMES and (value := getattr(self, one.name)) is not None
        )

    @classmethod
    def of(cls, stored: Options) -> "SourceChoice":
        """What was stored; UsageError for a source that is not known here. Unknown options are left out."""
        found: dict[str, str] = {name: value for name, value in stored if name in _NAMES}
        kind, service = found.pop("source", None), found.pop("xray_service", None)
        limit_s = found.pop("prometheus_timeout_s", None)
        if kind is not None and kind not in set(SourceKind):
            raise UsageError(
                f"the calls were counted by source {kind!r}, which is not known here; update samezone"
            )
        namespace, _, name = (service or "").partition("/")
        return SourceChoice(
            source=None if kind is None else SourceKind(kind),
            xray_service=None if service is None else ServiceKey(namespace=namespace, name=name),
            prometheus_timeout_s=None if limit_s is None else float(limit_s),
            **found,
        )

    def over(self, kept: "SourceChoice") -> "SourceChoice":
        """*kept*, with what is given in its place; what is given alone, where it names another source."""
        mine, other = self.told(), kept.told()
        if mine is not None and other is not None and mine[0] is not other[0]:
            return self
        given = {name: value for name in _NAMES if (value := getattr(self, name)) is not None}
        return replace(SourceChoice(**{name: getattr(kept, name) for name in _NAMES}), **given)


_NAMES: Final = tuple(one.name for one in fields(SourceChoice))
_OWN: Final[Mapping[SourceKind, tuple[str, ...]]] = {
    SourceKind.PROMETHEUS: tuple(
        one for one in _NAMES if one == "profile" or one.startswith(SourceKind.PROMETHEUS.value)
    ),
    SourceKind.XRAY: ("xray_endpoint", "xray_service"),
}
"""Options that belong to one source alone; a region is anybody's, and a stand-in has spans, too."""


def counted_by(stored: Options) -> str:
    """Who counted a run's calls, and by which profile: two runs can be compared where this is the same."""
    found = dict(stored)
    profile = found.get("profile")
    kind = found.get("source", SourceKind.XRAY.value)
    return kind if profile is None else f"{kind} by profile {profile}"
