"""Ports and addresses before they are used: whether they can be had, in one clear line."""

import errno
import socket

from k8s.errors import UnreachableError, UsageError
from k8s.lab.design.addresses import DEFAULT_OCTET, LAST_OCTET, POD_PORT, RELAY_ADMIN_PORT, Addresses

HOST = "127.0.0.1"
_HELD_NODE = 254
"""No node has this number, so its address can stand for the octet."""
_LOOKED_AT = 12
"""Pod addresses of each node that have to be free; an earlier lab's pods had the first ones."""


def take_port(port: int, what: str, option: str) -> int:
    """*port* if it is free, any free one for 0; UsageError if it is taken."""
    try:
        with _bound(HOST, port) as sock:
            number: int = sock.getsockname()[1]
            return number
    except OSError as error:
        raise UsageError(
            f"starting the lab: {what} needs {HOST}:{port}, but: {error.strerror}; end what holds it, or "
            f"choose another with {option}"
        ) from error


def take_octet(nodes: int) -> tuple[int, socket.socket]:
    """The first second octet that no other lab has, and a socket that holds it for as long as it is open.

    UnreachableError if all are taken, or if this machine's loopback is 127.0.0.1 alone.
    """
    for octet in range(DEFAULT_OCTET, LAST_OCTET + 1):
        addresses = Addresses(octet=octet)
        try:
            held = _bound(addresses.node(_HELD_NODE), RELAY_ADMIN_PORT, exclusive=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UnreachableError(
                    f"starting the lab: cannot use {addresses.node(1)} ({error.strerror}); it needs all of "
                    "127.0.0.0/8 on the loopback, as Linux has it: run it in a Linux machine or container"
                ) from error
            continue
        if _all_free(addresses, nodes):
            return octet, held
        held.close()
    raise UnreachableError(
        f"starting the lab: other labs hold all of 127.{DEFAULT_OCTET}.0.0/16 to 127.{LAST_OCTET}.0.0/16; "
        "stop one with: samezone lab down"
    )


def _all_free(addresses: Addresses, nodes: int) -> bool:
    """Whether nothing of an earlier lab is still ending: relays, or pods whose supervisor was killed."""
    numbers = range(1, nodes + 1)
    wanted = [(addresses.node(number), RELAY_ADMIN_PORT) for number in numbers]
    wanted += [
        (addresses.pod(number, pod), POD_PORT) for number in numbers for pod in range(1, _LOOKED_AT + 1)
    ]
    for host, port in wanted:
        try:
            _bound(host, port).close()
        except OSError:
            return False
    return True


def _bound(host: str, port: int, *, exclusive: bool = False) -> socket.socket:
    """A socket that is bound and does not listen: to find out, or (exclusive) to keep others off."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As the servers do: what only lingers of an earlier lab is no obstacle. But two sockets that both
        # say so and do not listen can have one address.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, not exclusive)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
