"""Where calls are counted: a source answers in domain values, and only its folder knows the vendor's JSON.

``interface`` is what any source answers, ``calls`` has a million of its calls in columns, ``stored_page`` is
an answer that is still bytes, ``facts`` what a source may know of the cluster, ``collect`` asks until the
counts are final, ``reckoning`` holds them against the load generator's own, ``needs`` tells which single
traces that takes, ``registry`` whose answers a run's ``graph.json`` holds, ``choice`` is which source a run
was made with, ``cli`` has the options. ``xray/`` is AWS X-Ray, ``spans/`` the log group in
which Transaction Search keeps spans, both through ``aws/``; ``prometheus/`` is any Prometheus-compatible
store.
"""
