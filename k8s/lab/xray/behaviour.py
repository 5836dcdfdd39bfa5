"""How the stand-in behaves: what it indexes, what it keeps, and how unreliable it is on purpose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from k8s.lab.xray.otel_resources import Indexing

Clock = Callable[[], float]
"""Seconds since the epoch."""


WindowRule = Literal["start", "overlap", "minute"]
"""``start``: what began in the window. ``overlap``: what was under way in it. ``minute``: what began in one
of the whole minutes that the window touches."""

SpansLogGroup = Literal["always", "transaction-search"]
"""``transaction-search``: only while segments go to CloudWatch Logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be chosen; the defaults are a quick and honest X-Ray."""

    indexed_attributes: tuple[str, ...] = (
        "run_id",
        "phase",
        "otel.resource.cloud.availability_zone",
        "otel.resource.k8s.pod.name",
        "otel.resource.k8s.node.name",
    )
    """What becomes annotations, as the collector's exporter would be configured."""
    index_all_attributes: bool = False
    max_documents: int = 1_500_000
    """Documents kept; the oldest traces go first. About 300 bytes each."""
    max_trace_documents: int = 20_000
    """Of one trace, which is worked out at once; more are refused: X-Ray takes 500 KB of one."""
    max_bytes: int = 512 * 2**20
    """Of what arrived, compressed; the oldest traces go first here, too."""
    max_unused_names: int = 100_000
    """Names of nodes kept before those that no trace has any more are forgotten."""
    retention_s: float = 30 * 86_400.0
    """How long traces are kept after they first arrived, and how far back a graph reaches."""

    graph_page_size: int = 10_000
    """Services on a page of GetServiceGraph and GetTraceGraph."""
    series_page_size: int = 1_000
    """Periods on a page of GetTimeSeriesServiceStatistics."""
    summary_page_size: int = 100
    """Summaries on a page of GetTraceSummaries."""
    summary_page_scan: int = 2_000
    """Traces that one page of GetTraceSummaries looks at; with a narrow filter, pages come out short."""

    ingest_delay_s: tuple[float, float] = (0.0, 0.0)
    """Between which bounds (uniformly) a batch waits before queries see it."""
    throttle_rate: float = 0.0
    """Share of API calls that are answered with 429."""
    loss_rate: float = 0.0
    """Share of documents that are taken and lost."""
    duplicate_rate: float = 0.0
    """Share of documents that are delivered twice."""
    seed: int = 0
    """Of all randomness: delays, losses, orders."""

    throttle_code: str = "ThrottledException"
    """The code of those 429: X-Ray's own, or its front door's ``ThrottlingException``."""
    window: WindowRule = "start"
    """Which requests a graph's window holds, see WindowRule; AWS does not say."""
    transaction_search: bool = False
    """Whether Transaction Search is on: segments go to CloudWatch Logs, X-Ray holds the indexed share."""
    indexing_percent: float = 1.0
    """The share of traces that is indexed with Transaction Search on."""
    destination_pending_s: float = 0.0
    """How long a change of the segments' destination is PENDING."""
    retrieval_s: float = 0.0
    """How long a retrieval of traces is RUNNING."""

    spans_log_group: SpansLogGroup = "always"
    """When the log group ``aws/spans`` is there. On AWS that is with Transaction Search on; here it is there
    always unless said otherwise, so that one run can be counted by both."""
    logs_sql_pages: bool = False
    """Whether results of SQL queries come in pages, as those of the Logs Insights language do."""
    logs_scheduled_s: float = 0.0
    """How long a query of CloudWatch Logs is Scheduled."""
    logs_running_s: float = 0.0
    """How long it is Running after that."""
    logs_most_queries: int = 100
    """How many of them may run at once."""

    accounts: bool = False
    """Whether nodes carry account ids."""
    unknown_group_is_empty: bool = False
    """Whether a graph of an unknown group is empty or (the default) refused; AWS documents neither."""
    unknown_ids_unprocessed: bool = True
    """Whether BatchGetTraces names unknown ids in UnprocessedTraceIds; otherwise they are simply absent."""
    strict_otlp: bool = False
    """Refuse OTLP as AWS's own endpoint does while segments go to X-Ray; else act as an ADOT collector."""
    require_signature: bool = True
    """Whether API calls need a SigV4 header for their service; the signature itself is not checked."""
    control_token: str = field(default="", repr=False)
    """What the header of whoever turns a knob or resets has to say; empty: anything."""
    region: str = "eu-west-1"
    account_id: str = "000000000000"

    @property
    def indexing(self) -> Indexing:
        """The exporter's part of the settings."""
        return Indexing(
            indexed_attributes=self.indexed_attributes, index_all_attributes=self.index_all_attributes
        )
