"""Which event is written when a controller tells one, as client-go's EventCorrelator decides it (pure).

Source: client-go, tools/record/events_cache.go. An identical event only raises the count of the first; the
tenth that differs in its message alone, within ten minutes of the one before, becomes one of several that
share an event; and of what a source tells of one object no more than a burst is written at once. Difference:
nothing is forgotten, where upstream keeps the last 4096 of each.
"""

from dataclasses import dataclass, field

from k8s.routing.hints import HintsEvent

COMBINED = "(combined from similar events): "
MOST_SIMILAR = 10
"""So many messages of one reason make them similar."""
SIMILAR_S = 600.0
"""Longer after the one before, an event is no more similar to it."""
BURST = 25
"""Writes about one object that are made at once."""
REFILL_S = 300.0
"""After so long there may be one more."""

ObjectKey = tuple[str, str, str]
"""Namespace, name and uid of the object that an event is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """An event as it is to be written: created where *count* is 1, otherwise changed."""

    name: str
    event: HintsEvent
    count: int
    first_s: float
    """When it was first told, in seconds since the epoch, as is *last_s*."""
    last_s: float


@dataclass(slots=True)
class _Similar:
    last_s: float
    messages: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Budget:
    """A bucket of writes that fills up again."""

    last_s: float
    left: float = BURST

    def take(self, now_s: float) -> bool:
        self.left = min(BURST, self.left + (now_s - self.last_s) / REFILL_S)
        self.last_s = now_s
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class Correlator:
    """What one source has told so far."""

    _similar: dict[tuple[ObjectKey, str, str], _Similar] = field(default_factory=dict)
    _observed: dict[tuple[ObjectKey, str, str, str | None], Observed] = field(default_factory=dict)
    _budgets: dict[ObjectKey, _Budget] = field(default_factory=dict)

    def observe(self, about: ObjectKey, event: HintsEvent, now_s: float) -> Observed | None:
        """What to write of an event that is told at *now_s*; None where too much was written lately."""
        message: str | None = event.message
        if self._is_one_of_many(about, event, now_s):
            event = HintsEvent(type=event.type, reason=event.reason, message=COMBINED + event.message)
            message = None
        key = (about, event.type, event.reason, message)
        before = self._observed.get(key)
        found = Observed(
            name=before.name if before else f"{about[1]}.{int(now_s * 1e9):x}",
            event=event,
            count=before.count + 1 if before else 1,
            first_s=before.first_s if before else now_s,
            last_s=now_s,
        )
        self._observed[key] = found
        budget = self._budgets.setdefault(about, _Budget(last_s=now_s))
        return found if budget.take(now_s) else None

    def _is_one_of_many(self, about: ObjectKey, event: HintsEvent, now_s: float) -> bool:
        key = (about, event.type, event.reason)
        similar = self._similar.get(key)
        if similar is None or now_s - similar.last_s > SIMILAR_S:
            similar = self._similar[key] = _Similar(last_s=now_s)
        similar.last_s = now_s
        similar.messages[event.message] = None
        if len(similar.messages) < MOST_SIMILAR:
            return False
        del similar.messages[next(iter(similar.messages))]  # upstream: any of them
        return True
