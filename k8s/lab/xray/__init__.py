"""The X-Ray stand-in: OTLP and PutTraceSegments in; service graph, summaries and traces out.

It acts as an ADOT collector with the awsxray exporter in front of X-Ray, so that unmodified boto3, the
AWS CLI and OpenTelemetry SDKs work against it. Sources of its rules: the service model in botocore, the
X-Ray developer guide, awsxrayexporter v0.156.0. ``app.serve`` is the entry; everything else is free of
sockets.

The way in: ``otlp``, ``otlp_json``, ``spans``, ``otel_resources``, ``translate`` (with ``http_block``,
``cause``, ``naming``), ``documents``, ``intake``, ``depth``, ``written``. What is kept: ``archive``,
``trace_store``, ``elements``. The way out: ``graph``, ``tally``, ``services``, ``queries``, ``traces``,
``summaries``, ``search`` (``filters``, ``matching``), ``groups``, ``retrieval``, ``paging``. The API:
``app``, ``routes``, ``standin``, ``arguments``, ``api_errors``, ``credentials``, ``fixed``,
``destination``. CloudWatch Logs (``k8s/lab/logs``) reads ``spans_log``, which ``span_records`` makes.
How it behaves: ``behaviour``, ``unreliability``.
"""
