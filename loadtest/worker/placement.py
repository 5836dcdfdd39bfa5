"""Where one Locust worker runs and what it reaches, as a value; it travels in the worker's environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from k8s.errors import UsageError

OTLP_PATH = "/v1/traces"

_PREFIX = "SAMEZONE_"
_NAMES = {
    "pod": "POD",
    "zone": "ZONE",
    "node": "NODE",
    "ui_url": "HOST",
    "otlp_url": "OTLP_URL",
    "region": "REGION",
    "cluster": "CLUSTER",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlacement:
    """One worker: which pod it plays, where it is, and the addresses as seen from its node."""

    pod: str
    """The worker's pod name; also the name of its node in the X-Ray graph."""
    zone: str
    node: str
    ui_url: str
    """The ui Service as seen from the worker's node, e.g. ``http://127.100.201.2:8080``."""
    otlp_url: str
    """Where spans go: the collector's address; ``/v1/traces`` is added where it is missing."""
    region: str
    cluster: str
    ip: str = ""
    """The source address of the worker's connections; empty leaves the choice to the kernel."""
    tracing: bool = True
    """Whether requests carry a ``traceparent`` header and become spans."""

    def __post_init__(self) -> None:
        for name, url in (("ui_url", self.ui_url), ("otlp_url", self.otlp_url)):
            if not url.startswith("http://"):
                raise UsageError(
                    f"worker {self.pod}: {name} is {url!r}; give a plain http:// address inside the cluster"
                )

    @property
    def traces_url(self) -> str:
        """The full address of the OTLP/HTTP traces intake."""
        base = self.otlp_url.rstrip("/")
        return base if base.endswith(OTLP_PATH) else base + OTLP_PATH


def to_environment(placement: WorkerPlacement) -> dict[str, str]:
    """The ``SAMEZONE_*`` variables that tell a worker who it is."""
    named = {_PREFIX + name: str(getattr(placement, field)) for field, name in _NAMES.items()}
    return named | {
        _PREFIX + "SOURCE_IP": placement.ip,
        _PREFIX + "TRACING": "1" if placement.tracing else "0",
    }


def from_environment(environment: Mapping[str, str]) -> WorkerPlacement:
    """Read the ``SAMEZONE_*`` variables; raises UsageError that names the missing ones."""
    missing = [_PREFIX + name for name in _NAMES.values() if not environment.get(_PREFIX + name)]
    if missing:
        raise UsageError(f"a Locust worker needs the environment variables {', '.join(missing)}")
    return WorkerPlacement(
        **{field: environment[_PREFIX + name] for field, name in _NAMES.items()},
        ip=environment.get(_PREFIX + "SOURCE_IP", ""),
        tracing=environment.get(_PREFIX + "TRACING", "1") != "0",
    )
