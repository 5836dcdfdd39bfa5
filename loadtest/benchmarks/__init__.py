"""What sending costs: ``bench_tracing`` with tracing and without, ``bench_peers`` beside others."""
