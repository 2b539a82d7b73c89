"""Where Proxmox VE is, with which token to call it, and how its certificate is verified. Pure: opens nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORT = 8006

_TOKEN_ID = re.compile(r"[^\s:/!@]+@[A-Za-z][\w.-]+![A-Za-z][\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One Proxmox VE API. Raises ``ValueError`` with one sentence for what cannot be right.

    The certificate is always verified: against ``ca_file``, or against the public authorities if there is none, or,
    instead of both, by ``fingerprint``, the SHA-256 of the server's own certificate (64 hex digits, colons allowed).
    """

    url: str
    """``https://pve.example.org:8006``; a path in front of ``/api2/json`` is kept."""
    token_id: str
    """``user@realm!id``."""
    token_secret: str = field(repr=False)
    ca_file: Path | None = None
    fingerprint: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 35.0
    """Seconds without a byte of answer. Proxmox itself waits 10 s for a lock and 30 s for another node's answer."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme != "https" or not parts.hostname or port == -1 or parts.username or parts.query:
            shown = self.url.rpartition("@")[2]
            raise ValueError(f"the Proxmox URL {shown!r} is not of the form https://host:{DEFAULT_PORT}")
        if not _TOKEN_ID.fullmatch(self.token_id):
            raise ValueError(f"the token id {self.token_id!r} is not of the form user@realm!id, such as winux@pve!ctl")
        if not self.token_secret or not self.token_secret.isprintable() or " " in self.token_secret:
            raise ValueError(f"the secret of the token {self.token_id} is empty or has blanks or line ends in it")
        if self.fingerprint is not None and not re.fullmatch(r"[0-9a-f]{64}", self.pin or ""):
            raise ValueError(
                f"the fingerprint {self.fingerprint!r} is not a SHA-256 in 64 hex digits; read it with: "
                "openssl x509 -in /etc/pve/local/pve-ssl.pem -noout -fingerprint -sha256"
            )

    @property
    def pin(self) -> str | None:
        """The fingerprint in lower-case hex digits without separators."""
        return None if self.fingerprint is None else self.fingerprint.replace(":", "").strip().lower()

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or DEFAULT_PORT

    @property
    def path_prefix(self) -> str | None:
        """What a reverse proxy puts in front of ``/api2/json``, without slashes at its ends."""
        return urlsplit(self.url).path.strip("/").removesuffix("api2/json").strip("/") or None

    @property
    def user(self) -> str:
        """``user@realm``, the token's owner."""
        return self.token_id.partition("!")[0]

    @property
    def token_name(self) -> str:
        """The part of the token's id after the ``!``."""
        return self.token_id.partition("!")[2]
