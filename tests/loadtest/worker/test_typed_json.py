"""JSON of the swarm's messages, without a library."""

import msgspec
import pytest

from loadtest.worker.latency import histogram
from loadtest.worker.messages import WorkerReport, read_report
from loadtest.worker.plan import DEFAULT_PAGES, Page
from loadtest.worker.tally import PageTally, WorkerTally
from loadtest.worker.typed_json import MismatchError, decode, encode

REPORT = WorkerReport(
    generation=2,
    idle=False,
    tally=WorkerTally(
        worker="locust-worker-ü",
        zone="eu-west-1a",
        node="node-a-1",
        requests=3,
        pages=(PageTally(page="home", requests=3, failures=0),),
        latency=histogram([(3, 2), (700, 1)]),
        cpu_percent_max=12.5,
        errors=(('HTTP 500 "no"', 1),),
    ),
)


def test_messages_are_read_as_they_were_written():
    """There and back again, nested dataclasses and pairs included."""
    assert decode(encode(REPORT), WorkerReport) == REPORT
    assert decode(encode(DEFAULT_PAGES), tuple[Page, ...]) == DEFAULT_PAGES


def test_both_codecs_agree():
    """Either side of a message may use msgspec."""
    assert decode(msgspec.json.encode(REPORT), WorkerReport) == REPORT
    assert msgspec.json.decode(encode(REPORT), type=WorkerReport) == REPORT


def test_reading_is_lenient_where_versions_may_differ():
    """An unknown key is passed over, a field with a default may be absent, a whole number is a float."""
    said = '{"name": "w", "worker": "w", "zone": "a", "node": "n", "first_s": 1}'
    assert decode(said, WorkerTally) == WorkerTally(worker="w", zone="a", node="n", first_s=1.0)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ('[{"name": "home", "path": "/home"}]', "weight is missing at $[0]"),
        ('[{"name": "home", "path": "/home", "weight": "2"}]', "expected int, got str at $[0].weight"),
        ('[{"name": "home", "path": "/home", "weight": true}]', "expected int, got bool at $[0].weight"),
        ('[{"name": "home", "path": "/home", "weight": 1.5}]', "expected int, got float at $[0].weight"),
        ("[1]", "expected dict, got int at $[0]"),
        ("{}", "expected list, got dict at $"),
    ],
)
def test_a_mismatch_is_named(raw: str, complaint: str):
    """What was expected, what came, and where."""
    with pytest.raises(MismatchError) as caught:
        decode(raw, tuple[Page, ...])
    assert str(caught.value) == complaint


def test_a_pair_has_two_items():
    """A tuple of fixed length is not a list."""
    with pytest.raises(MismatchError, match=r"expected 2 items, got 3 at \$\.tally\.latency\.counts\[0\]"):
        read_report(encode(REPORT).replace(b"[3,2]", b"[3,2,1]"))


def test_what_has_no_form_in_json_is_refused():
    """A type error, not a wrong text."""
    with pytest.raises(TypeError, match="set has no form in JSON"):
        encode({1})
    with pytest.raises(TypeError, match="has no form in JSON"):
        decode("{}", dict[str, str])
