"""The certificate of a session's RDP server: the first one that its container shows is the one it has to go on showing.

Pure. A container makes its certificate once; another one at its address means that it was made anew in there, or that
somebody else answers. Clients that were told the first fingerprint refuse either, so people have to hear of it.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import Incarnation
from controller.core.model import ConditionStatus, Timestamp

CONDITION = "CertificateKept"
"""False once another certificate was shown, True if the first one is back; not there before."""


def showing(life: Incarnation, fingerprint: str | None, *, now: Timestamp) -> Incarnation:
    """The life after its RDP server showed this certificate; ``fingerprint`` is None where it offered no TLS."""
    if (changed := _changed(life, fingerprint)) is not None:
        return life.with_condition(
            CONDITION, ConditionStatus.FALSE, reason="CertificateChanged", message=changed, now=now
        )
    life = replace(life, fingerprint=fingerprint)
    if life.condition(CONDITION) is None:
        return life
    message = "the certificate is the one that the container showed first"
    return life.with_condition(CONDITION, ConditionStatus.TRUE, reason="Kept", message=message, now=now)


def another_certificate(life: Incarnation, fingerprint: str | None) -> str | None:
    """A sentence where another certificate is shown than before, and that is news."""
    changed, known = _changed(life, fingerprint), life.condition(CONDITION)
    if known is not None and known.status is ConditionStatus.FALSE and known.message == changed:
        return None
    return changed


def _changed(life: Incarnation, fingerprint: str | None) -> str | None:
    if life.fingerprint in (None, fingerprint):
        return None
    shown = f"the certificate {fingerprint}" if fingerprint is not None else "no certificate"
    return (
        f"its RDP server shows {shown} instead of {life.fingerprint}: it was made anew in the "
        f"container, or somebody else answers there"
    )
