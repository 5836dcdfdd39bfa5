"""AWS X-Ray as a source.

``client`` calls the API, ``xray_source`` asks through it, ``reader`` reads stored
answers without it: ``service_graph`` and ``documents`` (its JSON as typed values), ``packed_edges`` (an
edge's JSON, and those of one service as bytes), ``edges`` (a query's in columns), ``checks`` (whether
pages hold together), ``graph`` (calls, losses), ``leaves`` (what stands behind an inferred node),
``traces`` (single calls with their connection), ``senders`` (which pod sent a segment).
"""
