"""Settings that nobody reads: keys of no release, or the right ones in the wrong place (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from k8s.doctor.place import IndexedPlace
from k8s.model.lookalikes import resembles_knob
from k8s.routing.modes import RoutingMode
from k8s.routing.proxy import OFF_VALUES
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION, PodName, Service

_READ = frozenset({OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayKnob:
    """A setting that has no effect."""

    subject: str
    """The object that carries it, e.g. ``Service shop/shop``."""
    part: str
    """``annotations`` or ``labels``, or both words where a pod's was not told apart."""
    key: str
    value: str

    @property
    def on_service(self) -> bool:
        """Whether it stands on the Service."""
        return self.subject.startswith("Service ")

    @property
    def means(self) -> RoutingMode:
        """What is evidently meant."""
        flat = self.key.lower().replace("-", "").replace("_", "")
        return RoutingMode.PREFER_SAME_ZONE if "trafficdistribution" in flat else RoutingMode.TAR


def stray_knobs(place: IndexedPlace, service: Service) -> tuple[StrayKnob, ...]:
    """Those on the Service, else those on pods that it selects."""
    found = tuple(_on_service(service))
    return found or tuple(_on_pods(place, service))


def _on_service(service: Service) -> Iterator[StrayKnob]:
    subject = f"Service {service.key}"
    for key, value in service.annotations:
        if key not in _READ and resembles_knob(key) and value not in OFF_VALUES:
            yield StrayKnob(subject=subject, part="annotations", key=key, value=value)
    for key, value in service.labels:
        if resembles_knob(key) and value not in OFF_VALUES:
            yield StrayKnob(subject=subject, part="labels", key=key, value=value)


def _on_pods(place: IndexedPlace, service: Service) -> Iterator[StrayKnob]:
    selector = set(service.selector)
    if not selector:
        return
    for pod in place.knobbed:
        if pod.namespace == service.namespace and selector <= set(pod.labels):
            for key, value in pod.knobs:
                if value not in OFF_VALUES:
                    yield StrayKnob(
                        subject=f"Pod {pod.namespace}/{PodName(pod.name)}",
                        part="annotations or labels",
                        key=key,
                        value=value,
                    )
