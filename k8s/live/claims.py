"""How a process gets a Service's Lease, and when another one's is stale.

A holder that renewed its Lease within its duration is alive. One that did not is looked at a second time, for
longer than a heartbeat takes: clocks of two machines differ, and one clock can be set. A holder on this
machine whose process has ended is stale at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from k8s.effects import Say
from k8s.errors import ConflictError, UnreachableError
from k8s.live import leases
from k8s.live.cluster import ForbiddenError
from k8s.live.leases import Holder, Lease, RawObjects
from k8s.topology import ServiceKey

RENEW_S: Final = 5.0
DURATION_S: Final = 20
ATTEMPTS: Final = 5
"""How often a Lease is asked for that others go on taking and leaving."""


class HeldByOtherError(UnreachableError):
    """Another process holds the Service, or held it and left it so; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a Lease is wanted for."""

    run: str
    command: str
    """What a person types to have the Service put back."""
    takes_over: bool = False
    """Whether a stale holder's Lease is taken."""
    force: bool = False
    """Whether even a living holder's is."""


@dataclass(slots=True, kw_only=True)
class Claims:
    """Gets Leases for one process."""

    me: Holder
    still_runs: Callable[[str], bool | None]
    """Whether the process of a ``Holder.process`` runs; None for one of another machine."""
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    say: Say
    renew_s: float = RENEW_S
    duration_s: int = DURATION_S
    warned: set[str] = field(default_factory=set)
    """Namespaces whose Leases are forbidden, of which that was said."""

    def look(self, cluster: RawObjects, key: ServiceKey) -> Lease | None:
        """The Service's Lease; None where there is none, or none may be read."""
        try:
            return leases.read(cluster, key)
        except ForbiddenError as error:
            self._warn(key, error)
            return None

    def check(self, cluster: RawObjects, key: ServiceKey, command: str) -> None:
        """HeldByOtherError where another process has the Lease."""
        found = self.look(cluster, key)
        if found is not None:
            self._check(cluster, found, Claim(run="", command=command))

    def take(self, cluster: RawObjects, key: ServiceKey, claim: Claim) -> Lease | None:
        """The Lease, ours now; None, and it is said, where Leases are forbidden.

        HeldByOtherError where another process has it. Of two that ask at once one gets it.
        """
        for _ in range(ATTEMPTS):
            try:
                found = leases.read(cluster, key)
                if found is None:
                    return leases.create(cluster, self._ours(Lease(service=key, holder=None), claim))
                self._check(cluster, found, claim)
                taken = self._ours(found, claim)
                return leases.write(cluster, replace(taken, transitions=found.transitions + 1))
            except ForbiddenError as error:
                self._warn(key, error)
                return None
            except ConflictError as error:
                last = error
        raise HeldByOtherError(f"{last}; others take Service {key} all the time, so nothing was changed")

    def drop(self, cluster: RawObjects, lease: Lease) -> None:
        """Delete our Lease; where that is forbidden it stays, with nobody holding it and no record in it."""
        for _ in range(ATTEMPTS):
            try:
                leases.delete(cluster, lease)
            except ForbiddenError:
                empty = replace(lease, original=None)
                leases.write(cluster, leases.released(empty, at_s=self.clock()))
                return
            except ConflictError:
                found = leases.read(cluster, lease.service)
                if found is None or found.holder != lease.holder:
                    return
                lease = found
            else:
                return

    def _ours(self, lease: Lease, claim: Claim) -> Lease:
        now_s = self.clock()
        return replace(
            lease,
            holder=self.me,
            run=claim.run,
            acquired_s=now_s,
            renewed_s=now_s,
            duration_s=self.duration_s,
        )

    def _check(self, cluster: RawObjects, lease: Lease, claim: Claim) -> None:
        """HeldByOtherError unless the Lease may be taken now."""
        if lease.holder is None or lease.holder == self.me or claim.force:
            return
        since = datetime.fromtimestamp(lease.acquired_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        who = f"{lease.holder.identity} ({lease.run}, since {since})"
        age_s = max(0.0, self.clock() - lease.renewed_s)
        why_stale = self._why_stale(cluster, lease, age_s)
        if why_stale is None:
            raise HeldByOtherError(
                f"Service {lease.service} is held by {who}, whose last heartbeat is {age_s:.0f} s old, so "
                "nothing was changed; wait until that run has ended, or end it"
            )
        if not claim.takes_over:
            raise HeldByOtherError(
                f"Service {lease.service} was held by {who}, and {why_stale}: it may be left as that run set "
                f"it, so nothing was changed; put it back first: {claim.command}"
            )

    def _why_stale(self, cluster: RawObjects, lease: Lease, age_s: float) -> str | None:
        """Why its holder counts as gone; None where it is alive."""
        if lease.holder is not None and self.still_runs(lease.holder.process) is False:
            return f"its process has ended (last heartbeat {age_s:.0f} s ago)"
        if age_s <= lease.duration_s:
            return None
        for _ in range(3):
            self.sleep(self.renew_s / 2)
            found = leases.read(cluster, lease.service)
            if found is not None and found.version != lease.version:
                return None
        return f"its heartbeat is {age_s:.0f} s old"

    def _warn(self, key: ServiceKey, error: ForbiddenError) -> None:
        if key.namespace not in self.warned:
            self.warned.add(key.namespace)
            self.say(
                f"warning: {error}; so only this machine can put Service {key} back, and a run from another "
                "one is not noticed; k8s/manifests/base/access has the Role that allows it"
            )
