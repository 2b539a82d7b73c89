"""Asks an RDP server for a connection, as far as TLS, and says what came back.

That is the proof that a desktop can be reached. No login: nothing here knows a password, and the certificate is not
verified, being the server's own; its fingerprint is what a client can compare. The messages are those of MS-RDPBCGR
2.2.1.1 (X.224 Connection Request) and 2.2.1.2 (Connection Confirm). A server that chooses RDP's old encryption has no
certificate, and is ready all the same: which servers a site trusts is decided by its image.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from controller.engine.clock import Clock, SystemClock


class Security(IntEnum):
    """The security protocol that a server chose (2.2.1.2.1)."""

    RDP = 0
    TLS = 1
    CREDSSP = 2
    RDSTLS = 4
    CREDSSP_EARLY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """An RDP server answered and would go on."""

    protocol: Security
    fingerprint: str | None = None
    """SHA-256 of its certificate as ``aa:bb:…``; None without TLS."""
    ready = True
    reason = "Negotiated"

    @property
    def message(self) -> str:
        return f"the RDP server answered and chose {self.protocol.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotListening:
    """The address answers, and nothing listens on the port."""

    message: str
    ready = False
    reason = "NotListening"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """No connection, no answer in time, or none at all."""

    message: str
    ready = False
    reason = "NoAnswer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRdp:
    """Something answered that is no RDP server, or one that refuses every security a client has."""

    message: str
    ready = False
    reason = "NotRdp"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTls:
    """The RDP server chose TLS, and then no TLS came about: no client would get on."""

    message: str
    ready = False
    reason = "NoTls"


ProbeResult = Negotiated | NotListening | NoAnswer | NotRdp | NoTls


class Negotiate(Protocol):
    """How a prober asks."""

    def __call__(self, address: str, port: int, *, timeout: float) -> ProbeResult: ...


_OFFERED = Security.TLS | Security.CREDSSP
_CONNECTION_REQUEST = 0xE0
_CONNECTION_CONFIRM = 0xD0
_NEGOTIATION_REQUEST = 1
_NEGOTIATION_RESPONSE = 2
_NEGOTIATION_FAILURE = 3
_TPKT = struct.Struct(">BBH")
_NEGOTIATION = struct.Struct("<BBHI")
_X224_LENGTH = 7
_LONGEST = 512
"""Bytes; a Connection Confirm has 11 or 19."""

_REFUSALS = {
    1: "it requires TLS",
    2: "it takes only its own old encryption",
    3: "it has no certificate for TLS",
    4: "the flags do not fit together",
    5: "it requires CredSSP",
    6: "it requires TLS with a client certificate",
}
_ONLY_STANDARD_SECURITY = 2


def negotiate(address: str, port: int, *, timeout: float, clock: Clock | None = None) -> ProbeResult:
    """Connect, ask for TLS or CredSSP, shake hands where the server chose one, hang up; all within ``timeout`` seconds.

    ``address`` is an IPv4 or IPv6 address: names are not looked up. Raises ``ValueError`` for anything else.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + timeout
    ip, where = ipaddress.ip_address(address), f"{address} port {port}"
    try:
        with socket.socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect((address, port))
            connection.sendall(connection_request())
            result = _confirmed(connection, where, clock, deadline)
            if isinstance(result, Negotiated) and result.protocol is not Security.RDP:
                # CredSSP runs inside of TLS too (MS-RDPBCGR 5.4.5)
                return _shaken(connection, result, where, clock, deadline)
            return result
    except ConnectionRefusedError:
        return NotListening(message=f"{where}: nothing listens there")
    except TimeoutError:
        return NoAnswer(message=f"{where}: no answer within {timeout:g} s")
    except OSError as error:
        return NoAnswer(message=f"{where}: {error.strerror or error}")


def connection_request() -> bytes:
    """TPKT, X.224 Connection Request and RDP_NEG_REQ, without a cookie: 19 bytes."""
    negotiation = _NEGOTIATION.pack(_NEGOTIATION_REQUEST, 0, _NEGOTIATION.size, _OFFERED)
    # length indicator (without itself), code, destination and source reference, class 0
    x224 = struct.pack(">BBHHB", _X224_LENGTH - 1 + len(negotiation), _CONNECTION_REQUEST, 0, 0, 0)
    return _TPKT.pack(3, 0, _TPKT.size + len(x224) + len(negotiation)) + x224 + negotiation


def _confirmed(connection: socket.socket, where: str, clock: Clock, deadline: float) -> ProbeResult:
    header = _receive(connection, _TPKT.size, clock, deadline)
    if len(header) < _TPKT.size:
        return _hung_up(where, header)
    version, _, length = _TPKT.unpack(header)
    if version != 3 or not _TPKT.size + _X224_LENGTH <= length <= _LONGEST:
        return NotRdp(message=f"{where}: what answers is no RDP server (it begins with {header.hex()})")
    body = _receive(connection, length - _TPKT.size, clock, deadline)
    if len(body) < length - _TPKT.size:
        return _hung_up(where, header + body)
    return read_confirm(body, where)


def _shaken(
    connection: socket.socket, result: Negotiated, where: str, clock: Clock, deadline: float
) -> Negotiated | NoTls:
    """The same with the fingerprint. Raises ``TimeoutError`` at the deadline."""
    left = deadline - clock.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    try:
        with _context().wrap_socket(connection) as secured:
            certificate = secured.getpeercert(binary_form=True)
    except TimeoutError:
        raise
    except OSError as error:  # ssl.SSLError is one; what is hung up here is hung up by a server that chose TLS
        why = getattr(error, "reason", None) or error.strerror or str(error)
        return NoTls(message=f"{where}: the RDP server chose {result.protocol.name}, but its TLS fails ({why})")
    if certificate is None:
        return NoTls(message=f"{where}: the RDP server chose {result.protocol.name}, but shows no certificate")
    return replace(result, fingerprint=fingerprint_of(certificate))


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a DER certificate as FreeRDP takes it: ``aa:bb:…``."""
    return hashlib.sha256(certificate).digest().hex(":")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _hung_up(where: str, received: bytes) -> ProbeResult:
    if received and received[0] != 3:
        return NotRdp(message=f"{where}: what answers is no RDP server (it begins with {received.hex()})")
    return NoAnswer(message=f"{where}: it hung up after {len(received)} bytes")


def read_confirm(x224: bytes, where: str) -> ProbeResult:
    """Read an X.224 Connection Confirm (without its TPKT header) of at least 7 bytes."""
    if x224[1] & 0xF0 != _CONNECTION_CONFIRM or x224[0] != len(x224) - 1:
        return NotRdp(message=f"{where}: what answers is no RDP server (its answer is {x224[:16].hex()})")
    negotiation = x224[_X224_LENGTH:]
    if not negotiation:
        # a server from before the negotiation, or one that ignores it
        return Negotiated(protocol=Security.RDP)
    if len(negotiation) < _NEGOTIATION.size:
        return NotRdp(message=f"{where}: its answer to the RDP negotiation is cut short ({negotiation.hex()})")
    kind, _, length, value = _NEGOTIATION.unpack_from(negotiation)
    if length != _NEGOTIATION.size or kind not in {_NEGOTIATION_RESPONSE, _NEGOTIATION_FAILURE}:
        return NotRdp(message=f"{where}: its answer to the RDP negotiation makes no sense ({negotiation.hex()})")
    if kind == _NEGOTIATION_FAILURE:
        if value == _ONLY_STANDARD_SECURITY:
            # clients come back without asking for TLS then
            return Negotiated(protocol=Security.RDP)
        return NotRdp(message=f"{where}: the RDP server refuses: {_REFUSALS.get(value, f'failure {value}')}")
    if value not in set(Security):
        return NotRdp(message=f"{where}: the RDP server chose an unknown security protocol ({value})")
    return Negotiated(protocol=Security(value))


def _receive(connection: socket.socket, size: int, clock: Clock, deadline: float) -> bytes:
    """Up to ``size`` bytes; fewer if the other side hung up. Raises ``TimeoutError`` at the deadline."""
    received = b""
    while len(received) < size:
        left = deadline - clock.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(size - len(received))
        if not part:
            break
        received += part
    return received
