"""The translation against documents that the real exporter sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from k8s.lab.xray.archive import Resources, spans_of
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.otel_resources import Indexing
from k8s.lab.xray.spans import span_of
from k8s.lab.xray.translate import documents_of

_RECORDED = Path(__file__).parents[5] / "shared" / "data" / "awsxray_exporter_examples.json"
_CASES: list[dict[str, Any]] = json.loads(_RECORDED.read_text()) if _RECORDED.is_file() else []


@pytest.mark.skipif(not _CASES, reason="the recorded cases are not beside this checkout")
def test_cases_are_all_there() -> None:
    """Thirty cases were recorded."""
    assert len(_CASES) == 30


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["case"])
def test_recorded(case: dict[str, Any]) -> None:
    """The same documents as awsxrayexporter v0.156.0, but for the ids that it draws at random."""
    request = ExportTraceServiceRequest.FromString(bytes.fromhex(case["otlp_hex"]))
    indexing = Settings().indexing

    actual = translated(request, indexing)

    given = {item for resource in request.resource_spans for item in _ids(resource)}
    assert renamed(case["segments"], given) == renamed(actual, given)


def translated(request: ExportTraceServiceRequest, indexing: Indexing) -> list[dict[str, Any]]:
    """All documents of a request, in order."""
    return [
        document
        for message, resource in spans_of(request, Resources())
        for document in documents_of(span_of(message), resource, indexing)
    ]


def renamed(documents: list[dict[str, Any]], given: set[str]) -> list[dict[str, Any]]:
    """The documents with ids that no span gave replaced by the order of their appearance."""
    names: dict[str, str] = {}

    def walk(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: walk(item, name) for name, item in sorted(node.items())}
        if isinstance(node, list):
            return [walk(item) for item in node]
        if key in {"id", "parent_id", "cause"} and isinstance(node, str) and node not in given:
            return names.setdefault(node, f"new {len(names)}")
        return node

    return [walk(document) for document in documents]


def _ids(resource_spans: Any) -> list[str]:
    spans = [span for scope in resource_spans.scope_spans for span in scope.spans]
    return [item.hex() for span in spans for item in (span.span_id, span.parent_span_id)]
