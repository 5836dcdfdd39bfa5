"""A certificate authority of a test's own, made by the openssl program."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A private CA in a folder."""

    folder: Path

    @property
    def pem(self) -> str:
        """Its certificate."""
        return (self.folder / "ca.pem").read_text()

    def server(self, *names: str) -> ssl.SSLContext:
        """A server's side of TLS, with a certificate for these names (``DNS:x``, ``IP:y``)."""
        key, request, cert = (self.folder / f"server.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / "server.ext"
        extensions.write_text(f"subjectAltName={','.join(names)}\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=t", "-keyout", key, "-out", request)
        authority = ("-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        made = ("-days", "2", "-extfile", extensions, "-out", cert)
        _openssl("x509", "-req", "-in", request, *authority, *made)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context


def authority(folder: Path) -> Authority:
    """A new CA; *folder* is made."""
    folder.mkdir()
    made = ("-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test CA", *made)
    return Authority(folder=folder)


@contextmanager
def front(trust: ssl.SSLContext, address: str, behind: tuple[str, int]) -> Iterator[int]:
    """A load balancer that ends TLS on *address* and hands bytes on to *behind*; yields its port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*behind)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    server = wait(asyncio.start_server(handle, address, 0, ssl=trust))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
