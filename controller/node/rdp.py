"""Loopback sockets of running containers: each has an address of its own where an RDP negotiation is answered.

Only the first steps of the protocol, an X.224 Connection Request and its Confirm (MS-RDPBCGR 2.2.1.1 and 2.2.1.2) and
the TLS handshake: what a readiness probe asks. A socket is bound when the address is leased, so that two nodes on a
machine never hand out one twice, and listens only once the guest has booted: until then a connection is refused.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import resource
import secrets
import socket
from functools import partial

from controller.node import desktoptls
from controller.node.memory import DHCP_RANGE

LOG = logging.getLogger(__name__)
PROTOCOL_TLS = 1
CONFIRM = bytes.fromhex("030000130ed0000012340002000800") + PROTOCOL_TLS.to_bytes(4, "little")
"""TPKT, X.224 Connection Confirm, RDP_NEG_RSP: no flags, selected protocol TLS."""
_REQUEST_TYPE = 0xE0
_SECONDS = 10


class LoopbackNetwork:
    """Guests on 127.100.0.0/16 and on static loopback addresses; others are not bound. Used in the server's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, port: int) -> None:
        self._loop = loop
        self._port = port
        self._next = secrets.randbelow(DHCP_RANGE.num_addresses - 2) + 1
        self._bound: dict[str, socket.socket] = {}
        self._servers: dict[str, asyncio.Task[asyncio.Server]] = {}
        _raise_file_limit()

    def lease(self) -> str:
        for _ in range(DHCP_RANGE.num_addresses):
            address = str(DHCP_RANGE[self._next])
            self._next = self._next % (DHCP_RANGE.num_addresses - 2) + 1
            if address not in self._bound and self._bind(address, reuse=False):
                return address
        raise RuntimeError(f"no free address in {DHCP_RANGE} for port {self._port}")

    def claim(self, address: str) -> None:
        if ipaddress.ip_address(address).is_loopback and address not in self._bound:
            self._bind(address, reuse=True)

    def open(self, address: str, *, whose: str) -> None:
        if address not in self._servers and (bound := self._bound.get(address)):
            server = self._loop.create_server(partial(_Negotiation, whose), sock=bound.dup())
            self._servers[address] = self._loop.create_task(server)

    def close(self, address: str) -> None:
        """A listening socket cannot be silenced: it is closed and bound anew."""
        if address in self._servers:
            self._drop(address)
            self._bind(address, reuse=True)

    def release(self, address: str) -> None:
        self._drop(address)

    def release_all(self) -> None:
        for address in [*self._bound]:
            self._drop(address)

    def _bind(self, address: str, *, reuse: bool) -> bool:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setblocking(False)
        if reuse:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((address, self._port))
        except OSError as error:
            bound.close()
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
                raise
            LOG.info("%s:%d cannot be bound: %s", address, self._port, error.strerror)
            return False
        # from here on: so that the address can be bound again while old connections fade, by this node only
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._bound[address] = bound
        return True

    def _drop(self, address: str) -> None:
        task = self._servers.pop(address, None)
        if task and task.done():
            _close_server(task)
        elif task:
            task.add_done_callback(_close_server)
        if bound := self._bound.pop(address, None):
            bound.close()


def _close_server(task: asyncio.Task[asyncio.Server]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


class _Negotiation(asyncio.Protocol):
    """Answers one Connection Request, shakes hands and waits for the client to go; anything else is cut off."""

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._buffer = b""
        self._securing: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._alarm = asyncio.get_running_loop().call_later(_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._securing is not None or len(self._buffer) > 1024:
            return
        self._buffer += data
        answer = confirm(self._buffer)
        if answer is None:
            return
        if not answer:
            self._transport.close()
            return
        self._transport.pause_reading()  # what comes next is TLS, and not for this protocol
        self._transport.write(answer)
        self._securing = asyncio.get_running_loop().create_task(self._secure(self._transport))

    async def _secure(self, transport: asyncio.Transport) -> None:
        tls = desktoptls.context(self._whose)
        try:
            await asyncio.get_running_loop().start_tls(transport, self, tls, server_side=True)
        except OSError as error:  # ssl.SSLError too: the client went, or speaks no TLS
            LOG.debug("no TLS with a client: %s", error)
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._alarm:
            self._alarm.cancel()


def confirm(received: bytes) -> bytes | None:
    """The answer to what was received so far: None while a request is incomplete, empty to what is none."""
    if received[:1] not in (b"", b"\x03") or len(received) > 1024:
        return b""
    length = int.from_bytes(received[2:4], "big")
    if len(received) < 4 or (11 <= length <= 1024 and len(received) < length):
        return None
    return CONFIRM if length >= 11 and received[5] & 0xF0 == _REQUEST_TYPE else b""


def _raise_file_limit() -> None:
    """A thousand containers have a thousand sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
