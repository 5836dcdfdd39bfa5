"""Answers as the lean client reads them, piece by piece."""

import pytest
from geventhttpclient.response import HTTPParseError
from hypothesis import given
from hypothesis import strategies as st

from loadtest.worker.answer import Answer, AnswerReader, KnownHeads

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
FINE = Answer(status=200, length=3, is_kept=True, sets_cookie=False)
WHOLE = (
    HEAD + b"abc",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"abc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\nX: y\r\n\r\n",
)


def read(*pieces: bytes, is_head: bool = False) -> Answer | None:
    """What is known after the last piece."""
    reader, answer = AnswerReader(is_head=is_head), None
    for piece in pieces:
        assert answer is None, "more was read than the answer"
        answer = reader.read(piece)
    return answer


@given(st.sampled_from(WHOLE), st.lists(st.integers(min_value=1, max_value=60), max_size=6))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(whole: bytes, sizes: list[int]):
    """And it is complete with its last byte, not before."""
    pieces, rest = [], whole
    for size in sizes:
        if len(rest) > size:
            pieces.append(rest[:size])
            rest = rest[size:]
    assert read(*pieces, rest) == FINE


def test_a_cookie_is_seen_however_its_name_is_written_and_cut():
    """Servers write it in any case."""
    assert read(b"HTTP/1.1 200 OK\r\nset-COO", b"kie: a=b\r\nContent-Length: 0\r\n\r\n") == Answer(
        status=200, length=0, is_kept=True, sets_cookie=True
    )


def test_of_two_answers_to_one_request_the_first_counts_and_the_connection_ends():
    """What a server sends unasked would be taken for the next answer."""
    second = b"HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx"

    assert read(HEAD + b"abc" + second) == FINE._replace(is_kept=False)


def test_an_end_before_the_answers_own_is_an_error():
    """In the head and in the body alike."""
    for begun in (HEAD[:20], HEAD + b"ab"):
        with pytest.raises(HTTPParseError):
            read(begun, b"")


def test_a_known_head_is_not_read_again_but_with_a_whole_body_only():
    """Less, more or another head is for the reader."""
    known = KnownHeads()
    assert known.answer(HEAD + b"abc") is None
    known.learn(HEAD + b"abc", FINE)

    assert known.answer(HEAD + b"xyz") == FINE
    for other in (HEAD + b"ab", HEAD + b"abcd", HEAD, HEAD.replace(b"OK", b"Ok") + b"abc", b"abc", b""):
        assert known.answer(other) is None


@pytest.mark.parametrize("whole", WHOLE[1:])
def test_a_head_that_does_not_tell_the_length_is_never_known(whole: bytes):
    """Chunks, and an interim answer in front of the answer."""
    known = KnownHeads()
    known.learn(whole, FINE)

    assert known.answer(whole) is None
