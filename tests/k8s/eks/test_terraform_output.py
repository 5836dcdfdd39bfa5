"""Terraform's words as values."""

import json

import pytest

from k8s.eks import terraform_output
from k8s.errors import UnreachableError
from tests.infra.standins import PLAN

BOXED = """
Initializing the backend...
╷
│ Error: Failed to query available provider packages
│\x20
│ Could not retrieve the list of available versions
╵
"""


def test_the_cluster_of_a_plan():
    """Names, nodes by zone, who reaches the API, and what is paid for."""
    cluster = terraform_output.cluster(PLAN)

    assert (cluster.name, cluster.account) == ("tar-demo-cluster", "111122223333")
    assert [(group.name, group.size) for group in cluster.groups] == [
        ("zone-eu-west-1a", 3),
        ("zone-eu-west-1b", 2),
        ("zone-eu-west-1c", 0),
    ]
    assert cluster.open_to == ("203.0.113.7/32",)
    assert cluster.goods.nodes == (("m6i.2xlarge", 3), ("m6i.xlarge", 2))
    assert (cluster.goods.disk_gb, cluster.goods.nat_gateways, cluster.goods.public_ipv4) == (200, 1, 1)


def test_the_changes_of_a_plan():
    """A replacement is neither made nor removed, and reading data is nothing."""
    actions = {
        "a": ["create"],
        "b": ["update"],
        "c": ["delete"],
        "d": ["delete", "create"],
        "e": ["create", "delete"],
        "f": ["no-op"],
    }
    changes = [
        {"address": name, "mode": "managed", "change": {"actions": kinds}} for name, kinds in actions.items()
    ]
    reads = [{"address": "data.x", "mode": "data", "change": {"actions": ["read"]}}]

    assert terraform_output.change({"resource_changes": changes + reads}) == terraform_output.PlannedChange(
        made=("a",), changed=("b",), removed=("c",), replaced=("d", "e")
    )
    assert terraform_output.change({}).is_empty


def test_outputs_of_an_unfinished_cluster_say_what_to_do():
    """A missing output names itself."""
    with pytest.raises(UnreachableError, match="place_env is not there: the cluster is not finished"):
        terraform_output.outputs("{}")


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (BOXED, "Failed to query available provider packages"),
        ("", "it said nothing"),
        ("one\ntwo\n\n", "two"),
        (
            "\n".join(
                json.dumps({"type": "diagnostic", "diagnostic": {"severity": severity} | rest})
                for severity, rest in [
                    ("error", {"summary": "first", "detail": "why"}),
                    ("error", {"summary": "creating EKS Cluster (x)", "detail": "\n quota\nmore"}),
                    ("warning", {"summary": "old", "detail": "later"}),
                ]
            ),
            "creating EKS Cluster (x): quota",
        ),
    ],
    ids=["boxed", "empty", "plain", "json"],
)
def test_the_last_error_in_one_line(log: str, expected: str):
    """From diagnostics, else from the boxes Terraform draws, else the last line."""
    assert terraform_output.last_error(log) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "apply_complete", "@message": "made", "hook": {"action": "create"}}, "made"),
        ({"type": "apply_complete", "@message": "read", "hook": {"action": "read"}}, None),
        ({"type": "apply_progress", "@message": "still", "hook": {"elapsed_seconds": 50}}, None),
        ({"type": "apply_progress", "@message": "still", "hook": {"elapsed_seconds": 120}}, "still"),
        ({"type": "version", "@message": "Terraform 1.11.4"}, None),
        ([1], None),
    ],
)
def test_what_is_shown_while_terraform_works(event: object, expected: str | None):
    """What ended, and once a minute what still goes on."""
    assert terraform_output.progress(json.dumps(event)) == expected


def test_lines_that_are_no_events_are_not_shown():
    """Warnings about the CLI configuration are for the log."""
    assert terraform_output.progress("There are some problems with the CLI configuration:") is None
