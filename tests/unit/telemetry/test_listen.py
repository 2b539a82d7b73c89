"""How settings write where a server listens."""

from pathlib import Path

import pytest

from controller.telemetry.listen import TcpAddress, UnixAddress, parse_listen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9464", TcpAddress("127.0.0.1", 9464)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("[::1]:9464", TcpAddress("::1", 9464)),
        ("unix:/run/winux/admin.sock", UnixAddress(Path("/run/winux/admin.sock"))),
        ("/run/winux/admin.sock", UnixAddress(Path("/run/winux/admin.sock"))),
    ],
)
def test_addresses(text: str, expected: TcpAddress | UnixAddress) -> None:
    assert parse_listen(text) == expected


@pytest.mark.parametrize("address", [TcpAddress("127.0.0.1", 1), TcpAddress("::1", 1), UnixAddress(Path("/x"))])
def test_an_address_reads_back(address: TcpAddress | UnixAddress) -> None:
    assert parse_listen(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "h:65536", "::1:9464", "[h]:1", "h:-1", "h:²"],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"allowed is ADDRESS:PORT such as 127\.0\.0\.1:9464, or unix:PATH"):
        parse_listen(text)


def test_the_path_of_a_socket_is_absolute() -> None:
    with pytest.raises(ValueError, match="absolute"):
        parse_listen("unix:admin.sock")
