"""Where calls are counted: a source answers in domain values, and only its folder knows the vendor's JSON.

``interface`` is what any source answers, ``facts`` what it may know of the cluster, ``collect`` asks
until the counts are final, ``needs`` tells which single traces that takes, ``registry`` whose answers a
run's ``graph.json`` holds, ``cli`` has the options. ``xray/`` is AWS X-Ray.
"""
