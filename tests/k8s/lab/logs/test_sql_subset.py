"""The SQL that is understood, and the refusals of everything else."""

import pytest

from k8s.lab.logs.logs_errors import LogsError
from k8s.lab.logs.sql_subset import translate

FROM = "FROM `aws/spans`"
JOIN = "INNER JOIN `aws/spans` AS"


def test_groups_and_fields_are_named() -> None:
    """Each time that the query names the log group it is scanned; fields with dots may be missing."""
    found = translate(
        f"SELECT a.kind AS kind FROM (SELECT kind, traceId, `attributes.x.y` AS x {FROM}) AS a "
        f"LEFT OUTER JOIN (SELECT traceId, `@timestamp` AS t {FROM}) AS b ON a.traceId = b.traceId"
    )
    assert found.groups == ("aws/spans", "aws/spans")
    assert set(found.fields) == {"attributes.x.y", "@timestamp"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fields @timestamp, @message | limit 20", "Invalid expression"),
        (f"SELECT 1 {FROM}; SELECT 2 {FROM}", "one statement"),
        (f"SELECT 1 {FROM} UNION SELECT 2 {FROM}", "a query is a SELECT"),
        (f"WITH a AS (SELECT 1 {FROM}) SELECT * FROM a", "does not understand WITH"),
        (f"SELECT SUM(x) OVER () {FROM}", "does not understand WINDOW"),
        (f"SELECT read_text('/etc/passwd') {FROM}", "does not understand ANONYMOUS"),
        (f"SELECT * {FROM} LIMIT 5 OFFSET 3", "does not understand OFFSET"),
        (f"SELECT * {FROM} AS a CROSS JOIN `aws/spans` AS b", "must be INNER JOIN or LEFT OUTER JOIN"),
        (f"SELECT * {FROM} AS a JOIN `aws/spans` AS b ON a.x = b.x", "must be INNER JOIN"),
        (f"SELECT * {FROM} AS a {JOIN} b ON a.x = b.x {JOIN} c ON a.x = c.x", "only one JOIN"),
        (f"SELECT * FROM (SELECT * FROM (SELECT * {FROM}))", "one level of nested subqueries"),
        ("SELECT 1", "FROM names the log group"),
        (f"SELECT CAST(kind AS DATE) {FROM}", "casts to STRING"),
        ("SELECT * FROM a.b", "in backticks as a whole"),
        (f"SELECT * {FROM} WHERE " + "(" * 5_000 + "1" + ")" * 5_000, ""),
        ("DROP TABLE spans", "a query is a SELECT"),
        ("", "a query is"),
    ],
)
def test_what_is_not_understood_is_malformed(text: str, why: str) -> None:
    """MalformedQueryException, as AWS answers a text that it cannot parse; in one line."""
    with pytest.raises(LogsError) as caught:
        translate(text)
    assert caught.value.code == "MalformedQueryException"
    assert why in caught.value.message
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
