"""A stand-in for CloudWatch Logs Insights: SQL over one log group, executed on an embedded DuckDB.

It answers StartQuery, GetQueryResults, StopQuery and DescribeQueries as botocore's service model has them
(JSON 1.1, ``X-Amz-Target: Logs_20140328.*``). Of the query languages it knows OpenSearch SQL, because only
that joins, and of it what a query for pairs needs; anything else is a MalformedQueryException.

``logs_api`` has the operations, ``running_queries`` what becomes of a query, ``logs_errors`` the refusals.
``span_table`` holds the records, ``sql_subset`` translates. The last two load DuckDB and sqlglot: they are
imported when the first query comes.
"""
