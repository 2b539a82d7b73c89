"""The node's own certificate authority and a leaf for loopback; ECDSA on P-256."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 730


@dataclass(frozen=True, slots=True)
class Identity:
    """Where the files are, and the leaf's fingerprint as Proxmox writes it (``AA:BB:…``, SHA-256)."""

    ca: Path
    certificate: Path
    key: Path
    fingerprint: str

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


def load(directory: Path, *, now: float) -> Identity | None:
    """The certificates of an earlier start, if they are there and good for another month."""
    paths = directory / "ca.pem", directory / "node.pem", directory / "node.key"
    if not all(path.exists() for path in paths):
        return None
    leaf = x509.load_pem_x509_certificate(paths[1].read_bytes())
    if leaf.not_valid_after_utc.timestamp() < now + 30 * 86400:
        return None
    return Identity(*paths, leaf.fingerprint(hashes.SHA256()).hex(":").upper())


def make(directory: Path, *, host: str, names: tuple[str, ...], now: float, days: int = VALID_DAYS) -> Identity:
    """Write ``ca.pem``, ``node.pem`` and ``node.key`` (0600) into the directory; the leaf is good for so many days."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    begin = dt.datetime.fromtimestamp(now, dt.UTC) - dt.timedelta(hours=1)
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Winux node CA")
    ca = (
        _builder(ca_name, ca_name, ca_key, begin, days=VALID_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address(host)}
    alternatives = [x509.DNSName("localhost"), *(x509.DNSName(name) for name in names)]
    leaf = (
        _builder(_name(names[0]), ca_name, leaf_key, begin, days=days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([*alternatives, *(x509.IPAddress(one) for one in addresses)]), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    identity = Identity(
        directory / "ca.pem",
        directory / "node.pem",
        directory / "node.key",
        leaf.fingerprint(hashes.SHA256()).hex(":").upper(),
    )
    identity.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    identity.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    identity.key.touch(mode=0o600)
    identity.key.write_bytes(
        leaf_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return identity


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: dt.datetime, *, days: int
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begin,
        not_valid_after=begin + dt.timedelta(days=days),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
