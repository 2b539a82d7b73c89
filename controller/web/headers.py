"""Headers that bind browsers: every answer carries them, whoever wrote it. Pure.

No answer ever allows another site's page to read it: there is no header of CORS.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders

CONTENT_SECURITY = "content-security-policy"
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For answers that are no page: should a browser take one for a page, it may load and do nothing."""
FORMS = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""For pages without a script that ask for something, as the one for logging in."""

ALWAYS: Mapping[str, str] = {
    CONTENT_SECURITY: NOTHING,
    "x-content-type-options": "nosniff",
    # With no-referrer, browsers would send ``Origin: null`` with forms of our own page, which nobody could tell apart.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    # Answers depend on cookies: what may be kept says so itself.
    "cache-control": "no-store",
}
OVER_HTTPS: Mapping[str, str] = {"strict-transport-security": "max-age=31536000"}
"""For a year the browser asks by https only. Only over https: others could not follow it."""


def bind(headers: MutableHeaders, *, secure: bool) -> None:
    """Add what the answer does not say itself."""
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if secure:
        for name, value in OVER_HTTPS.items():
            headers.setdefault(name, value)
