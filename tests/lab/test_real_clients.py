"""The seed article's commands, typed into real kubectl and the real AWS CLI."""

import json
import time

import pytest

from tests.lab.conftest import Lab

pytestmark = pytest.mark.lab


def test_the_articles_commands(lab: Lab):
    """Annotate, look at the slices, the events and the zones: as printed."""
    annotated = lab.tool(
        "kubectl", "-n", "catalog", "annotate", "svc", "catalog", "service.kubernetes.io/topology-mode=Auto"
    )
    assert annotated.returncode == 0, annotated.stderr
    assert "service/catalog annotated" in annotated.stdout
    try:
        slices = ""
        for _ in range(50):
            slices = lab.tool(
                *("kubectl", "get", "endpointslices", "-l", "kubernetes.io/service-name=catalog"),
                *("-n", "catalog", "-o", "yaml"),
            ).stdout
            if "forZones" in slices:
                break
            time.sleep(0.1)
        assert slices.count("forZones") == 6
        events = lab.tool("kubectl", "get", "events", "-n", "catalog").stdout
        assert "TopologyAwareHintsEnabled" in events
        nodes = lab.tool("kubectl", "get", "nodes", "-L", "topology.kubernetes.io/zone").stdout
        assert [line.split()[-1] for line in nodes.splitlines()] == [
            "ZONE",
            "eu-west-1a",
            "eu-west-1b",
            "eu-west-1c",
        ]
    finally:
        lab.tool(
            *("kubectl", "-n", "catalog", "annotate", "svc", "catalog"),
            "service.kubernetes.io/topology-mode-",
        )


def test_aws_cli_prints_the_graph(lab: Lab):
    """Aws xray get-service-graph against the stand-in, after some load."""
    began = int(time.time())
    done = lab.samezone("run", "off", "--rate", "20", "--duration", "2", "--warmup", "0")
    assert done.returncode == 0, done.stderr
    printed = lab.tool(
        *("aws", "xray", "get-service-graph", "--output", "json"),
        *("--start-time", str(began), "--end-time", str(int(time.time()) + 1)),
    )

    assert printed.returncode == 0, printed.stderr
    names = {service["Name"] for service in json.loads(printed.stdout)["Services"]}
    assert sum(name.startswith("catalog-") for name in names) == 6
    assert sum(name.startswith("ui-") for name in names) == 3
    assert sum(name.startswith("locust-worker-") for name in names) == 3


def test_a_second_up_says_that_it_is_up(lab: Lab):
    """Idempotent, with the addresses."""
    done = lab.samezone("lab", "up")

    assert done.returncode == 0
    assert "the lab is already up: API server http://127.0.0.1:" in done.stderr


def test_status_lists_every_part(lab: Lab):
    """One line a part, each running."""
    done = lab.samezone("lab", "status")

    assert done.returncode == 0
    for part in ("apiserver", "xray", "controller", "catalog-", "ui-"):
        assert part in done.stdout
