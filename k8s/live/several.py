"""Several Services held, switched and put back as one.

All are taken before the first is changed, in one fixed order, so that of two commands that want the same
Services one gets them all; whatever breaks in between, each is put back, and each is named.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from k8s.effects import Patience
from k8s.errors import SamezoneError, UnreachableError
from k8s.live import control, switching
from k8s.live.control import HintsOutcome
from k8s.live.holding import Held, HoldableCluster, Holds
from k8s.live.switching import RoutingSession, SwitchRequest
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode, RoutingSettings, mode_of, settings_of
from k8s.routing.restoring import ChangedKnob
from k8s.topology import ServiceKey

T = TypeVar("T")


def switch_services(
    session: RoutingSession, keys: Sequence[ServiceKey], mode: RoutingMode, patience: Patience
) -> dict[ServiceKey, HintsOutcome]:
    """Put a mode in force on all of these Services and wait for its hints on each, as ``switch`` does on one.

    Unlike there, HintsRefusedError leaves no mode behind: where one of several is refused, each has again
    what it had.
    """
    if len(keys) == 1:
        request = SwitchRequest(service=keys[0], mode=mode, patience=patience)
        return {keys[0]: switching.switch(session, request)}
    cluster = session.cluster
    found = {key: cluster.service(key) for key in keys}
    check_services(session.holds, cluster, keys)
    changes = [f"Service  {key}: from {mode_of(one).value} to {mode.value}" for key, one in found.items()]
    session.talk.agree(
        ("this changes a cluster:", f"context  {cluster.context} (API server {cluster.server})", *changes)
    )
    with held_services(session.holds, cluster, keys, run=f"routing set {mode.value}") as held:
        for key in keys:
            held.remember(key, settings_of(cluster.service(key)))
        try:
            return _switched(session, keys, mode, patience, held)
        except (SamezoneError, OSError, KeyboardInterrupt):
            with interrupts.held():
                held.give_back()
            raise


def _switched(
    session: RoutingSession,
    keys: Sequence[ServiceKey],
    mode: RoutingMode,
    patience: Patience,
    held: "HeldServices",
) -> dict[ServiceKey, HintsOutcome]:
    cluster, applied = session.cluster, {}
    for key in keys:
        applied[key] = control.set_mode(cluster, key, mode, patience, note=partial(held.note, key))
        for warning in applied[key].warnings:
            session.talk.say(f"warning: {warning}")
    return {
        key: switching.require_hints(
            cluster,
            key,
            mode,
            events_before=one.events_before,
            patience=patience,
            doing=f"routing set {mode.value} on Service {key}",
            afterwards="every Service has again what it had",
        )
        for key, one in applied.items()
    }


@contextmanager
def held_services(
    holds: Holds, cluster: HoldableCluster, keys: Sequence[ServiceKey], *, run: str
) -> Iterator["HeldServices"]:
    """All of these Services are ours, for *run*.

    HeldByOtherError, with nothing changed and none of them held, where another process has one of them.
    """
    with holds.together(), ExitStack() as stack:
        each = {key: stack.enter_context(holds.held(cluster, key, run=run)) for key in sorted(keys, key=str)}
        yield HeldServices(each={key: each[key] for key in keys})


def check_services(holds: Holds, cluster: HoldableCluster, keys: Sequence[ServiceKey]) -> None:
    """HeldByOtherError where ``held_services`` would raise it now; changes nothing."""
    for key in sorted(keys, key=str):
        holds.check(cluster, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldServices:
    """Services that are ours, in the order in which they were asked for."""

    each: Mapping[ServiceKey, Held]

    @property
    def trouble(self) -> tuple[str, ...]:
        """What a run has to say about how it held them: sentences, none where all was well."""
        return tuple(dict.fromkeys(text for held in self.each.values() for text in held.trouble))

    def check(self) -> None:
        """LostHoldError where one of them is not ours any more."""
        for held in self.each.values():
            held.check()

    def remember(self, key: ServiceKey, before: RoutingSettings) -> None:
        """Write down what that one has, before any of them is changed."""
        self.each[key].remember(before)

    def note(self, key: ServiceKey, current: RoutingSettings, wanted: RoutingSettings) -> None:
        """Write down what is going to be set on that one."""
        self.each[key].note(current, wanted)

    def give_back(
        self, targets: Mapping[ServiceKey, RoutingSettings] | None = None
    ) -> dict[ServiceKey, tuple[ChangedKnob, ...]]:
        """Put back what each had (or its target); by Service, the knobs that stay as somebody set them.

        Each is tried, whatever becomes of the others. Raises what the one raised that could not be put back;
        UnreachableError, with all that was said, where there are several.
        """

        def put(key: ServiceKey) -> tuple[ChangedKnob, ...]:
            return self.each[key].give_back(None if targets is None else targets[key])

        return each_of(list(self.each), put)


def each_of(keys: Sequence[ServiceKey], do: Callable[[ServiceKey], T]) -> dict[ServiceKey, T]:
    """What *do* returns for each of them: each is tried, whatever the others raised, which is raised then."""
    done: dict[ServiceKey, T] = {}
    failed: list[SamezoneError | OSError] = []
    interruption: KeyboardInterrupt | None = None
    for key in keys:
        try:
            done[key] = do(key)
        except KeyboardInterrupt as stopped:
            interruption = stopped
        except (SamezoneError, OSError) as error:
            failed.append(error)
    if interruption is not None:
        raise interruption
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise UnreachableError("; ".join(map(str, failed))) from failed[0]
    return done
