"""The answer: X-Ray graph, calls, zones, statistics, report."""
