"""Stored X-Ray answers -> domain values; loads no client, so that a run is read without AWS."""

from typing import Final

from analysis.source.facts import Facts
from analysis.source.interface import Counts, Reader, Received
from analysis.source.xray import graph, traces

NAME: Final = "xray"
TITLE: Final = "X-Ray"


class XRayReader(Reader):
    """Requests between pods: GetServiceGraph's pages, and a sample of BatchGetTraces."""

    def read(self, received: Received, facts: Facts) -> Counts:
        """Calls, entries, losses and leaves of the graph; connections and zones of the sample."""
        seen = graph.calls_of(received.answers, facts, window=received.window)
        return Counts(
            title=TITLE,
            calls=seen.calls,
            entries=seen.entries,
            lost=seen.lost,
            leaves=seen.leaves,
            repeated=seen.repeated,
            sample=traces.sample(received.rows, facts),
            flaws=seen.flaws,
        )
