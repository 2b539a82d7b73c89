"""What Remote Desktop clients open."""

from __future__ import annotations

import pytest

from controller.admin.models import CredentialView
from controller.admin.rdpfile import address, rdp_text


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("10.0.0.7", 3389, "10.0.0.7"),
        ("10.0.0.7", 3390, "10.0.0.7:3390"),
        ("fd00::7", 3389, "[fd00::7]"),
        ("fd00::7", 3390, "[fd00::7]:3390"),
    ],
)
def test_an_address_has_its_port_where_that_is_not_the_standard_one(host: str, port: int, expected: str) -> None:
    assert address(_credential(host, port)) == expected


def test_the_file_is_lines_as_mstsc_writes_them_without_the_password() -> None:
    text = rdp_text(_credential("10.0.0.7", 3390))
    lines = text.split("\r\n")
    assert lines[-1] == ""
    assert {"full address:s:10.0.0.7:3390", "username:s:winux", "prompt for credentials:i:1"} <= set(lines)
    assert all(line.count(":") >= 2 for line in lines[:-1])
    assert "correct-horse" not in text


def _credential(host: str, port: int) -> CredentialView:
    return CredentialView(session="one", address=host, port=port, username="winux", password="correct-horse")
