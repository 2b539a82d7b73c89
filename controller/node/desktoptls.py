"""Certificates of the engine ``memory``'s desktops: one for each container, whose key follows from what tells it apart.

So a container keeps its certificate when it is restarted, and nothing has to be stored. Its key is as public as its
description is, and protects nothing: there is nothing behind it. Real desktops make their own.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_BEGINS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_ENDS = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
_REMEMBERED = 2048


def fingerprint(whose: str) -> str:
    """SHA-256 of the container's certificate, ``aa:bb:…``."""
    return _made(whose)[0].fingerprint(hashes.SHA256()).hex(":")


@functools.lru_cache(maxsize=_REMEMBERED)
def context(whose: str) -> ssl.SSLContext:
    """What the container's RDP server shakes hands with."""
    certificate, key = _made(whose)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(prefix="desktop-", suffix=".pem") as file:  # ssl reads keys from files only
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        made.load_cert_chain(Path(file.name))
    return made


@functools.lru_cache(maxsize=_REMEMBERED)
def _made(whose: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    seed = hashlib.sha256(b"a desktop of the engine memory: " + whose.encode()).digest()
    # 31 bytes are less than the order of the curve; Ed25519 would do, but FreeRDP 2 cannot bind a channel to it
    key = ec.derive_private_key(int.from_bytes(seed[:31], "big") + 1, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "winux-desktop")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=int.from_bytes(seed[:8], "big") + 1,
        not_valid_before=_BEGINS,
        not_valid_after=_ENDS,
    )
    try:
        return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True), key
    except (TypeError, UnsupportedAlgorithm):
        # an older cryptography or OpenSSL: the certificate is another one after the node was restarted
        return builder.sign(key, hashes.SHA256()), key
