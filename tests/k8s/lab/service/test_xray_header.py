"""X-Ray's header as the lab's services read it."""

import pytest

from k8s.lab.service.xray_header import traced
from loadtest.worker.tracing import SpanIds

IDS = SpanIds(trace=bytes.fromhex("692a1b2c") + bytes(range(12)), span=bytes(range(8, 16)))


@pytest.mark.parametrize("sampled", [True, False])
def test_both_headers_of_a_shopper_say_the_same(sampled: bool):
    """The W3C one that is made of X-Ray's is the one that would have been sent."""
    (header,) = IDS.headers("xray", sampled=sampled).values()
    assert (
        traced({"x-amzn-trace-id": header})["traceparent"]
        == (IDS.headers("w3c", sampled=sampled)["traceparent"])
    )


def test_the_order_of_the_fields_and_more_of_them_do_not_matter():
    """A load balancer adds ``Self``; without a decision the trace is sampled."""
    told = {"x-amzn-trace-id": "Self=1-x;Parent=0102030405060708; Root=1-692a1b2c-000102030405060708090a0b"}
    assert traced(told)["traceparent"] == "00-692a1b2c000102030405060708090a0b-0102030405060708-01"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"traceparent": "00-a-b-01", "x-amzn-trace-id": "Root=1-692a1b2c-000102030405060708090a0b"},
        {"x-amzn-trace-id": "Root=1-692a1b2c-000102030405060708090a0b"},
        {"x-amzn-trace-id": "Root=1-short-1;Parent=0102030405060708"},
        {"x-amzn-trace-id": "nonsense;;="},
    ],
)
def test_other_headers_stay_as_they_are(told: dict[str, str]):
    """A W3C header goes first; what names no parent continues no trace."""
    assert traced(told) == told
