"""Signatures of webhooks as the Standard Webhooks convention has them, and the secrets that they are made with.

A secret is ``whsec_`` and the base64 of 24 to 64 random bytes. A message is signed with the HMAC-SHA256 of its id, its
timestamp and its body, joined by dots; several keys give several signatures, of which a receiver needs one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a key."""
MOST_KEYS = 4
HOW = f"echo {PREFIX}$(openssl rand -base64 32)"


class NoSecret(ValueError):
    """The text holds no usable secret; ``str()`` says why and what to do, without showing it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What messages are signed with; equal ones sign alike."""

    secrets: tuple[str, ...] = field(repr=False)
    """As they were written."""

    def headers(self, *, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
        signed = f"{message_id}.{seconds}.".encode() + body
        digests = (hmac.new(_key(secret), signed, hashlib.sha256).digest() for secret in self.secrets)
        signatures = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
        return {"webhook-id": message_id, "webhook-timestamp": str(seconds), "webhook-signature": signatures}


def read_keys(text: str) -> Keys:
    """One secret a line: while receivers change over, the old one may stand below the new one.

    Raises:
        NoSecret
    """
    secrets = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not secrets:
        raise NoSecret(f"it is empty; make a secret with `{HOW}`")
    if len(secrets) > MOST_KEYS:
        raise NoSecret(f"it has {len(secrets)} lines; write one secret a line, {MOST_KEYS} at most")
    for secret in secrets:
        _key(secret)
    return Keys(secrets)


def _key(secret: str) -> bytes:
    wrong = NoSecret(
        f"a line of it is no secret; write {PREFIX} and the base64 of {LEAST} to {MOST} random bytes: `{HOW}`"
    )
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None
    if not LEAST <= len(key) <= MOST:
        raise wrong
    return key
