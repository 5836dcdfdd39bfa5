"""A collector between pods and the X-Ray stand-in, as a process: it batches as the manifests' one does.

It says 200 at once, mixes what came in into batches (500 ms, at most 1,000 spans), translates them, new ids
at each delivery, and sends them 50 documents a call, with the AWS SDK's two attempts and five seconds a push.
What fails then is gone, as behind awsxrayexporter v0.156.0. It can also deliver batches twice, or lose them.
"""

import argparse
import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.xray.otel_resources import Indexing, OtelResource, resource_of
from k8s.lab.xray.spans import Span, attributes_of, span_of
from k8s.lab.xray.translate import documents_of

BATCH_S, BATCH_SPANS = 0.5, 1000
DOCUMENTS_A_CALL = 50
PUSH_S = 5.0
INDEXING = Indexing(indexed_attributes=("run_id", "phase"))

Arrived = tuple[Span, OtelResource]


def serve(xray_url: str, *, twice_every: int, lose_every: int) -> None:
    """Print the port, then collect until the process is ended."""
    arrived: Queue[Arrived] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = resource_of(attributes_of(one.resource.attributes))
                for scope in one.scope_spans:
                    for message in scope.spans:
                        arrived.put((span_of(message), resource))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    client = boto3.client(
        "xray",
        endpoint_url=xray_url,
        region_name="eu-west-1",
        aws_access_key_id="lab",
        aws_secret_access_key="lab",  # noqa: S106 - no secret
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=PUSH_S, read_timeout=PUSH_S
        ),
    )
    delivery = 0
    for number, batch in enumerate(batches(arrived), start=1):
        if lose_every and number % lose_every == 0:
            continue
        for _ in range(2 if twice_every and number % twice_every == 0 else 1):
            delivery += 1
            push(client, batch, delivery)


def batches(arrived: "Queue[Arrived]") -> Iterator[list[Arrived]]:
    """What came in within half a second, a thousand spans at most."""
    while True:
        batch = [arrived.get()]
        until_s = time.monotonic() + BATCH_S
        while len(batch) < BATCH_SPANS and (left_s := until_s - time.monotonic()) > 0:
            try:
                batch.append(arrived.get(timeout=left_s))
            except Empty:
                break
        yield batch


def push(client: Any, batch: list[Arrived], delivery: int) -> None:
    """One push of the exporter: the first call that fails ends it."""
    until_s = time.monotonic() + PUSH_S
    documents = [
        msgspec.json.encode(document).decode()
        for span, resource in batch
        for document in documents_of(span, resource, INDEXING, delivery)
    ]
    for start in range(0, len(documents), DOCUMENTS_A_CALL):
        if time.monotonic() > until_s:
            return
        try:
            client.put_trace_segments(TraceSegmentDocuments=documents[start : start + DOCUMENTS_A_CALL])
        except (ClientError, BotoCoreError):
            return


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("xray_url")
    parser.add_argument("--twice-every", type=int, default=0)
    parser.add_argument("--lose-every", type=int, default=0)
    asked = parser.parse_args()
    serve(asked.xray_url, twice_every=asked.twice_every, lose_every=asked.lose_every)
