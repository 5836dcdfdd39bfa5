"""Filter expressions: what parses, what does not, and what fits a trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.lab.xray.api_errors import XrayError
from k8s.lab.xray.filters import And, Annotation, EdgeFilter, Keyword, Not, Or, ServiceFilter, Who, parse
from k8s.lab.xray.matching import Matcher
from k8s.lab.xray.traces import Trace, assemble
from tests.k8s.lab.xray.builders import EKS, TRACE, call, segment, subsegment


def test_tree() -> None:
    """AND binds closer than OR, standing side by side means AND, parentheses group."""
    assert parse("ok !partial duration <3 OR (fault AND error)") == Or(
        terms=(
            And(
                terms=(
                    Keyword(keyword="ok"),
                    Not(term=Keyword(keyword="partial")),
                    Keyword(keyword="duration", operator="<", value=3.0),
                )
            ),
            And(terms=(Keyword(keyword="fault"), Keyword(keyword="error"))),
        )
    )


def test_complex_keywords() -> None:
    """service, edge, id and annotation, with and without braces."""
    expression = (
        'service(id(name: "a", type:"T", account.id: "1")) {fault} AND edge("a","b") AND !service()'
        ' AND annotation.run_id = "R1" AND Annotation[aws.local.service] != "x" AND annotation.n > 2'
    )

    assert parse(expression) == And(
        terms=(
            ServiceFilter(who=Who(name="a", type="T", account="1"), inner=Keyword(keyword="fault")),
            EdgeFilter(caller=Who(name="a"), callee=Who(name="b")),
            Not(term=ServiceFilter(who=Who())),
            Annotation(key="run_id", operator="=", value="R1"),
            Annotation(key="aws.local.service", operator="!=", value="x"),
            Annotation(key="n", operator=">", value=2.0),
        )
    )


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "",
            "(",
            "ok AND",
            "AND ok",
            "ok)",
            "!",
            'http.url = "a',
            "http.url 5",
            "ok = 1",
            "duration = true",
        ),
        *(
            'duration CONTAINS "1"',
            'http.url < "a"',
            "unknown",
            "unknown = 1",
            "http.status =",
            'service("a"',
        ),
        *('service("a") {', "service(a)", 'service(id(size: "1"))', 'service(id(name "a"))', 'edge("a")'),
        *('service("a") {annotation.x = 1}', 'service("a") {service("b")}', "ok ~ ok", '"a" = "b"'),
        *("rootcause.fault.service {last}", "name = traces", "((" * 60 + "ok", "!" * 60 + "ok"),
    ],
)
def test_bad_expressions(expression: str) -> None:
    """What is no expression is an InvalidRequestException that says why."""
    with pytest.raises(XrayError, match="Invalid filter expression") as caught:
        parse(expression)

    assert (caught.value.code, caught.value.status) == ("InvalidRequestException", 400)


@given(st.text(alphabet='ok !()"{}=<>abc.1,:ANDOR', max_size=30))
def test_any_text_parses_or_is_refused(expression: str) -> None:
    """No text makes the parser fail in another way."""
    try:
        parse(expression)
    except XrayError as error:
        assert error.code == "InvalidRequestException"  # noqa: PT017  # either way is right


def trace() -> Trace:
    """A root with a client error, a call that faults, an inferred database, another service."""
    cause = {"exceptions": [{"type": "TimeoutError", "message": "too slow"}]}
    http = {
        "request": {"url": "http://api/v2/x", "method": "GET", "client_ip": "10.0.0.1", "user_agent": "curl"},
        "response": {"status": 404},
    }
    place = {"ec2": {"availability_zone": "eu-west-1a", "instance_id": "i-1"}, "account_id": "42"}
    documents = [
        segment(
            *("ui", 1),
            took=2.0,
            error=True,
            origin=EKS,
            http=http,
            aws=place,
            user="ann",
            annotations={"run_id": "R1", "n": 3, "flag": True, "off": False},
        ),
        call("GET", 2, 1, took=0.7, fault=True, http={"response": {"status": 503}}),
        segment("catalog", 3, parent=2, took=0.5, cause=cause, resource_arn="arn:x"),
        call("db", 4, 1, start=1.0, took=3.0, sql={"url": "u"}, throttle=True),
        subsegment("render", 5, 1, annotations={"color": "red"}),
    ]
    return assemble(TRACE, documents)


_FITS = [
    *("error", "!fault", "!ok", "ok = false", "ok != true", "throttle", "inferred", "!partial", "root"),
    *("responsetime = 2", "duration > 3.9 AND duration <= 4", "http.status = 404", "http.status != 200"),
    *('http.url CONTAINS "/v2/"', 'http.url BEGINSWITH "http://api/"', 'http.url ENDSWITH "x"', "http.url"),
    *('http.method = "GET"', 'http.useragent = "curl"', 'http.clientip = "10.0.0.1"', 'user = "ann"'),
    *('user CONTAINS ""', 'name = "catalog"', 'name = "TimeoutError"', 'type = "Database::SQL"'),
    *('message CONTAINS "slow"', 'availabilityzone = "eu-west-1a"', 'instance.id = "i-1"'),
    *('resource.arn = "arn:x"', 'annotation.run_id = "R1"', "annotation.n >= 3", "annotation.flag = true"),
    *("annotation.flag", "!annotation.off", "!annotation.none", 'annotation.color = "red"'),
    *('annotation[run_id] = "R1"', 'annotation.run_id != "R2"', 'Annotation.Run_id != "R1"'),
    *('service("catalog")', 'service("ui") {error AND root}', 'service("catalog") {ok}', "service() {error}"),
    *('service("db") {inferred AND throttle}', 'service("catalog") {responsetime < 0.6}'),
    *(f'service(id(name: "ui", type: "{EKS}"))', 'service(id(type: "Database::SQL"))'),
    *('service(id(account.id: "42"))', 'edge("ui", "catalog")', 'edge("ui","catalog") {fault}'),
    *('edge("ui","catalog") {http.status = 503 AND responsetime > 0.6}', 'edge("ui","db")'),
    *('group.name = "g"', 'group.arn = "arn:g"', "RESPONSETIME > 1 and Error", 'user = "a" or user = "ann"'),
]
_FITS_NOT = [
    *(
        "ok",
        "fault",
        "partial",
        "!error",
        "error = false",
        "responsetime > 2",
        "duration < 4",
        "http.status = 200",
    ),
    *('http.url CONTAINS "/v3/"', 'http.url != "http://api/v2/x"', 'user = "bob"', 'name = "render"'),
    *(
        'annotation.run_id = "R2"',
        "annotation.run_id = 1",
        "annotation.n > 3",
        "annotation.none",
        "annotation.off",
    ),
    *("!annotation.run_id", "annotation.flag = false", 'service("render")', 'service("catalog") {fault}'),
    *("service() {fault}", 'edge("catalog","ui")', 'edge("ui","catalog") {ok}', 'edge("ui","render")'),
    *('service(id(name: "ui", type: "AWS::EC2::Instance"))', 'service(id(account.id: "1"))'),
    *('group.name = "h"', 'message = "slow"', 'instance.id != "i-1"', "http.status < 400 OR duration > 9"),
]


@pytest.mark.parametrize("expression", _FITS)
def test_fits(expression: str) -> None:
    """Each of these is true of the trace."""
    assert Matcher(trace(), ("g", "arn:g")).fits(parse(expression))


@pytest.mark.parametrize("expression", _FITS_NOT)
def test_does_not_fit(expression: str) -> None:
    """Each of these is false of the trace."""
    assert not Matcher(trace(), ("g", "arn:g")).fits(parse(expression))


def test_quotes_inside_text() -> None:
    """A backslash lets a quote stand in a text."""
    assert parse(r'user = "a\"b\\c"') == Keyword(keyword="user", operator="=", value='a"b\\c')
