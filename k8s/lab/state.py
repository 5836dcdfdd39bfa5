"""The lab's state file: what runs, where it answers, and what became of it.

The supervisor writes it whenever something changes, under another name first; everybody else reads it here.
"""

import os
import shlex
import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from k8s.errors import UnreachableError
from k8s.lab.design.layout import LabPod
from k8s.lab.design.settings import LabSettings
from k8s.lab.processes import ProcessId, is_running
from k8s.topology import NodeName, PodName, ServiceKey, Zone

SCHEMA = 1
STATE_FILE = "state.json"
KUBECONFIG_FILE = "kubeconfig"
ENV_FILE = "env"
PROMETHEUS_DIR = "prometheus"
LOG_DIR = "logs"
_OWNERS = 0o600
CONTEXT = "samezone-lab"
"""Context and cluster in the kubeconfig."""


class Phase(StrEnum):
    """How far the lab is."""

    STARTING = "starting"
    UP = "up"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node and its relay."""

    name: NodeName
    number: int
    zone: Zone
    ip: str
    relay_admin_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """Where a Service answers the clients of one node."""

    service: ServiceKey
    node: NodeName
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """A pod of the lab's own."""

    namespace: str
    name: PodName
    node: NodeName
    zone: Zone
    ip: str
    ready: bool = False
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildState:
    """A process of the lab."""

    name: str
    process: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """Which process ended that the lab cannot do without."""

    name: str
    how: str
    """``exit code 1``, ``signal SIGKILL``."""
    log_lines: tuple[str, ...] = ()
    """The last ones it wrote."""

    def __str__(self) -> str:
        last = f": {self.log_lines[-1]}" if self.log_lines else ""
        return f"{self.name} ended ({self.how}){last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """A lab that was started."""

    schema: int = SCHEMA
    phase: Phase
    supervisor: ProcessId
    created_at_s: float
    """Seconds since the epoch."""
    settings: LabSettings
    octet: int
    """The second octet of all its addresses but the API server's and X-Ray's."""
    api_url: str
    xray_url: str
    """AWS X-Ray's API; the same server takes OTLP."""
    prometheus_url: str | None = None
    """The Prometheus that scrapes the relays; None where the lab was started without one."""
    prometheus_restarts: int = 0
    token: str = field(default="", repr=False)
    """The key to the API server and to the stand-in's controls."""
    nodes: tuple[NodeState, ...] = ()
    services: tuple[ServiceState, ...] = ()
    pods: tuple[PodState, ...] = ()
    children: tuple[ChildState, ...] = ()
    crash: Crash | None = None

    @property
    def otlp_url(self) -> str:
        """Where spans go, as OTLP over HTTP."""
        return f"{self.xray_url}/v1/traces"

    @property
    def region(self) -> str:
        """The AWS region the lab plays."""
        return self.settings.region

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones, in the order of the settings."""
        return self.settings.zones

    @property
    def state_dir(self) -> Path:
        """Where this state was written."""
        return Path(self.settings.state_dir)

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file; its context is CONTEXT."""
        return self.state_dir / KUBECONFIG_FILE

    @property
    def prometheus_dir(self) -> Path:
        """Configuration and samples of its Prometheus."""
        return self.state_dir / PROMETHEUS_DIR

    @property
    def env(self) -> dict[str, str]:
        """The environment that points kubectl, boto3 and the AWS CLI at the lab."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "SAMEZONE_LAB_TOKEN": self.token,
            "AWS_ENDPOINT_URL_XRAY": self.xray_url,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": self.xray_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "samezone",
            "AWS_SECRET_ACCESS_KEY": "samezone",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def relay_admin_urls(self) -> tuple[str, ...]:
        """Where the relays answer about themselves, node by node."""
        return tuple(node.relay_admin_url for node in self.nodes)

    def node(self, name: NodeName) -> NodeState:
        """The node of that name; UnreachableError names the ones there are."""
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise UnreachableError(f"the lab has no node {name}; it has {known}")

    def service_url(self, node: NodeName, service: ServiceKey) -> str:
        """The base URL of *service* for clients on *node*; UnreachableError names what is not there."""
        for one in self.services:
            if (one.node, one.service) == (node, service):
                return one.url
        known = ", ".join(sorted({f"{one.node} {one.service}" for one in self.services}))
        raise UnreachableError(f"the lab has no address of Service {service} on node {node}; it has {known}")


def pod_state(pod: LabPod) -> PodState:
    """A pod that is not ready yet."""
    return PodState(namespace=pod.service.namespace, name=pod.name, node=pod.node, zone=pod.zone, ip=pod.ip)


def read(state_dir: Path) -> LabState | None:
    """The state as written, whether or not it is still true; None if there is none.

    UnreachableError if it cannot be read, with the key that is wrong.
    """
    path = state_dir / STATE_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=LabState)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UnreachableError(
            f"reading the lab's state {path}: {error}; stop what is left of it by hand"
        ) from error


def load(state_dir: Path) -> LabState:
    """The state of a lab that is up; UnreachableError says why it is not, and what to do."""
    state = read(state_dir)
    if state is None:
        raise UnreachableError(
            f"the lab is not up (no state in {state_dir}); start it with: make up (or samezone lab up)"
        )
    if state.crash is not None:
        raise UnreachableError(f"the lab has crashed: {state.crash}; clean up with: samezone lab down")
    if not is_running(state.supervisor):
        raise UnreachableError(
            f"the lab's supervisor (process {state.supervisor.pid}) is gone; clean up with: samezone lab down"
        )
    if state.phase is Phase.STARTING:
        raise UnreachableError("the lab is still starting; ask again in a few seconds")
    return state


def write(state: LabState) -> None:
    """Put the state in its file's place, whole."""
    _keep(state.state_dir / STATE_FILE, msgspec.json.format(msgspec.json.encode(state), indent=1))


def write_access_files(state: LabState) -> None:
    """The kubeconfig, and a file of ``export`` lines for a shell; both are the owner's alone to read."""
    _keep(state.kubeconfig, _kubeconfig(state.api_url, state.token).encode())
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in state.env.items()]
    _keep(state.state_dir / ENV_FILE, "".join(lines).encode())


def remove(state_dir: Path) -> None:
    """Forget the lab; its logs stay."""
    for name in (STATE_FILE, KUBECONFIG_FILE, ENV_FILE):
        (state_dir / name).unlink(missing_ok=True)
    shutil.rmtree(state_dir / PROMETHEUS_DIR, ignore_errors=True)


def last_lines(log: Path, count: int = 5) -> tuple[str, ...]:
    """The last lines of a log; none if it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-count:]


def encode_settings(settings: LabSettings) -> str:
    """Settings as one line of JSON."""
    return msgspec.json.encode(settings).decode()


def decode_settings(text: str) -> LabSettings:
    """What ``encode_settings`` made."""
    return msgspec.json.decode(text, type=LabSettings)


def _keep(path: Path, content: bytes) -> None:
    """Put a file in its place, whole, which nobody else can read at any time."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # what a killed supervisor left: its mode could be another
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNERS), "wb") as file:
        file.write(content)
    new.replace(path)


def _kubeconfig(api_url: str, token: str) -> str:
    # kubectl sends a token over TLS only; the extra it sends always, with the name that it needs for that.
    return f"""\
apiVersion: v1
kind: Config
current-context: {CONTEXT}
clusters:
- name: {CONTEXT}
  cluster:
    server: {api_url}
contexts:
- name: {CONTEXT}
  context:
    cluster: {CONTEXT}
    user: {CONTEXT}
users:
- name: {CONTEXT}
  user:
    token: {token}
    as: {CONTEXT}
    as-user-extra:
      token: [{token}]
"""
