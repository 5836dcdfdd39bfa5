"""The other operations through unmodified clients: boto3 with its validation and paginators, the AWS CLI."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.k8s.lab.xray.builders import T0, TRACE, call, segment
from tests.k8s.lab.xray.conftest import ENVIRONMENT, Server

_AWS = Path(sys.executable).with_name("aws")
_WINDOW: dict[str, Any] = {"StartTime": T0, "EndTime": T0 + 3600}


def put(client: Any) -> None:
    """One ui request that calls a catalog which never answers, a minute later another one that is a fault."""
    documents = [
        segment("ui", 1, took=0.5),
        call("GET", 2, 1, took=0.25),
        segment("ui", 3, start=60.0, fault=True) | {"trace_id": f"1-{T0 + 60:08x}-{1:024x}"},
    ]
    client.put_trace_segments(TraceSegmentDocuments=[json.dumps(item) for item in documents])


def turn(server: Server, **knobs: Any) -> None:
    """Turn knobs at run time."""
    request = urllib.request.Request(
        f"{server.url}/_standin/knobs",
        json.dumps(knobs).encode(),
        method="POST",
        headers={"Samezone-Control": "test"},
    )
    urllib.request.urlopen(request).close()


def code_of(server: Server, **credentials: Any) -> tuple[str, int, int]:
    """Error code, HTTP status and number of tries of a call that must fail."""
    client = boto3.client(
        "xray",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id=credentials.get("key", "lab"),
        aws_secret_access_key="lab",  # noqa: S106  # no secret
        config=Config(retries={"mode": "standard", "total_max_attempts": 2}),
    )
    with pytest.raises(ClientError) as caught:
        client.get_groups()
    told = caught.value.response
    meta = told["ResponseMetadata"]
    return told["Error"]["Code"], meta["HTTPStatusCode"], meta["RetryAttempts"]


def test_time_series_through_the_paginator(started: Callable[[str], Server]) -> None:
    """All periods arrive over several pages, with typed figures."""
    client = started('{"series_page_size": 1}').client()
    put(client)
    pages = list(client.get_paginator("get_time_series_service_statistics").paginate(**_WINDOW, Period=60))
    service = client.get_time_series_service_statistics(
        **_WINDOW, Period=300, EntitySelectorExpression='service("ui")', ForecastStatistics=False
    )["TimeSeriesServiceStatistics"][0]

    found = [entry for page in pages for entry in page["TimeSeriesServiceStatistics"]]
    assert len(pages) == 2
    assert [entry["EdgeSummaryStatistics"]["TotalCount"] for entry in found] == [2, 1]
    assert service["ServiceSummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1
    assert service["Timestamp"].timestamp() == T0


def test_transaction_search_through_boto3(started: Callable[[str], Server]) -> None:
    """What a harness meets on an account with Transaction Search on."""
    client = started('{"transaction_search": true, "indexing_percent": 0}').client()
    put(client)
    retrieval = client.start_trace_retrieval(TraceIds=[TRACE], **_WINDOW)["RetrievalToken"]
    listed = client.list_retrieved_traces(RetrievalToken=retrieval, TraceFormat="XRAY")
    graph = client.get_retrieved_traces_graph(RetrievalToken=retrieval)

    assert client.get_trace_segment_destination()["Destination"] == "CloudWatchLogs"
    assert client.get_service_graph(**_WINDOW)["Services"] == []
    assert client.batch_get_traces(TraceIds=[TRACE])["Traces"] == []
    assert listed["RetrievalStatus"] == graph["RetrievalStatus"] == "COMPLETE"
    assert [trace["Id"] for trace in listed["Traces"]] == [TRACE]
    assert {item["Service"]["Name"] for item in graph["Services"]} == {"ui", "GET"}
    rule = {"Probabilistic": {"DesiredSamplingPercentage": 100.0}}
    assert client.update_indexing_rule(Name="Default", Rule=rule)["IndexingRule"]["Name"] == "Default"
    assert client.update_trace_segment_destination(Destination="XRay")["Status"] == "PENDING"
    client.cancel_trace_retrieval(RetrievalToken=retrieval)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="not known"):
        client.list_retrieved_traces(RetrievalToken="mine")


def test_refused_credentials(started: Callable[[str], Server]) -> None:
    """By key id, or for everybody while the knob is turned; botocore does not try again."""
    server = started("{}")

    assert code_of(server, key="EXPIRED") == ("ExpiredTokenException", 403, 0)
    assert code_of(server, key="UNKNOWN") == ("UnrecognizedClientException", 403, 0)
    assert code_of(server, key="DENIED") == ("AccessDeniedException", 403, 0)
    turn(server, refuse="expired")
    assert code_of(server) == ("ExpiredTokenException", 403, 0)
    turn(server, refuse="")
    assert server.client().get_groups()["Groups"] == []


def test_throttled_for_a_while(started: Callable[[str], Server]) -> None:
    """While it lasts every try is a 429; a patient client gets through, as does whoever asks afterwards."""
    server = started('{"throttle_code": "ThrottlingException"}')
    turn(server, throttle_for_s=3600)
    assert code_of(server) == ("ThrottlingException", 429, 1)

    turn(server, throttle_for_s=0.3)
    patient = server.client(retries={"mode": "standard", "total_max_attempts": 12})
    assert patient.get_groups()["Groups"] == []


def test_small_answers(shared: Server) -> None:
    """Encryption and sampling statistics parse."""
    client = shared.client()

    assert client.get_encryption_config()["EncryptionConfig"]["Type"] == "NONE"
    assert client.get_sampling_statistic_summaries()["SamplingStatisticSummaries"] == []


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("get-trace-segment-destination", "Destination"),
        (f"get-trace-graph --trace-ids {TRACE}", "Services"),
        (
            f"get-trace-summaries --time-range-type Event --start-time {T0} --end-time {T0 + 60}",
            "TraceSummaries",
        ),
        (
            f"get-time-series-service-statistics --start-time {T0} --end-time {T0 + 60} --period 60",
            "TimeSeriesServiceStatistics",
        ),
    ],
)
def test_aws_cli(shared: Server, command: str, key: str) -> None:
    """The AWS CLI reads the answers, with its own pagination."""
    put(shared.client())
    answer = subprocess.run(
        [str(_AWS), "xray", *command.split(), "--endpoint-url", shared.url, "--output", "json"],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        check=True,
        text=True,
    )

    assert json.loads(answer.stdout)[key]
