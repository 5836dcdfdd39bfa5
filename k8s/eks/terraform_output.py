"""What Terraform says, as values: a plan, its outputs, the events of a run, the reason why it failed.

Source: https://developer.hashicorp.com/terraform/internals/json-format and .../machine-readable-ui.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from k8s.eks.prices import Goods
from k8s.errors import UnreachableError
from k8s.model.objects import Raw

_SHOWN_EVERY_S: Final = 60
"""Terraform says every ten seconds that it still works on a resource; a cluster takes it ten minutes."""
_BOX = re.compile(r"^[\s│╷╵]+")
_PLAIN_ERROR = re.compile(r"^Error: (.+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """The nodes of one zone."""

    name: str
    size: int
    instance_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """What a plan would do: addresses of resources."""

    made: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    replaced: tuple[str, ...]
    """Removed and made anew; in no other list."""

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return not (self.made or self.changed or self.removed or self.replaced)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCluster:
    """The cluster that a plan leads to."""

    name: str
    account: str
    zones: tuple[str, ...]
    groups: tuple[NodeGroup, ...]
    open_to: tuple[str, ...]
    """Who may reach the API endpoint from outside its VPC."""
    goods: Goods


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The module's outputs that the verbs use."""

    cluster: str
    region: str
    endpoint: str
    kubeconfig_command: str
    place_env: tuple[tuple[str, str], ...]
    """Key and value of each line for the manifests' place.env."""


def change(plan: Raw) -> PlannedChange:
    """What ``terraform show -json PLAN`` would do."""
    by_action: dict[str, list[str]] = {"create": [], "update": [], "delete": [], "replace": []}
    for resource in plan.get("resource_changes", []):
        actions = resource["change"]["actions"]
        kind = "replace" if len(actions) > 1 else actions[0]
        if kind in by_action and resource.get("mode") == "managed":
            by_action[kind].append(resource["address"])
    return PlannedChange(
        made=tuple(by_action["create"]),
        changed=tuple(by_action["update"]),
        removed=tuple(by_action["delete"]),
        replaced=tuple(by_action["replace"]),
    )


def cluster(plan: Raw) -> PlannedCluster:
    """The cluster that ``terraform show -json PLAN`` leads to."""
    by_type: dict[str, list[Raw]] = {}
    for resource in plan["planned_values"]["root_module"]["resources"]:
        by_type.setdefault(resource["type"], []).append(resource["values"])
    (control_plane,) = by_type["aws_eks_cluster"]
    (template,) = by_type["aws_launch_template"]
    disk_gb = sum(one["ebs"][0]["volume_size"] for one in template["block_device_mappings"])
    groups = tuple(
        NodeGroup(
            name=one["node_group_name"],
            size=one["scaling_config"][0]["desired_size"],
            instance_type=one["instance_types"][0],
        )
        for one in by_type["aws_eks_node_group"]
    )
    nodes: Counter[str] = Counter()
    for group in groups:
        nodes[group.instance_type] += group.size
    (network,) = control_plane["vpc_config"]
    return PlannedCluster(
        name=control_plane["name"],
        account=_account(plan),
        zones=tuple(plan["planned_values"]["outputs"]["zones"]["value"]),
        groups=groups,
        open_to=tuple(network["public_access_cidrs"] or ()) if network["endpoint_public_access"] else (),
        goods=Goods(
            region=plan["variables"]["region"]["value"],
            kubernetes_version=control_plane["version"],
            nodes=tuple(sorted((kind, count) for kind, count in nodes.items() if count)),
            disk_gb=disk_gb * nodes.total(),
            nat_gateways=len(by_type.get("aws_nat_gateway", [])),
            public_ipv4=len(by_type.get("aws_eip", [])),
            keys=len(by_type.get("aws_kms_key", [])),
        ),
    )


def _account(plan: Raw) -> str:
    known = plan.get("prior_state", {}).get("values", {}).get("root_module", {}).get("resources", [])
    for resource in known:
        if resource["address"] == "data.aws_caller_identity.current":
            return str(resource["values"]["account_id"])
    return "unknown"


def outputs(text: str) -> Outputs:
    """Outputs from ``terraform output -json``; UnreachableError where an unfinished apply left one out."""
    values = {name: one["value"] for name, one in json.loads(text).items()}
    try:
        lines = [line.partition("=") for line in values["place_env"].splitlines()]
        return Outputs(
            cluster=values["cluster_name"],
            region=values["region"],
            endpoint=values["cluster_endpoint"],
            kubeconfig_command=values["kubeconfig_command"],
            place_env=tuple((key, value) for key, _, value in lines),
        )
    except KeyError as error:
        raise UnreachableError(
            f"terraform output: {error.args[0]} is not there: the cluster is not finished; run: make cluster"
        ) from None


def progress(line: str) -> str | None:
    """What to show of one line of ``terraform apply -json``; None: nothing."""
    event = _event(line)
    if event.get("hook", {}).get("action") == "read":
        return None
    match event.get("type"):
        case "apply_complete" | "apply_errored":
            return str(event["@message"])
        case "apply_progress" if event["hook"].get("elapsed_seconds", 0) % _SHOWN_EVERY_S == 0:
            return str(event["@message"])
    return None


def last_error(log: str) -> str:
    """The reason of a failure in one line, from a log with or without ``-json``."""
    found = ""
    for line in log.splitlines():
        event = _event(line)
        if event.get("type") == "diagnostic" and event["diagnostic"]["severity"] == "error":
            detail = event["diagnostic"].get("detail", "").strip().partition("\n")[0]
            found = ": ".join(part for part in (event["diagnostic"]["summary"].strip(), detail) if part)
    if found:
        return " ".join(found.split())
    plain = "\n".join(_BOX.sub("", line) for line in log.splitlines())
    errors = _PLAIN_ERROR.findall(plain)
    if errors:
        return str(errors[-1]).strip()
    return next((line for line in reversed(plain.splitlines()) if line.strip()), "it said nothing")


def _event(line: str) -> Raw:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
