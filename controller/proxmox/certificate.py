"""Until when the certificate is valid that Proxmox shows. Shakes hands as the transport does, and sends nothing."""

from __future__ import annotations

import ssl

from cryptography import x509
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPSConnection

from controller.proxmox.classify import Attempt, error_of
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import Transient, Untrusted
from controller.proxmox.transport import UNANSWERED, unanswered

TIMEOUT = 10.0
"""Seconds for the connection, and again for the handshake."""
_ATTEMPT = Attempt(operation="certificate", what="look at its certificate")


def certificate_expiry(endpoint: Endpoint, *, timeout: float = TIMEOUT) -> float:
    """The end of its validity in Unix seconds, on a connection of its own that is trusted as those of calls are.

    Raises:
        ProxmoxError: nobody answers, or it is not trusted: ``NodeDown``, ``Untrusted``, ``Transient``.
    """
    if endpoint.ca_file is not None and endpoint.pin is None and not endpoint.ca_file.exists():
        raise error_of(Untrusted, f"Could not {_ATTEMPT.what}: there is no CA file {endpoint.ca_file}", _ATTEMPT)
    connection = HTTPSConnection(
        endpoint.host,
        endpoint.port,
        timeout=timeout,
        cert_reqs=ssl.CERT_REQUIRED if endpoint.pin is None else ssl.CERT_NONE,
        ca_certs=None if endpoint.pin is not None else str(endpoint.ca_file or DEFAULT_CA_BUNDLE_PATH),
        assert_fingerprint=endpoint.pin,
    )
    try:
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True) if isinstance(connection.sock, ssl.SSLSocket) else None
    except UNANSWERED as error:
        raise unanswered(_ATTEMPT, error, endpoint) from error
    finally:
        connection.close()
    try:
        return x509.load_der_x509_certificate(shown or b"").not_valid_after_utc.timestamp()
    except ValueError as error:
        message = f"{endpoint.url} shows a certificate that cannot be read: {error}"
        raise error_of(Transient, message, _ATTEMPT) from None
