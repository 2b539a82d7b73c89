"""What Remote Desktop clients open: the text of an .rdp file. Pure; there is no password in it."""

from __future__ import annotations

from controller.admin.models import CredentialView

STANDARD_PORT = 3389


def address(credential: CredentialView) -> str:
    """``10.0.0.7``, ``[fd00::7]``, or with a port that is not the standard one."""
    host = f"[{credential.address}]" if ":" in credential.address else credential.address
    return host if credential.port == STANDARD_PORT else f"{host}:{credential.port}"


def rdp_text(credential: CredentialView) -> str:
    """``name:type:value`` lines, as mstsc writes them."""
    lines = [
        f"full address:s:{address(credential)}",
        f"username:s:{credential.username}",
        "prompt for credentials:i:1",
        "authentication level:i:2",
        "screen mode id:i:1",
        "dynamic resolution:i:1",
        "redirectclipboard:i:1",
    ]
    return "\r\n".join(lines) + "\r\n"
