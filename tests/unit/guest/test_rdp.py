"""The RDP probe: its messages byte for byte, and what it says of servers of every kind on loopback."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from controller.engine.clock import VirtualClock
from controller.guest.rdp import (
    Negotiated,
    NoAnswer,
    NotListening,
    NoTls,
    NotRdp,
    ProbeResult,
    Security,
    connection_request,
    negotiate,
    read_confirm,
)
from controller.node import desktoptls

XRDP_TLS = bytes.fromhex("030000130ed000001234000200080001000000")
OLD_SERVER = bytes.fromhex("0300000b06d00000123400")
PATIENT = 20.0
DESK = "bc:24:11:00:00:01"


def test_the_request_is_the_one_of_the_specification() -> None:
    # TPKT 19 bytes; X.224 length 14, CR; RDP_NEG_REQ for TLS | CredSSP, as in MS-RDPBCGR 4.1.1 without a cookie
    assert connection_request() == bytes.fromhex("030000130ee000000000000100080003000000")


CONFIRMS: dict[str, tuple[str, ProbeResult]] = {
    "TLS chosen": ("0ed00000123400 0200080001000000", Negotiated(protocol=Security.TLS)),
    "CredSSP chosen, with flags": ("0ed00000123400 021f080002000000", Negotiated(protocol=Security.CREDSSP)),
    "old encryption chosen": ("0ed00000123400 0200080000000000", Negotiated(protocol=Security.RDP)),
    "no negotiation at all": ("06d00000123400", Negotiated(protocol=Security.RDP)),
    "refused: only the old encryption": ("0ed00000123400 0300080002000000", Negotiated(protocol=Security.RDP)),
    "refused: no certificate": (
        "0ed00000123400 0300080003000000",
        NotRdp(message="desk: the RDP server refuses: it has no certificate for TLS"),
    ),
    "refused for an unknown reason": (
        "0ed00000123400 03000800ff000000",
        NotRdp(message="desk: the RDP server refuses: failure 255"),
    ),
    "an unknown protocol": (
        "0ed00000123400 0200080020000000",
        NotRdp(message="desk: the RDP server chose an unknown security protocol (32)"),
    ),
    "another X.224 message": (
        "06e00000123400",
        NotRdp(message="desk: what answers is no RDP server (its answer is 06e00000123400)"),
    ),
    "a length that is not its own": (
        "09d00000123400",
        NotRdp(message="desk: what answers is no RDP server (its answer is 09d00000123400)"),
    ),
    "a negotiation cut short": (
        "0ad00000123400 02000800",
        NotRdp(message="desk: its answer to the RDP negotiation is cut short (02000800)"),
    ),
    "a negotiation of another kind": (
        "0ed00000123400 0700080001000000",
        NotRdp(message="desk: its answer to the RDP negotiation makes no sense (0700080001000000)"),
    ),
}


@pytest.mark.parametrize(("confirm", "result"), CONFIRMS.values(), ids=CONFIRMS)
def test_a_connection_confirm_is_read(confirm: str, result: ProbeResult) -> None:
    assert read_confirm(bytes.fromhex(confirm), "desk") == result


@contextmanager
def server(talk: Callable[[socket.socket], None], *, family: int = socket.AF_INET) -> Iterator[int]:
    """Serves one connection with ``talk`` on loopback; yields its port."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with socket.create_server((host, 0), family=family) as listener:
        listener.settimeout(PATIENT)

        def serve() -> None:
            connection, _ = listener.accept()
            # Who gave up may hang up with a word unread, which is a reset.
            with connection, suppress(ConnectionError):
                connection.settimeout(PATIENT)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def hang_on(connection: socket.socket) -> None:
    """Until the other side hangs up."""
    with suppress(OSError):  # it may do so without a word
        connection.recv(1)


def answering(reply: bytes, *, pieces: int = 1) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert connection.recv(100) == connection_request()
        size = -(-len(reply) // pieces)
        for start in range(0, len(reply), size):
            connection.sendall(reply[start : start + size])
        if reply == XRDP_TLS:
            with desktoptls.context(DESK).wrap_socket(connection, server_side=True) as secured:
                hang_on(secured)
        else:
            hang_on(connection)

    return talk


@pytest.mark.parametrize("pieces", [1, 2, 19])
def test_an_rdp_server_is_ready_however_its_answer_is_cut(pieces: int) -> None:
    with server(answering(XRDP_TLS, pieces=pieces)) as port:
        result = negotiate("127.0.0.1", port, timeout=PATIENT)
    assert result == Negotiated(protocol=Security.TLS, fingerprint=desktoptls.fingerprint(DESK))
    assert result.ready
    assert result.message == "the RDP server answered and chose TLS"


def test_the_fingerprint_is_that_of_the_certificate_as_clients_write_it() -> None:
    with server(answering(XRDP_TLS)) as port:
        result = negotiate("127.0.0.1", port, timeout=PATIENT)
    assert isinstance(result, Negotiated)
    assert result.fingerprint is not None
    assert re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){31}", result.fingerprint)


def test_every_desktop_has_a_certificate_of_its_own_and_keeps_it() -> None:
    assert desktoptls.fingerprint(DESK) != desktoptls.fingerprint("bc:24:11:00:00:02")
    assert desktoptls.fingerprint(DESK) == desktoptls.fingerprint(DESK)


@pytest.mark.parametrize(
    "said", [b"", b"no TLS at all, but a few bytes"], ids=["it hangs up", "it says something else"]
)
def test_a_server_that_chose_tls_and_has_none_is_not_ready(said: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(XRDP_TLS + said)
        if said:
            connection.recv(1000)

    with server(talk) as port:
        result = negotiate("127.0.0.1", port, timeout=PATIENT)
    assert isinstance(result, NoTls)
    assert result.message.startswith(f"127.0.0.1 port {port}: the RDP server chose TLS, but its TLS fails (")
    assert not result.ready


def test_a_tls_handshake_that_never_ends_gives_no_answer() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(XRDP_TLS)
        connection.recv(9999)  # the client's hello
        hang_on(connection)

    with server(talk) as port:
        result = negotiate("127.0.0.1", port, timeout=0.3)
    assert result == NoAnswer(message=f"127.0.0.1 port {port}: no answer within 0.3 s")


def test_a_server_without_negotiation_is_ready_too_without_a_fingerprint() -> None:
    with server(answering(OLD_SERVER)) as port:
        assert negotiate("127.0.0.1", port, timeout=PATIENT) == Negotiated(protocol=Security.RDP)


def test_ipv6_is_spoken() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6 on loopback")
    with server(answering(XRDP_TLS), family=socket.AF_INET6) as port:
        assert negotiate("::1", port, timeout=PATIENT).ready


def test_a_port_without_a_server_is_not_listening() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert negotiate("127.0.0.1", port, timeout=PATIENT) == NotListening(
            message=f"127.0.0.1 port {port}: nothing listens there"
        )


def test_a_server_that_says_nothing_gives_no_answer() -> None:
    with server(lambda connection: connection.recv(100) and connection.recv(1)) as port:
        result = negotiate("127.0.0.1", port, timeout=0.05)
    assert result == NoAnswer(message=f"127.0.0.1 port {port}: no answer within 0.05 s")


def test_a_server_that_hangs_up_gives_no_answer() -> None:
    with server(lambda connection: connection.recv(100)) as port:
        result = negotiate("127.0.0.1", port, timeout=PATIENT)
    assert result == NoAnswer(message=f"127.0.0.1 port {port}: it hung up after 0 bytes")


def test_a_server_that_hangs_up_half_way_gives_no_answer() -> None:
    with server(lambda connection: connection.recv(100) and connection.sendall(XRDP_TLS[:9])) as port:
        result = negotiate("127.0.0.1", port, timeout=PATIENT)
    assert result == NoAnswer(message=f"127.0.0.1 port {port}: it hung up after 9 bytes")


class RunningClock(VirtualClock):
    """Every look at it takes a second."""

    def monotonic(self) -> float:
        self.advance(1.0)
        return super().monotonic()


def test_the_time_is_limited_as_a_whole_not_per_byte() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(XRDP_TLS[:1])
        connection.recv(1)

    with server(drip) as port:
        result = negotiate("127.0.0.1", port, timeout=2.5, clock=RunningClock())
    assert isinstance(result, NoAnswer)


@pytest.mark.parametrize(
    "banner",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"RFB 003.008\n", b"\x03\x00\xff\xff", b"X"],
    ids=["ssh", "http", "vnc", "a huge TPKT", "one byte"],
)
def test_another_service_is_not_rdp(banner: bytes) -> None:
    with server(lambda connection: connection.recv(100) and connection.sendall(banner)) as port:
        result = negotiate("127.0.0.1", port, timeout=PATIENT)
    assert isinstance(result, NotRdp)
    assert banner[:4].hex() in result.message
    assert not result.ready


def test_names_are_not_looked_up() -> None:
    with pytest.raises(ValueError, match=r"'desk\.example'"):
        negotiate("desk.example", 3389, timeout=1)
