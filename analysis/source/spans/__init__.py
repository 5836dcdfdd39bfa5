"""``aws/spans`` as a source: the log group in which an account with Transaction Search keeps its spans.

CloudWatch Logs pairs the spans itself and answers with a table of pairs: no span leaves it but a sample.
``span_queries`` has the queries' texts, ``logs_insights`` runs one, ``spans_source`` asks, ``span_counts``
makes counts of the rows, ``spans_reader`` reads stored answers, ``scan_price`` tells what a scan costs;
``bench_pairing`` measures the queries on the stand-in's engine.
"""
