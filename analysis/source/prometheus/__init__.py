"""Any Prometheus-compatible store as a source: its engine counts, and a table of pairs leaves it.

``prometheus_client`` is the only file that speaks HTTP, ``prometheus_source`` asks through it,
``prometheus_reader`` reads stored answers without it. ``profiles`` says for each mesh or exporter what its
metric is and what its labels mean, ``profile_file`` reads such a profile from a YAML file, ``promql`` words
the queries, ``flanks`` finds the scrapes on both sides of a window, ``stored_answers`` is how asked and
answered stand beside each other, ``differences`` adds up single counters that restarted, ``sides`` names
who called whom and in which zones, ``remarks_on_counts`` says where a count is not exact.
"""
