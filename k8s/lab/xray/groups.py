"""Groups of traces by filter expression. Source: X-Ray developer guide, "configuring groups".

A group holds only traces that began to arrive after it was created; a trace belongs by the expression that
was in force then, so that a changed expression leaves old and new side by side.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from k8s.lab.xray.api_errors import invalid_request
from k8s.lab.xray.filters import Expression, parse
from k8s.lab.xray.matching import Matcher
from k8s.lab.xray.traces import Trace

MOST: Final = 25
"""Groups per account and region."""
NOBODYS_BIT: Final = MOST
"""Of the 32 bits that a row has."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A group's expression from some moment on."""

    since_s: float
    text: str
    expression: Expression | None
    """None where the text is empty: every trace fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayGroup:
    """A group."""

    name: str
    arn: str
    bit: int
    """Its place in the set of groups that each row of the ledger carries."""
    versions: tuple[Version, ...]
    """Oldest first, at least one."""
    insights: tuple[bool, bool] = (False, False)
    """Whether insights, and notifications about them, are on; kept and told, nothing else."""

    def version_at(self, moment_s: float) -> Version | None:
        """The version in force at a moment; None before the group was created."""
        in_force = [version for version in self.versions if version.since_s <= moment_s]
        return in_force[-1] if in_force else None

    def as_json(self) -> dict[str, Any]:
        """The Group of the API."""
        enabled, notified = self.insights
        return {
            "GroupName": self.name,
            "GroupARN": self.arn,
            "FilterExpression": self.versions[-1].text,
            "InsightsConfiguration": {"InsightsEnabled": enabled, "NotificationsEnabled": notified},
        }


class Groups:
    """All groups."""

    def __init__(self, arn_prefix: str) -> None:
        """*arn_prefix* is ``arn:aws:xray:<region>:<account>``."""
        self._arn_prefix = arn_prefix
        self._groups: dict[str, XrayGroup] = {}
        self._created = 0

    def __bool__(self) -> bool:
        return bool(self._groups)

    def all(self) -> list[XrayGroup]:
        """All groups, oldest first."""
        return list(self._groups.values())

    def create(self, name: str, text: str, now_s: float, insights: tuple[bool, bool]) -> XrayGroup:
        """A new group; InvalidRequestException for a bad or known name, or when there are too many."""
        if not _NAME.fullmatch(name):
            raise invalid_request("GroupName must have 1 to 32 letters, digits, dashes or underscores")
        if name in self._groups:
            raise invalid_request(f"A group with the name {name} already exists")
        if len(self._groups) >= MOST:
            raise invalid_request(f"There can be at most {MOST} groups")
        self._created += 1
        taken = {group.bit for group in self._groups.values()}
        group = XrayGroup(
            name=name,
            arn=f"{self._arn_prefix}:group/{name}/{self._created:016X}",
            bit=next(bit for bit in range(MOST) if bit not in taken),
            versions=(_version(text, now_s),),
            insights=insights,
        )
        self._groups[name] = group
        return group

    def update(
        self, group: XrayGroup, text: str | None, now_s: float, insights: tuple[bool, bool] | None
    ) -> XrayGroup:
        """Change the expression for traces from now on, or the insights settings; None leaves them."""
        versions = group.versions
        if text is not None and text != versions[-1].text:
            versions = (*versions, _version(text, now_s))
        changed = replace(group, versions=versions, insights=insights or group.insights)
        self._groups[group.name] = changed
        return changed

    def delete(self, group: XrayGroup) -> None:
        """Take the group away; its bit may be given to another."""
        del self._groups[group.name]

    def find(self, name: str | None, arn: str | None) -> XrayGroup:
        """The group by name or ARN; InvalidRequestException where there is none."""
        if not name and not arn:
            raise invalid_request("Either GroupName or GroupARN must be given")
        for group in self._groups.values():
            if (not name or group.name == name) and (not arn or group.arn == arn):
                return group
        raise invalid_request(f"Group {name or arn} not found")

    def nobody(self) -> XrayGroup:
        """A group that no trace is in."""
        return XrayGroup(name="", arn="", bit=NOBODYS_BIT, versions=(_version("", float("inf")),))

    def of(self, trace: Trace, began_s: float) -> int:
        """The groups of a trace that began to arrive at a moment, as bits."""
        bits = 0
        matcher = Matcher(trace)
        for group in self._groups.values():
            version = group.version_at(began_s)
            if version and (version.expression is None or matcher.fits(version.expression)):
                bits |= 1 << group.bit
        return bits

    def names(self, bits: int) -> tuple[str, ...]:
        """Names and ARNs of the groups in a set."""
        found = [group for group in self._groups.values() if bits >> group.bit & 1]
        return tuple(text for group in found for text in (group.name, group.arn))


def _version(text: str, since_s: float) -> Version:
    return Version(since_s=since_s, text=text, expression=parse(text) if text.strip() else None)
