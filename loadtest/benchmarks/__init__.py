"""What sending costs: ``bench_tracing`` with tracing and without, ``bench_peers`` beside others.

``bench_pacing``: how well a schedule is kept, and how workers add up. What they send to is ``served``.
"""
