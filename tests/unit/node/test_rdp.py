"""The first step of an RDP connection: which bytes are answered, and when."""

from __future__ import annotations

import pytest

from controller.node.rdp import CONFIRM, confirm

REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")
WITH_COOKIE = bytes.fromhex("0300002a25e00000000000") + b"Cookie: mstshash=alice\r\n" + bytes.fromhex("01000800010000")


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (b"", None),
        (REQUEST[:3], None),
        (REQUEST[:-1], None),
        (REQUEST, CONFIRM),
        (WITH_COOKIE, CONFIRM),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (bytes.fromhex("030000130ed000000000000100080003000000"), b""),
        (bytes.fromhex("03000004"), b""),
        (bytes.fromhex("0300ffff") + b"x" * 2000, b""),
    ],
)
def test_a_connection_request_is_confirmed_and_nothing_else(received: bytes, answer: bytes | None) -> None:
    assert confirm(received) == answer


def test_the_confirmation_chooses_tls() -> None:
    assert len(CONFIRM) == int.from_bytes(CONFIRM[2:4], "big") == 19
    assert CONFIRM[5] == 0xD0
    assert CONFIRM[11] == 2
    assert CONFIRM[15:] == (1).to_bytes(4, "little")
