"""Bytes between a pod's port and whatever the client has in place of a socket."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

LINGER_S = 1.0
"""How long a client may go on sending to a pod that has ended its side, as containerd has it."""
CHUNK_BYTES = 64 * 1024


class UnreachablePortError(OSError):
    """The pod does not listen there; the text says so."""


async def connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a port of a pod; UnreachablePortError."""
    try:
        return await asyncio.open_connection(host, port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise UnreachablePortError(f"failed to connect to {host}:{port}: {why.lower()}") from error


async def drain(reader: asyncio.StreamReader, send: Callable[[bytes], Awaitable[None]]) -> str:
    """Send on what the pod sends until it ends; says why, if it broke off."""
    while True:
        try:
            data = await reader.read(CHUNK_BYTES)
        except OSError as error:
            return f"reading from the pod: {error.strerror or error}".lower()
        if not data:
            return ""
        await send(data)


async def give(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send to the pod; what comes for one that listens no more is dropped, as the network does it."""
    with contextlib.suppress(OSError):
        writer.write(data)
        await writer.drain()


async def first_of(*work: Coroutine[Any, Any, object]) -> None:
    """Run all of them until the first one ends, then end the others; a client that is gone is no error."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not _is_gone(outcome):
            raise outcome


def _is_gone(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_gone(one) for one in error.exceptions)
    return isinstance(error, ConnectionError | asyncio.CancelledError)
