"""Where an HTTP server listens, as settings write it: ``127.0.0.1:9464``, ``[::1]:9464`` or ``unix:/run/…``."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """``host`` is an IP address or a name; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    path: Path

    def __str__(self) -> str:
        return str(self.path)


def parse_listen(text: str) -> TcpAddress | UnixAddress:
    """Raises ``ValueError`` with a sentence."""
    path = text.removeprefix("unix:")
    if path != text or path.startswith("/"):
        if not path.startswith("/"):
            raise ValueError(f'found "{text}"; the path of a socket is absolute, such as unix:/run/winux/admin.sock')
        return UnixAddress(Path(path))
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_ipv6(host):
            host = ""
    elif ":" in host:
        host = ""
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f'found "{text}"; allowed is ADDRESS:PORT such as 127.0.0.1:9464, or unix:PATH')
    return TcpAddress(host, int(port))


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
