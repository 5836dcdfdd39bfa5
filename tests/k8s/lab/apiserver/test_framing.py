"""Bytes of other formats: SPDY frames and protobuf bodies."""

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.lab.apiserver import protobuf
from k8s.lab.apiserver.spdy import DICTIONARY, Data, Framing, Ping, Reset, SpdyError, StreamOpened
from k8s.lab.apiserver.statuses import StatusError

FEW = settings(max_examples=100)


def opened(compress: "zlib._Compress", stream: int, **headers: str) -> bytes:
    """A SYN_STREAM as a client sends it."""
    pairs = b"".join(
        struct.pack(">I", len(text)) + text.encode() for pair in headers.items() for text in pair
    )
    block = compress.compress(struct.pack(">I", len(headers)) + pairs) + compress.flush(zlib.Z_SYNC_FLUSH)
    payload = struct.pack(">IIH", stream, 0, 0) + block
    return struct.pack(">HHI", 0x8003, 1, len(payload)) + payload


def test_the_dictionary_is_spdys() -> None:
    """By the identifier that zlib gives it in the stream's head."""
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_frames_come_in_any_pieces(size: int) -> None:
    """Two streams whose headers share one compression, data, a ping, a reset; others are passed over."""
    compress = zlib.compressobj(zdict=DICTIONARY)
    sent = opened(compress, 1, streamtype="error", port="80") + opened(compress, 3, Streamtype="data")
    sent += Framing.data(3, b"hello", is_last=True) + struct.pack(">HHII", 0x8003, 6, 4, 7)
    sent += struct.pack(">HHI", 0x8003, 4, 0) + Framing.reset(3)
    framing = Framing()
    found = [frame for at in range(0, len(sent), size) for frame in framing.feed(sent[at : at + size])]

    assert found == [
        StreamOpened(stream=1, headers={"streamtype": "error", "port": "80"}, is_last=False),
        StreamOpened(stream=3, headers={"streamtype": "data"}, is_last=False),
        Data(stream=3, payload=b"hello", is_last=True),
        Ping(number=7),
        Reset(stream=3),
    ]


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">HHI", 0x8002, 1, 0),
        struct.pack(">HHI", 0x8003, 1, 0),
        struct.pack(">HHI", 0x8003, 3, 0),
        struct.pack(">III", 1, 2**21, 0),
        struct.pack(">HHI", 0x8003, 8, 8) + b"\x00\x00\x00\x01rubb",
    ],
)
def test_what_is_no_spdy_is_said_so(sent: bytes) -> None:
    """Another version, a frame cut short or too long, headers that do not unpack."""
    with pytest.raises(SpdyError):
        list(Framing().feed(sent))


def test_headers_that_explode_are_refused() -> None:
    """A few bytes that would be megabytes."""
    with pytest.raises(SpdyError, match="too long"):
        list(Framing().feed(opened(zlib.compressobj(zdict=DICTIONARY), 1, x="0" * 2**20)))


@FEW
@given(data=st.binary(max_size=200))
def test_any_bytes_are_frames_or_none(data: bytes) -> None:
    """Nothing else goes wrong."""
    for start in (b"", struct.pack(">HHI", 0x8003, 1, len(data))):
        with suppress(SpdyError):
            list(Framing().feed(start + data))


def field(number: int, value: bytes | int) -> bytes:
    """One field as protobuf has it; small ones only."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    tag = number << 3 | 2
    head = bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])
    return head + bytes([len(value)]) + value


def body(kind: str, raw: bytes) -> bytes:
    meta = field(1, b"apps/v1") + field(2, kind.encode())
    return b"k8s\x00" + field(1, meta) + field(2, raw)


def test_a_deployment_in_protobuf() -> None:
    """Zeros that Go sends of its own accord are left out, a wanted zero is kept."""
    metadata = (
        field(1, b"catalog") + field(3, b"") + field(8, b"") + field(11, field(1, b"a") + field(2, b"b"))
    )
    port = field(2, 0) + field(3, 80)
    container = field(1, b"app") + field(3, b"x") + field(3, b"y") + field(6, port) + field(8, b"")
    template = field(1, b"") + field(2, field(2, container))
    rolling = field(2, field(2, field(1, 1) + field(3, b"25%")))
    spec = field(1, 0) + field(3, template) + field(4, rolling) + field(7, 0)

    raw = field(1, metadata) + field(2, spec) + field(3, field(1, 0))
    assert protobuf.decoded(body("Deployment", raw)) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "catalog", "labels": {"a": "b"}},
        "spec": {
            "replicas": 0,
            "template": {
                "spec": {
                    "containers": [{"name": "app", "command": ["x", "y"], "ports": [{"containerPort": 80}]}]
                }
            },
            "strategy": {"rollingUpdate": {"maxSurge": "25%"}},
        },
    }


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (b"{}", 400, "does not appear to be a protobuf message"),
        (body("Node", b""), 415, "kind 'Node' is not read in protobuf"),
        (body("ServiceSpec", b""), 415, "kind 'ServiceSpec' is not read in protobuf"),
        (body("Pod", field(2, field(18, b"x"))), 415, "field 18 of PodSpec is not read in protobuf"),
        (body("Pod", field(1, field(1, 3))), 415, "name is a number"),
        (body("Pod", b"\x0a\x7f"), 415, "cut off"),
        (b"k8s\x00\xff", 415, "cut off"),
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes, code: int, words: str) -> None:
    """Never half of it taken for the whole."""
    with pytest.raises(StatusError) as refused:
        protobuf.decoded(raw)
    assert refused.value.code == code
    assert words in str(refused.value)


@FEW
@given(data=st.binary(max_size=100), kind=st.sampled_from(["Deployment", "Pod", "Eviction", "DeleteOptions"]))
def test_any_bytes_are_an_object_or_none(data: bytes, kind: str) -> None:
    """Nothing else goes wrong."""
    for raw in (data, b"k8s\x00" + data, body(kind, data)):
        assert outcome(raw) in {0, 400, 415}


def outcome(raw: bytes) -> int:
    """0 for an object, the refusal's code for none."""
    try:
        protobuf.decoded(raw)
    except StatusError as refused:
        return refused.code
    return 0
