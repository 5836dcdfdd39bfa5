"""One process at a time changes a Service, and what the Service had outlives that process.

Who changes a Service holds its Lease (``k8s/live/leases.py``) and renews it from a thread of its own; a
second one, from whatever machine, is refused before anything is changed. What the Service had is in the
Lease, and in a file here, before the Service is changed, and stays in both until a read shows that it is
back.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from k8s.effects import Say
from k8s.errors import (
    ConflictError,
    InterruptedRunError,
    InvalidRunError,
    NotFoundError,
    SamezoneError,
    UnreachableError,
)
from k8s.live import control, leases
from k8s.live.claims import Claim, Claims
from k8s.live.leases import Lease, RawObjects
from k8s.process import interrupts
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.routing.restoring import ChangedKnob, Original, Restoration, noted, restoration, taken_up
from k8s.topology import ServiceKey

GIVE_BACK_S: Final = 10.0
"""How long putting back is tried while the API server is away."""
_AGAIN_S: Final = 0.5
_ATTEMPTS: Final = 3
"""How often letting go is begun, should Ctrl-C fall into it."""


class HoldableCluster(control.Cluster, RawObjects, Protocol):
    """A cluster whose Services can be held; ``LiveCluster`` is one."""

    @property
    def context(self) -> str:
        """The kubeconfig context."""


class Records(Protocol):
    """What Services had before they were changed, on this machine; ``Originals`` keeps it in files."""

    def remember(self, context: str, key: ServiceKey, original: Original) -> None:
        """Record *original* in place of an earlier record."""

    def recall(self, context: str, key: ServiceKey) -> Original | None:
        """The record, or None."""

    def forget(self, context: str, key: ServiceKey) -> None:
        """Drop the record."""


class LostHoldError(InvalidRunError):
    """Somebody else took the Service while we held it, or took its Lease away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingEffects:
    """What holding Services may use."""

    records: Records
    claims: Claims
    """How Leases are got."""
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    say: Say
    command: Callable[[ServiceKey], str]
    """What a person types to have a Service put back."""


class Holds:
    """The Services that this process holds, each as long as the outermost use-case needs it."""

    def __init__(self, effects: HoldingEffects) -> None:
        self._effects = effects
        self._open: dict[tuple[str, ServiceKey], Held] = {}
        self._depth = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """Whatever is held within is held to the end of this, and not from one use to the next."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                with interrupts.held():
                    while self._open:
                        self._open.popitem()[1].close()

    @contextmanager
    def held(self, cluster: HoldableCluster, key: ServiceKey, *, run: str) -> Iterator["Held"]:
        """The Service is ours, for *run*; also where it is ours already.

        HeldByOtherError, with nothing changed, where another process holds it, or did and left it so.
        """
        with self.together():
            yield self._held(cluster, key, run)

    @contextmanager
    def taken_over(
        self, cluster: HoldableCluster, key: ServiceKey, *, run: str, force: bool = False
    ) -> Iterator["Held | None"]:
        """The Service that somebody left, to put it back; None where there is neither record nor Lease.

        HeldByOtherError where its holder is alive, unless with *force*.
        """
        effects = self._effects
        found = effects.claims.look(cluster, key)
        if found is None and effects.records.recall(cluster.context, key) is None:
            yield None
            return
        with self.together():
            yield self._held(cluster, key, run, takes_over=True, force=force)

    def check(self, cluster: HoldableCluster, key: ServiceKey) -> None:
        """HeldByOtherError where ``held`` would raise it now; changes nothing."""
        if (cluster.context, key) not in self._open:
            self._effects.claims.check(cluster, key, self._effects.command(key))

    def _held(
        self,
        cluster: HoldableCluster,
        key: ServiceKey,
        run: str,
        *,
        takes_over: bool = False,
        force: bool = False,
    ) -> "Held":
        found = self._open.get((cluster.context, key))
        if found is not None:
            found.use(cluster)
            return found
        claim = Claim(run=run, command=self._effects.command(key), takes_over=takes_over, force=force)
        with interrupts.held():
            lease = self._effects.claims.take(cluster, key, claim)
            held = Held(self._effects, cluster, key, lease, run)
            self._open[cluster.context, key] = held
            held.begin()
        return held


class Held:
    """One Service that is ours, from ``begin`` to ``close``."""

    def __init__(
        self,
        effects: HoldingEffects,
        cluster: HoldableCluster,
        key: ServiceKey,
        lease: Lease | None,
        run: str,
    ) -> None:
        """*lease* is None where Leases are forbidden: then only this machine knows of it."""
        self._effects = effects
        self._cluster = cluster
        self._key = key
        self._lease = lease
        self._run = run
        self._original = lease.original if lease is not None else None
        self._before: RoutingSettings | None = None
        self._lost: LostHoldError | None = None
        self._is_told = False
        self._renewed_s = effects.monotonic()
        self._gap_s = 0.0
        self._is_away = False
        """Whether the newest heartbeat did not come through, so far."""
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"lease of {key}", daemon=True)

    def begin(self) -> None:
        """Take up an earlier record, and let the heart beat."""
        if self._original is None:
            self._original = self._effects.records.recall(self._cluster.context, self._key)
        if self._lease is not None:
            self._heart.start()

    def use(self, cluster: HoldableCluster) -> None:
        """Go on with a connection that was opened later: credentials change in the course of hours."""
        self._cluster = cluster

    @property
    def command(self) -> str:
        """What a person types to have the Service put back."""
        return self._effects.command(self._key)

    @property
    def original(self) -> Original | None:
        """What the Service had before the first of our changes; None where nothing is recorded."""
        return self._original

    @property
    def trouble(self) -> tuple[str, ...]:
        """What a run has to say about how it held its Service: sentences, none where all was well."""
        found = []
        if self._lease is None:
            found.append(
                f"Leases are forbidden in namespace {self._key.namespace}: another machine would not have "
                f"noticed this run of Service {self._key}."
            )
        now_gap_s = self._effects.monotonic() - self._renewed_s if self._is_away else 0.0
        longest_s = max(self._gap_s, now_gap_s)
        if self._lease is not None and longest_s > self._effects.claims.duration_s:
            found.append(
                f"The {self._lease.title} was not renewed for {longest_s:.0f} s, because the API server did "
                "not answer: meanwhile another run could have taken the Service."
            )
        if self._lost is not None:
            found.append(f"{self._lost}.")
        return tuple(found)

    def check(self) -> None:
        """LostHoldError where the Service is not ours any more."""
        if self._lost is not None:
            raise self._lost

    def remember(self, before: RoutingSettings) -> None:
        """Write down what the Service has, before it is changed; an earlier record goes on.

        Raises what says why it cannot be written; nothing may be changed then.
        """
        self._before = before
        if self._original is None:
            now_s = self._effects.clock()
            self._record(Original(had=before, ours=(before,), run=self._run, since_s=now_s))
        else:
            self._record(taken_up(self._original, before))

    def note(self, current: RoutingSettings, wanted: RoutingSettings) -> None:
        """Write down what is going to be set; a ``control.Note``."""
        if self._original is not None:
            self._record(noted(self._original, current, wanted))

    def give_back(
        self, target: RoutingSettings | None = None, *, force: bool = False
    ) -> tuple[ChangedKnob, ...]:
        """Put back what was there before (or *target*); the knobs that stay as somebody else set them.

        UnreachableError, which names what to type later, where the API server is away for too long;
        InvalidRunError where the Service is not ours any more, or gone.
        """
        target = target or self._before
        if target is None:
            return ()
        doing = f"putting back what Service {self._key} had"
        until_s = self._effects.monotonic() + GIVE_BACK_S
        while True:
            try:
                self._check_not_taken(doing)
                return self._give_back(target, force=force)
            except NotFoundError as error:
                raise InvalidRunError(f"{doing}: it is gone, and its settings with it ({error})") from error
            except (UnreachableError, OSError, KeyboardInterrupt) as error:
                if self._effects.monotonic() >= until_s:
                    self._is_told = True
                    why = str(error) or "interrupted"
                    raise UnreachableError(
                        f"{doing}: {why}; what it had is kept on record; when the cluster answers again, "
                        f"run: {self.command}"
                    ) from error
            self._effects.sleep(_AGAIN_S)

    def close(self) -> None:
        """Let the Service go; the record stays exactly as long as the Service has not what it had."""
        self._ended.set()
        if self._heart.is_alive():
            self._heart.join()
        for _ in range(_ATTEMPTS):
            try:
                self._let_go()
            except KeyboardInterrupt:
                continue  # a Lease that is left would lock everybody out
            except (SamezoneError, OSError) as error:
                self._say_kept(error)
            return
        self._say_kept(InterruptedRunError(f"interrupted {_ATTEMPTS} times"))

    def _let_go(self) -> None:
        if self._is_back():
            self._drop()
            self._effects.records.forget(self._cluster.context, self._key)
        else:
            self._release()

    def _say_kept(self, error: Exception) -> None:
        if not self._is_told:
            self._effects.say(
                f"letting Service {self._key} go: {error}; what it had is kept on record; before the "
                f"next run: {self.command}"
            )

    def _give_back(self, target: RoutingSettings, *, force: bool) -> tuple[ChangedKnob, ...]:
        ours = (target,) if self._original is None else self._original.ours
        decided: list[Restoration] = []

        def wanted(current: RoutingSettings) -> RoutingSettings:
            decided.append(restoration(current, target=target, ours=ours, force=force))
            return decided[-1].wanted

        control.change(self._cluster, self._key, wanted)
        found = settings_of(self._cluster.service(self._key))
        if found == wanted(found):
            return decided[-1].changed
        raise ConflictError(f"Service {self._key} was changed again at once")

    def _is_back(self) -> bool:
        if self._original is None:
            return True
        try:
            return settings_of(self._cluster.service(self._key)) == self._original.had
        except NotFoundError:
            return True

    def _record(self, original: Original) -> None:
        with interrupts.held():  # in both places, or in none
            self._effects.records.remember(self._cluster.context, self._key, original)
            before, self._original = self._original, original
            try:
                self._write(lambda lease: replace(lease, original=original))
            except SamezoneError:
                self._original = before
                raise

    def _beat(self) -> None:
        while not self._ended.wait(self._effects.claims.renew_s):
            before_s, self._is_away = self._renewed_s, True
            try:
                self._write(lambda lease: lease)
            except LostHoldError:
                return
            except SamezoneError:
                continue  # the gap tells, once it is long enough to matter
            self._is_away = False
            self._gap_s = max(self._gap_s, self._renewed_s - before_s)

    def _write(self, change: Callable[[Lease], Lease]) -> None:
        """Replace our Lease, and renew it with that; LostHoldError where it is not ours any more."""
        with self._lock:
            self.check()
            lease = self._lease
            while lease is not None:
                renewed = replace(change(lease), renewed_s=self._effects.clock())
                try:
                    self._lease = leases.write(self._cluster, renewed)
                except ConflictError:
                    lease = replace(self._still_ours(lease), original=lease.original)
                    continue
                self._renewed_s = self._effects.monotonic()
                return

    def _still_ours(self, lease: Lease) -> Lease:
        """The Lease as it is now; LostHoldError where it is another's, or nobody's."""
        found = leases.read(self._cluster, self._key)
        if found is not None and found.holder == lease.holder:
            return found
        if found is None:
            by = f"its {lease.title} is deleted"
        elif found.holder is None:
            by = f"its {lease.title} was taken and let go again"
        else:
            by = f"{found.holder.identity} took it ({found.run})"
        self._lost = LostHoldError(f"Service {self._key} is not this run's any more: {by}")
        raise self._lost

    def _check_not_taken(self, doing: str) -> None:
        """InvalidRunError where another process holds the Service now: what it has is theirs."""
        if self._lease is None:
            return
        found = leases.read(self._cluster, self._key)
        if found is not None and found.holder is not None and found.holder != self._lease.holder:
            raise InvalidRunError(
                f"{doing}: {found.holder.identity} has taken it ({found.run}), so it is left to them"
            )

    def _drop(self) -> None:
        with self._lock:
            if self._lost is None and self._lease is not None:
                self._effects.claims.drop(self._cluster, self._lease)

    def _release(self) -> None:
        with self._lock:
            if self._lost is None and self._lease is not None:
                now_s = self._effects.clock()
                self._write(lambda lease: leases.released(lease, at_s=now_s))
