"""ui's HTTP client against servers that misbehave."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from k8s.lab.service.exchange import ExchangeError, HttpAnswer, connect

SERVER_IP, SOURCE_IP = "127.78.2.1", "127.78.2.2"


def exchange_with(*parts: bytes, timeout_s: float = 5.0, hang: bool = False) -> HttpAnswer:
    """Ask a server that answers in these parts, and then hangs up (or not)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        if hang:
            await reader.read(1)
        writer.close()

    async def run() -> HttpAnswer:
        async with await asyncio.start_server(answer, SERVER_IP, 0) as server:
            link = await connect(server.sockets[0].getsockname(), SOURCE_IP, timeout_s)
            try:
                return await link.exchange(b"GET / HTTP/1.1\r\n\r\n", timeout_s)
            finally:
                link.close()

    return asyncio.run(run())


def test_an_answer_may_come_in_any_parts() -> None:
    """Split in the head, in the head's end, and in the body."""
    answer = exchange_with(
        b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 11\r\n\r", b"\nhello", b" world", hang=True
    )
    assert HttpAnswer(status=200, body=b"hello world", reusable=True) == answer


def test_without_a_length_the_end_of_the_connection_ends_the_answer() -> None:
    """Such a connection is of no further use."""
    assert HttpAnswer(status=404, body=b"no", reusable=False) == exchange_with(
        b"HTTP/1.1 404 Not Found\r\n\r\n", b"no"
    )


def test_a_server_that_closes_says_so_before() -> None:
    """The connection is not kept."""
    answer = exchange_with(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert not answer.reusable


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((), "ended before the answer"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",), "ended within the answer"),
        ((b"SSH-2.0-x\r\n\r\n",), "not an HTTP/1.1 answer"),
    ],
)
def test_half_an_answer_is_an_error(parts: tuple[bytes, ...], said: str) -> None:
    """The message says what was missing."""
    with pytest.raises(ExchangeError, match=said):
        exchange_with(*parts)


def test_a_server_that_never_answers_is_given_up() -> None:
    """After the time that was allowed."""
    with pytest.raises(TimeoutError, match="no answer within"):
        exchange_with(timeout_s=0.05, hang=True)


def test_an_idle_connection_that_the_server_closed_is_not_usable() -> None:
    """It would fail the next request."""

    async def run(act: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> bool:
        writers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await writers.put(writer)

        async with await asyncio.start_server(take, SERVER_IP, 0) as server:
            link = await connect(server.sockets[0].getsockname(), SOURCE_IP, 5.0)
            writer = await writers.get()
            await act(writer)
            await asyncio.sleep(0.02)
            usable = link.is_usable
            link.close()
            writer.close()
            return usable

    async def nothing(_writer: asyncio.StreamWriter) -> None: ...

    async def close(writer: asyncio.StreamWriter) -> None:
        writer.close()

    assert (asyncio.run(run(nothing)), asyncio.run(run(close))) == (True, False)
