"""What one pod of the shop is told."""

from dataclasses import dataclass

from k8s.lab.design.addresses import POD_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """One pod: who and where it is, and whom it speaks to."""

    name: str
    namespace: str
    node: str
    zone: str
    region: str
    ip: str
    """Where it listens, and where its own calls come from."""
    port: int = POD_PORT
    otlp_url: str
    """Where its spans go, e.g. ``http://127.0.0.1:16080/v1/traces``."""
    catalog_url: str = ""
    """The Service ``catalog`` as seen from its node; ui only."""
    keep_alive: bool = False
    """Whether calls to catalog share connections; ui only."""
    sql_spans: bool = True
    """Whether each query makes a span; catalog only."""
