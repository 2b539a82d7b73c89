"""Where Proxmox VE is and how it is trusted, as the settings say: for the daemon and for ``winux check``."""

from __future__ import annotations

from controller.daemon.settings import Settings
from controller.proxmox.endpoint import Endpoint


def endpoint_of(settings: Settings) -> Endpoint:
    """Raises ``ValueError`` with one sentence for what cannot be right."""
    proxmox = settings.proxmox
    return Endpoint(
        url=proxmox.url,
        token_id=proxmox.token_id,
        token_secret=settings.secret().get_secret_value(),
        ca_file=proxmox.ca_file,
        fingerprint=proxmox.fingerprint,
        read_timeout=proxmox.timeout,
    )
