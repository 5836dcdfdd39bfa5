"""The seed article's commands, typed into real kubectl and the real AWS CLI."""

import json
import socket
import time
from pathlib import Path

import pytest

from tests.lab.conftest import Lab, processes_of

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


def test_a_taken_port_is_one_line(tmp_path: Path):
    """Exit 2, the address, the option to use, and nothing left running."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        done = Lab(folder=tmp_path).samezone("lab", "up", "--api-port", str(port), "--xray-port", "0")

    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "--api-port" in line
    assert processes_of(tmp_path) == []


def test_the_doctor_reads_what_kubectl_saved(lab: Lab):
    """Somebody else's cluster, as files: the survey and a prediction come out of them."""
    saved = lab.tool("kubectl", "get", "nodes,pods,services,endpointslices,events", "-A", "-o", "json")
    (lab.folder / "saved.json").write_text(saved.stdout)

    survey = lab.samezone("routing", "doctor", "--from", "saved.json", "--all")
    forecast = lab.samezone("routing", "predict", "--from", "saved.json")

    assert survey.returncode == 0, survey.stderr
    assert "catalog/catalog" in survey.stdout
    assert forecast.returncode == 0, forecast.stderr
    assert [
        line.split()[:3] for line in forecast.stdout.splitlines() if line.startswith(("off", "tar "))
    ] == [
        ["off", "33.3", "%"],
        ["tar", "100.0", "%"],
    ]
