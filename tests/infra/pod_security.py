"""The Pod Security Standards' profile "restricted", rule by rule, over raw pods.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/. Rules that concern Windows say
nothing about our pods except that they ask for no HostProcess.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Raw = Mapping[str, Any]
Rule = Callable[[Raw, Raw], bool]
"""Metadata and spec of a pod; True for a violation."""

_VOLUMES: Final = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    }
)
_SELINUX_TYPES: Final = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
_PROFILES: Final = frozenset({"RuntimeDefault", "Localhost"})
_HANDLERS: Final = ("startupProbe", "readinessProbe", "livenessProbe")


def _containers(spec: Raw) -> list[Raw]:
    return [
        one for key in ("initContainers", "containers", "ephemeralContainers") for one in spec.get(key) or ()
    ]


def _context(one: Raw) -> Raw:
    found: Raw = one.get("securityContext") or {}
    return found


def _contexts(spec: Raw) -> Iterator[Raw]:
    yield _context(spec)
    yield from map(_context, _containers(spec))


def _effective(spec: Raw, key: str) -> list[Any]:
    """The value in force for each container: its own, or the pod's."""
    return [_context(one).get(key, _context(spec).get(key)) for one in _containers(spec)]


def _host_process(_metadata: Raw, spec: Raw) -> bool:
    return any((one.get("windowsOptions") or {}).get("hostProcess") for one in _contexts(spec))


def _host_namespaces(_metadata: Raw, spec: Raw) -> bool:
    return any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))


def _privileged(_metadata: Raw, spec: Raw) -> bool:
    return any(_context(one).get("privileged") for one in _containers(spec))


def _host_ports(_metadata: Raw, spec: Raw) -> bool:
    return any(port.get("hostPort") for one in _containers(spec) for port in one.get("ports") or ())


def _host_probes(_metadata: Raw, spec: Raw) -> bool:
    handlers = [
        handler
        for one in _containers(spec)
        for handler in (*(one.get(key) for key in _HANDLERS), *(one.get("lifecycle") or {}).values())
        if isinstance(handler, Mapping)
    ]
    return any(
        (handler.get(kind) or {}).get("host") for handler in handlers for kind in ("httpGet", "tcpSocket")
    )


def _app_armor(metadata: Raw, spec: Raw) -> bool:
    annotated = [
        value
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith("container.apparmor.security.beta.kubernetes.io/")
    ]
    typed = [(one.get("appArmorProfile") or {"type": "RuntimeDefault"})["type"] for one in _contexts(spec)]
    return not set(typed) <= _PROFILES or any(
        value not in ("", "runtime/default") and not value.startswith("localhost/") for value in annotated
    )


def _se_linux(_metadata: Raw, spec: Raw) -> bool:
    options = [one.get("seLinuxOptions") or {} for one in _contexts(spec)]
    return any(
        one.get("type", "") not in _SELINUX_TYPES or one.get("user") or one.get("role") for one in options
    )


def _proc_mount(_metadata: Raw, spec: Raw) -> bool:
    return any(_context(one).get("procMount", "Default") != "Default" for one in _containers(spec))


def _sysctls(_metadata: Raw, spec: Raw) -> bool:
    return any(one["name"] not in _SYSCTLS for one in _context(spec).get("sysctls") or ())


def _volume_types(_metadata: Raw, spec: Raw) -> bool:
    """Host paths, which the baseline forbids already, among them."""
    return any(not set(one) - {"name"} <= _VOLUMES or len(one) == 1 for one in spec.get("volumes") or ())


def _escalation(_metadata: Raw, spec: Raw) -> bool:
    return any(_context(one).get("allowPrivilegeEscalation") is not False for one in _containers(spec))


def _root_allowed(_metadata: Raw, spec: Raw) -> bool:
    return any(value is not True for value in _effective(spec, "runAsNonRoot"))


def _root_user(_metadata: Raw, spec: Raw) -> bool:
    return any(one.get("runAsUser") == 0 for one in _contexts(spec))


def _seccomp(_metadata: Raw, spec: Raw) -> bool:
    chosen = [(value or {}).get("type") for value in _effective(spec, "seccompProfile")]
    named = [one["seccompProfile"].get("type") for one in _contexts(spec) if one.get("seccompProfile")]
    return not {*chosen, *named} <= _PROFILES


def _capabilities(_metadata: Raw, spec: Raw) -> bool:
    found = [_context(one).get("capabilities") or {} for one in _containers(spec)]
    return any(
        "ALL" not in (one.get("drop") or ()) or not set(one.get("add") or ()) <= {"NET_BIND_SERVICE"}
        for one in found
    )


RULES: Final[Mapping[str, Rule]] = {
    "HostProcess": _host_process,
    "Host namespaces": _host_namespaces,
    "Privileged containers": _privileged,
    "Host ports": _host_ports,
    "Host probes and lifecycle hooks": _host_probes,
    "AppArmor": _app_armor,
    "SELinux": _se_linux,
    "/proc mount type": _proc_mount,
    "Sysctls": _sysctls,
    "Volume types": _volume_types,
    "Privilege escalation": _escalation,
    "Running as non-root": _root_allowed,
    "Running as non-root user": _root_user,
    "Seccomp": _seccomp,
    "Capabilities": _capabilities,
}
"""By the names that the standard gives them; capabilities and seccomp in their restricted form."""


def violations(metadata: Raw, spec: Raw) -> set[str]:
    """The names of the rules that a pod breaks."""
    return {name for name, is_broken in RULES.items() if is_broken(metadata, spec)}
