"""Where one Locust worker runs and what it reaches, as a value; it travels in the worker's environment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from k8s.errors import UsageError
from loadtest.worker.target import Target, split_url

OTLP_PATH = "/v1/traces"
NAMESPACE = "locust"
"""Of the load generators' pods."""
APP_LABEL = "app.kubernetes.io/name"
WORKER = "locust-worker"
"""Value of a worker's label; its pods' names begin so."""

_PREFIX = "SAMEZONE_"
_NAMES = {
    "pod": "POD",
    "zone": "ZONE",
    "node": "NODE",
    "target_url": "HOST",
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
    target_url: str
    """The client Service as seen from the worker's node, e.g. ``http://127.100.201.2:8080``."""
    otlp_url: str
    """Where spans go: the collector's address; ``/v1/traces`` is added where it is missing."""
    region: str
    cluster: str
    ip: str = ""
    """The source address of the worker's connections; empty leaves the choice to the kernel."""
    tracing: bool = True
    """Whether requests carry a header of their trace and become spans."""
    lean: bool = True
    """Whether the lean client sends what it can; else Locust's FastHttpUser sends everything."""
    service: str = "ui"
    """The name of the client Service, for a load that names none."""
    ca: str = ""
    """PEM of the certificates to trust, for a load that brings none."""
    hosts: tuple[tuple[str, str], ...] = ()
    """(``name.namespace`` of a Service, ``address:port`` on this node) where no cluster's DNS knows them."""

    def __post_init__(self) -> None:
        split_url(self.target_url, what=f"worker {self.pod}: target_url")
        if not self.otlp_url.startswith("http://"):
            raise UsageError(
                f"worker {self.pod}: otlp_url is {self.otlp_url!r}; give a plain http:// address inside the "
                "cluster"
            )

    @property
    def traces_url(self) -> str:
        """The full address of the OTLP/HTTP traces intake."""
        base = self.otlp_url.rstrip("/")
        return base if base.endswith(OTLP_PATH) else base + OTLP_PATH


def target_of(placement: WorkerPlacement, asked: Target) -> Target:
    """What the worker loads: what is asked for, and for the rest what its place says."""
    return replace(
        asked,
        url=(asked.url or placement.target_url).rstrip("/"),
        ca=asked.ca or placement.ca,
        service=asked.service or placement.service,
    )


def to_environment(placement: WorkerPlacement) -> dict[str, str]:
    """The ``SAMEZONE_*`` variables that tell a worker who it is."""
    named = {_PREFIX + name: str(getattr(placement, field)) for field, name in _NAMES.items()}
    return named | {
        _PREFIX + "SOURCE_IP": placement.ip,
        _PREFIX + "TRACING": "1" if placement.tracing else "0",
        _PREFIX + "LEAN": "1" if placement.lean else "0",
        _PREFIX + "SERVICE": placement.service,
        _PREFIX + "CA": placement.ca,
        _PREFIX + "HOSTS": " ".join(f"{name}={address}" for name, address in placement.hosts),
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
        lean=environment.get(_PREFIX + "LEAN", "1") != "0",
        service=environment.get(_PREFIX + "SERVICE") or "ui",
        ca=environment.get(_PREFIX + "CA", ""),
        hosts=tuple(_pair(one) for one in environment.get(_PREFIX + "HOSTS", "").split()),
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, address = text.partition("=")
    if not (name and equals and ":" in address):
        raise UsageError(f"{_PREFIX}HOSTS has {text!r}; give NAME.NAMESPACE=ADDRESS:PORT")
    return name, address
