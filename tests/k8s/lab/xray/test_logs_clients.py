"""Unmodified clients ask the stand-in for ``aws/spans``: boto3, the AWS CLI; they see what arrived."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.k8s.lab.logs.builders import rows_of
from tests.k8s.lab.xray.builders import (
    T0,
    TRACE,
    Clock,
    call,
    embedded,
    put,
    segment,
    shop,
    stand_in,
    take,
    without,
)
from tests.k8s.lab.xray.conftest import ENVIRONMENT, Server

KINDS = "SELECT kind, COUNT(*) AS n FROM `aws/spans` GROUP BY kind ORDER BY kind"
PATIENCE_S = 60.0


def logs(server: Server, **more: Any) -> Any:
    """A boto3 client of CloudWatch Logs for it; one attempt a call."""
    return boto3.client(
        "logs",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id=more.get("key", "lab"),
        aws_secret_access_key="lab",  # noqa: S106 - no secret
        config=Config(retries={"total_max_attempts": 1}),
    )


def complete(client: Any, text: str = KINDS) -> list[dict[str, str]]:
    """The rows of a query over the first hour, once it is complete."""
    query = client.start_query(queryLanguage="SQL", startTime=T0 - 60, endTime=T0 + 3600, queryString=text)[
        "queryId"
    ]
    until_s = time.monotonic() + PATIENCE_S
    while (found := client.get_query_results(queryId=query))["status"] in {"Scheduled", "Running"}:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert found["status"] == "Complete"
    return rows_of(found["results"])


def asked(target: Any, text: str) -> list[dict[str, str]]:
    """The same past HTTP."""
    body = {"queryLanguage": "SQL", "startTime": T0 - 60, "endTime": T0 + 3600, "queryString": text}
    query = target.logs("Logs_20140328.StartQuery", body)["queryId"]
    target._logs._queries.find(query).ended.wait(PATIENCE_S)
    return rows_of(target.logs("Logs_20140328.GetQueryResults", {"queryId": query})["results"])


def test_queries_through_boto3(started: Callable[[str], Server]) -> None:
    """Segments come back as records; botocore's model reads every answer, its classes every error."""
    server = started("{}")
    document = segment("ui", 1, subsegments=[embedded(call("catalog", 2, 1))])
    server.client().put_trace_segments(TraceSegmentDocuments=[json.dumps(document)])
    client = logs(server)
    assert complete(client) == [{"kind": "CLIENT", "n": "1"}, {"kind": "SERVER", "n": "1"}]
    (described,) = client.describe_queries(status="Complete")["queries"]
    assert described["queryString"] == KINDS
    with pytest.raises(client.exceptions.InvalidParameterException, match="not running"):
        client.stop_query(queryId=described["queryId"])
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_query_results(queryId="nobody")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="'other' does not exist"):
        complete(client, KINDS.replace("aws/spans", "other"))
    with pytest.raises(client.exceptions.MalformedQueryException):
        complete(client, "fields @message")


@pytest.mark.programs
def test_the_aws_cli(started: Callable[[str], Server]) -> None:
    """Aws logs start-query and get-query-results, with nothing but the environment."""
    server = started("{}")
    server.client().put_trace_segments(TraceSegmentDocuments=[json.dumps(segment("ui", 1))])

    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), "logs", *arguments, "--output", "json"],
            env={**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": server.url},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    times = ("--start-time", str(T0), "--end-time", str(T0 + 60))
    query = aws("start-query", "--query-language", "SQL", *times, "--query-string", KINDS)["queryId"]
    until_s = time.monotonic() + PATIENCE_S
    while (found := aws("get-query-results", "--query-id", query))["status"] != "Complete":
        assert time.monotonic() < until_s
    assert rows_of(found["results"]) == [{"kind": "SERVER", "n": "1"}]
    assert [one["queryId"] for one in aws("describe-queries")["queries"]] == [query]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("EXPIRED", "ExpiredTokenException"),
        ("DENIED", "AccessDeniedException"),
        ("UNKNOWN", "UnrecognizedClientException"),
    ],
)
def test_credentials_that_aws_turns_away(shared: Server, key: str, code: str) -> None:
    """As the JSON protocol has it, with HTTP 400; a denial names the IAM action."""
    with pytest.raises(ClientError) as caught:
        complete(logs(shared, key=key))
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400)
    if key == "DENIED":
        assert "logs:StartQuery" in error["Error"]["Message"]


def test_a_signature_for_the_other_service_is_refused(shared: Server) -> None:
    """The scope names the service."""
    client = shared.client()
    client.meta.events.register(
        "before-send.xray", lambda request, **_: request.headers.update({"X-Amz-Target": "Logs_20140328.X"})
    )
    with pytest.raises(ClientError, match="correct service: 'logs'"):
        client.get_groups()


def test_otlp_keeps_its_shape() -> None:
    """Kinds, parents, resources and attributes of a trace are those that were sent."""
    target = stand_in()
    take(target, shop())
    rows = asked(
        target,
        "SELECT kind, name, parentSpanId AS parent, `resource.attributes.k8s.pod.name` AS pod, "
        "`resource.attributes.cloud.availability_zone` AS zone, `attributes.run_id` AS run, traceId "
        "FROM `aws/spans` ORDER BY spanId",
    )
    assert [one["kind"] for one in rows] == [
        *("CLIENT", "SERVER", "INTERNAL", "CLIENT", "CLIENT", "SERVER", "SERVER")
    ]
    assert rows[0] == {
        "kind": "CLIENT",
        "name": "GET /home",
        "pod": "locust-a",
        "zone": "eu-west-1a",
        "run": "R1",
        "traceId": TRACE[2:].replace("-", ""),
    }
    assert rows[5]["parent"] == f"{4:016x}"
    target.close()


def test_late_lost_and_doubled_as_x_ray_sees_them() -> None:
    """A record is there when its span is visible, and as often as it was delivered."""
    clock = Clock()
    target = stand_in(clock, ingest_delay_s=(30.0, 30.0))
    take(target, shop())
    assert asked(target, KINDS) == []
    clock.now_s += 31.0
    assert sum(int(one["n"]) for one in asked(target, KINDS)) == 7
    take(target, without(shop(), 1, 2, 3, 4, 5, 6))
    clock.now_s += 31.0
    assert sum(int(one["n"]) for one in asked(target, KINDS)) == 8
    target.close()
    twice = stand_in(duplicate_rate=1.0)
    take(twice, shop())
    assert sum(int(one["n"]) for one in asked(twice, KINDS)) == 14
    twice.close()
    lost = stand_in(loss_rate=1.0)
    take(lost, shop())
    assert asked(lost, KINDS) == []
    lost.close()


def test_traces_that_had_to_go_are_gone() -> None:
    """What the store lets go leaves the log group, too; a reset empties it."""
    target = stand_in(max_documents=1)
    put(target, segment("a", 1))
    assert len(asked(target, KINDS)) == 1
    put(target, segment("b", 2) | {"trace_id": f"1-{T0:08x}-{2:024x}"})
    names = asked(target, "SELECT name FROM `aws/spans`")
    assert names == [{"name": "b"}]
    target.reset()
    assert asked(target, KINDS) == []
    target.close()


def test_the_group_is_there_with_transaction_search_alone_where_that_is_said() -> None:
    """As on AWS; by default it is there always, so that both can count one run."""
    target = stand_in(spans_log_group="transaction-search")
    with pytest.raises(Exception, match="'aws/spans' does not exist"):
        asked(target, KINDS)
    target.call("/UpdateTraceSegmentDestination", {"Destination": "CloudWatchLogs"})
    assert asked(target, KINDS) == []
    target.close()


def test_documents_become_records() -> None:
    """Annotations and metadata are attributes, those of the exporter's resource are the resource's."""
    target = stand_in()
    document = segment(
        "ui-1",
        1,
        annotations={"run_id": "R1", "otel.resource.k8s.node.name": "n1"},
        metadata={"default": {"network.peer.port": 4711, "otel.resource.service.version": "2"}},
        aws={"eks": {"pod": "ui-1-x"}, "ec2": {"availability_zone": "eu-west-1b"}},
        http={"request": {"client_ip": "10.0.0.1"}, "response": {"status": 503}},
        fault=True,
    )
    put(target, document, call("db", 2, 1, sql={"database_type": "mysql"}))
    first, second = asked(
        target,
        "SELECT kind, `resource.attributes.k8s.pod.name` AS pod, "
        "`resource.attributes.k8s.node.name` AS node, "
        "`resource.attributes.cloud.availability_zone` AS zone, `attributes.run_id` AS run, "
        "`attributes.network.peer.port` AS port, `attributes.http.response.status_code` AS code, "
        "`attributes.client.address` AS peer, `status.code` AS status, `attributes.db.system` AS db, "
        "`attributes.aws.remote.service` AS remote FROM `aws/spans` ORDER BY spanId",
    )
    seen = {"kind": "SERVER", "pod": "ui-1-x", "node": "n1", "zone": "eu-west-1b", "run": "R1"}
    assert first == seen | {"port": "4711", "code": "503", "peer": "10.0.0.1", "status": "ERROR"}
    assert second == {"kind": "CLIENT", "status": "UNSET", "db": "mysql", "remote": "db"}
    target.close()
