"""Whose answers a run's ``graph.json`` holds, and who reads them: one line a source."""

from collections.abc import Mapping
from typing import Final

from analysis.source.interface import Reader
from analysis.source.prometheus.prometheus_reader import NAME as PROMETHEUS
from analysis.source.prometheus.prometheus_reader import PrometheusReader
from analysis.source.spans.spans_reader import NAME as SPANS
from analysis.source.spans.spans_reader import SpansReader
from analysis.source.xray.reader import NAME as XRAY
from analysis.source.xray.reader import XRayReader
from k8s.errors import UsageError

Readers = Mapping[str, Reader]

READERS: Final[Readers] = {XRAY: XRayReader(), PROMETHEUS: PrometheusReader(), SPANS: SpansReader()}
DEFAULT: Final = XRAY
"""Of files from before the source's name was stored."""


def reader_of(name: str, readers: Readers) -> Reader:
    """The reader of a source; UsageError for one that is not known here."""
    if (found := readers.get(name)) is None:
        raise UsageError(
            f"the calls were counted by source {name!r}, which is not known here (known: "
            f"{', '.join(sorted(readers))}); update samezone"
        )
    return found
