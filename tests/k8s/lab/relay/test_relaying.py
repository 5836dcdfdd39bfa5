"""What happens to the bytes of a relayed connection."""

import asyncio
import random
import socket
import struct
import time
from collections import Counter

import pytest
from scipy import stats

from k8s.lab.relay.counters import NO_ENDPOINT
from tests.k8s.lab.relay.wiring import (
    CLIENT_IP,
    SERVICE,
    Streams,
    Wiring,
    closed_port,
    echo,
    name_peer,
    settled,
)

ENDPOINT = "127.77.2.1"


async def ask_all(streams: Streams, payload: bytes) -> bytes:
    """Send everything, end, and read to the other end's end."""
    reader, writer = streams

    async def send() -> None:
        writer.write(payload)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    answer = await reader.read(-1)
    await sending
    writer.close()
    return answer


@pytest.mark.parametrize("delay_s", [0.0, 0.0003])
def test_bytes_pass_untouched_and_are_counted_exactly(delay_s: float) -> None:
    """Several megabytes come back as sent, and both directions count every byte once."""
    payload = random.Random(3).randbytes(5_000_001)

    async def run() -> None:
        async with Wiring(delay_s=delay_s).open() as wiring:
            await wiring.endpoint(ENDPOINT, echo)
            assert payload == await ask_all(await wiring.client(), payload)
            tally = wiring.counters.tally(SERVICE, CLIENT_IP, ENDPOINT)
            await settled(lambda: tally.active == 0)
            assert (1, 0, len(payload), len(payload)) == (
                tally.connections,
                tally.failed,
                tally.request_bytes,
                tally.response_bytes,
            )

    asyncio.run(run())


def test_the_endpoint_sees_the_clients_address() -> None:
    """The source address is the client's, as under DNAT."""

    async def run() -> None:
        async with Wiring().open() as wiring:
            await wiring.endpoint(ENDPOINT, name_peer)
            reader, writer = await wiring.client("127.77.3.42")
            assert await reader.read(-1) == b"127.77.3.42"
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize("delay_s", [0.0, 0.001])
def test_half_close_reaches_the_server_and_the_answer_comes_after_it(delay_s: float) -> None:
    """A server that answers only after the client's end of stream can do so."""

    async def after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(-1)
        writer.write(b"you said " + asked)
        writer.close()

    async def run() -> None:
        async with Wiring(delay_s=delay_s).open() as wiring:
            await wiring.endpoint(ENDPOINT, after_the_end)
            assert await ask_all(await wiring.client(), b"hello") == b"you said hello"

    asyncio.run(run())


def test_a_client_that_only_listens_is_served_after_the_servers_half_close() -> None:
    """The server's end of stream does not end the other direction."""
    heard: asyncio.Future[bytes]

    async def speak_then_listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"your turn")
        writer.write_eof()
        heard.set_result(await reader.read(-1))
        writer.close()

    async def run() -> None:
        nonlocal heard
        heard = asyncio.get_running_loop().create_future()
        async with Wiring().open() as wiring:
            await wiring.endpoint(ENDPOINT, speak_then_listen)
            reader, writer = await wiring.client()
            assert await reader.read(-1) == b"your turn"
            writer.write(b"thanks")
            writer.write_eof()
            assert await heard == b"thanks"
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize("delay_s", [0.0, 0.001])
def test_a_servers_reset_reaches_the_client_after_what_was_sent_before(delay_s: float) -> None:
    """The client reads the bytes before the reset, then the reset."""

    async def answer_and_break(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"half an ans")
        await reader.read(100)  # the client has read it
        break_off(writer)

    async def run() -> None:
        async with Wiring(delay_s=delay_s).open() as wiring:
            await wiring.endpoint(ENDPOINT, answer_and_break)
            reader, writer = await wiring.client()
            writer.write(b"?")
            assert await reader.readexactly(11) == b"half an ans"
            writer.write(b"got it")
            with pytest.raises(ConnectionResetError):
                await reader.read(-1)
            assert wiring.counters.tally(SERVICE, CLIENT_IP, ENDPOINT).active == 0

    asyncio.run(run())


def test_a_clients_reset_reaches_the_server() -> None:
    """The server's read fails as it would without a relay."""
    ended: asyncio.Future[str]

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(100)
            writer.write(b"go on")
            await reader.read(100)
        except ConnectionResetError:
            ended.set_result("reset")
        else:
            ended.set_result("end of stream")

    async def run() -> None:
        nonlocal ended
        ended = asyncio.get_running_loop().create_future()
        async with Wiring().open() as wiring:
            await wiring.endpoint(ENDPOINT, wait_for_the_end)
            reader, writer = await wiring.client()
            writer.write(b"?")
            await reader.readexactly(5)
            break_off(writer)
            assert await ended == "reset"

    asyncio.run(run())


def test_a_server_that_does_not_read_holds_the_client_back() -> None:
    """What waits in the relay is bounded; once the server reads, everything arrives."""
    go_on: asyncio.Event
    offered = 64 << 20

    async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        total = 0
        while data := await reader.read(1 << 20):
            total += len(data)
        writer.write(str(total).encode())
        writer.close()

    async def run() -> None:
        nonlocal go_on
        go_on = asyncio.Event()
        async with Wiring(delay_s=0.0005).open() as wiring:
            await wiring.endpoint(ENDPOINT, read_late)
            sock = socket.socket()
            host, port = (await wiring.client())[1].get_extra_info("peername")
            sock.connect((host, port))
            sock.settimeout(0)
            taken, still = 0, 0
            while still < 20:  # 100 ms without room for a byte
                try:
                    taken += sock.send(bytes(1 << 18))
                    still = 0
                except BlockingIOError:
                    still += 1
                    await asyncio.sleep(0.005)
                assert taken < offered, "nothing held the client back"
            go_on.set()
            sock.settimeout(None)
            sock.shutdown(socket.SHUT_WR)
            answer = await asyncio.get_running_loop().run_in_executor(None, sock.recv, 100)
            assert str(taken) == answer.decode()
            sock.close()

    asyncio.run(run())


def test_without_a_usable_endpoint_the_client_is_reset_and_counted() -> None:
    """No rule's endpoint: the connection is reset, and is a failure of its own row."""

    async def run() -> None:
        async with Wiring().open() as wiring:
            with pytest.raises(ConnectionResetError):
                await ask_all(await wiring.client(), b"anybody?")
            tally = wiring.counters.tally(SERVICE, CLIENT_IP, NO_ENDPOINT)
            assert (tally.connections, tally.failed) == (0, 1)

    asyncio.run(run())


def test_an_endpoint_that_refuses_resets_the_client_and_is_counted() -> None:
    """A dead endpoint is a failed connection of its row, not an opened one."""

    async def run() -> None:
        async with Wiring(targets=[closed_port(ENDPOINT)]).open() as wiring:
            with pytest.raises(ConnectionResetError):
                await ask_all(await wiring.client(), b"anybody?")
            tally = wiring.counters.tally(SERVICE, CLIENT_IP, ENDPOINT)
            assert (tally.connections, tally.failed, tally.request_bytes) == (0, 1, 0)

    asyncio.run(run())


def test_choices_are_uniform_over_the_usable_endpoints() -> None:
    """900 connections over 6 endpoints agree with equal chances (chi-square), and all are counted."""

    async def run() -> None:
        async with Wiring(seed=5).open() as wiring:
            for number in range(1, 7):
                await wiring.endpoint(f"127.77.2.{number}", name_peer)
            for _ in range(900):
                reader, writer = await wiring.client()
                await reader.read(-1)
                writer.close()
            rows = wiring.counters.snapshot()
            counts = Counter({row["server_ip"]: row["connections"] for row in rows})
            assert (len(counts), counts.total()) == (6, 900)
            assert stats.chisquare(list(counts.values())).pvalue > 0.01

    asyncio.run(run())


def test_latency_is_added_to_the_handshake_and_to_both_directions() -> None:
    """The first answer takes at least four one-way delays, a later one at least two."""
    delay_s = 0.02

    async def run() -> None:
        async with Wiring(delay_s=delay_s).open() as wiring:
            await wiring.endpoint(ENDPOINT, echo)
            began_s = time.monotonic()
            reader, writer = await wiring.client()
            for least in (4, 2):
                writer.write(b"ping")
                await reader.readexactly(4)
                now_s = time.monotonic()
                assert now_s - began_s >= least * delay_s
                began_s = now_s
            writer.close()

    asyncio.run(run())


def test_latency_is_a_line_and_not_a_sleep_per_chunk() -> None:
    """Fifty chunks sent one after the other are all on the wire at once."""
    delay_s, chunks = 0.1, 50

    async def run() -> None:
        async with Wiring(delay_s=delay_s).open() as wiring:
            await wiring.endpoint(ENDPOINT, echo)
            reader, writer = await wiring.client()
            began_s = time.monotonic()
            for _ in range(chunks):
                writer.write(b"x" * 1000)
                await asyncio.sleep(0.002)
            await reader.readexactly(chunks * 1000)
            assert time.monotonic() - began_s < chunks * delay_s  # what a sleep per chunk takes at least
            writer.close()

    asyncio.run(run())


def break_off(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
