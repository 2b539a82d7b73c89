"""SSH public keys as text: ``ssh-ed25519 AAAA…``, without host and comment, so that equal keys are equal texts."""

from __future__ import annotations

import re

KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
"""The safest first: what a guest is asked for."""
_LINE = re.compile(rf"({'|'.join(KINDS)}) ([A-Za-z0-9+/]+={{0,2}})(?: .*)?\Z")


def parse_public_key(line: str) -> str:
    """The key of a line such as ``/etc/ssh/ssh_host_ed25519_key.pub`` holds.

    Raises:
        ValueError: it is none; one sentence.
    """
    match = _LINE.match(line.strip())
    if match is None:
        raise ValueError(f"{line.strip()[:60]!r} is not an SSH public key, such as ssh-ed25519 AAAA…")
    return f"{match[1]} {match[2]}"


def kind_of(key: str) -> str:
    """``ssh-ed25519`` of ``ssh-ed25519 AAAA…``."""
    return key.partition(" ")[0]
