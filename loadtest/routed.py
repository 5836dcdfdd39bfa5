"""The Services of a run: all get its mode together, and each is looked at for itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from k8s.effects import Patience
from k8s.live import control, switching
from k8s.live.control import Applied
from k8s.routing.modes import RoutingMode, RoutingSettings
from k8s.topology import Event, HintsSeen, ServiceKey, Snapshot
from loadtest.record import Asked, ServiceSeen

NoteOf = Callable[[ServiceKey, RoutingSettings, RoutingSettings], None]
"""Called before each change of a Service with what it has and is to have."""


@dataclass(slots=True, kw_only=True)
class Routed:
    """A Service that got the mode, and what is known of it so far."""

    key: ServiceKey
    applied: Applied
    hints_start: HintsSeen
    hints_end: HintsSeen | None = None
    """As read after the load; until then the newest snapshot has them."""
    events: tuple[Event, ...] = ()

    def seen(self, snapshots: Sequence[Snapshot]) -> ServiceSeen:
        """As it stands now."""
        return ServiceSeen(
            service_before=self.applied.service_before,
            service_during=self.applied.service,
            hints_start=self.hints_start,
            hints_end=self.hints_end or self._newest_hints(snapshots),
            events=self.events,
        )

    def _newest_hints(self, snapshots: Sequence[Snapshot]) -> HintsSeen:
        if not snapshots:
            return self.hints_start
        key = (self.key.namespace, self.key.name)
        mine = [one for one in snapshots[-1].slices if (one.namespace, one.service) == key]
        return control.hints_seen(mine, at_s=snapshots[-1].taken_at_s)


def set_modes(
    cluster: control.Cluster, asked: Asked, patience: Patience, *, note: NoteOf
) -> tuple[Routed, ...]:
    """Set the mode on every Service, then wait for its hints on each.

    HintsRefusedError, which names the Service, where they do not come on one of them; the caller puts all of
    them back.
    """
    mode = RoutingMode(asked.mode)
    applied = {
        key: control.set_mode(cluster, key, mode, patience, note=partial(note, key)) for key in asked.services
    }
    return tuple(
        Routed(
            key=key,
            applied=one,
            hints_start=switching.require_hints(
                cluster,
                key,
                mode,
                events_before=one.events_before,
                patience=patience,
                doing=f"setting {mode.value} on Service {key}",
                afterwards="every Service is as it was" if asked.also else "the Service is as it was",
            ).hints,
        )
        for key, one in applied.items()
    )
