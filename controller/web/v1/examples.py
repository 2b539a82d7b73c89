"""What answers look like, for the description of the API."""

from __future__ import annotations

from types import MappingProxyType

_SESSION = {
    "name": "amber-otter-42",
    "phase": "Ready",
    "reason": "Ready",
    "message": "the desktop is ready at 10.0.0.7",
    "failing": False,
    "template": "default",
    "mine": True,
    "mayControl": True,
    "mayLogIn": True,
    "owner": None,
    "address": "10.0.0.7",
    "port": 3389,
    "acceptedAt": "2027-01-15T08:00:00Z",
    "readyAt": "2027-01-15T08:00:07Z",
    "expiresAt": "2027-01-15T08:30:07Z",
    "endedAt": None,
    "secondsLeft": 1707.0,
    "extendableSeconds": 84593.0,
    "serverTime": "2027-01-15T08:01:40Z",
    "progress": {"step": "ready", "estimateSeconds": None, "elapsedSeconds": 7.0, "fraction": None, "late": False},
}
_NEW = {
    **_SESSION,
    "phase": "Pending",
    "reason": "New",
    "message": "it is to be made",
    **dict.fromkeys(("address", "port", "acceptedAt", "readyAt", "expiresAt", "secondsLeft")),
    "extendableSeconds": 0.0,
    "progress": {"step": "queued", "estimateSeconds": None, "elapsedSeconds": 0.0, "fraction": None, "late": False},
    "ticket": "wxt_n0tAT1cketB4tAnExamp1eOfOneInThisDescription",
}
_CREDENTIAL = {
    "username": "winux",
    "password": "not-a-password",
    "nextPassword": None,
    "credentials": "password",
    "address": "10.0.0.7",
    "port": 3389,
    "fingerprint": None,
}
_TEMPLATE = {
    "name": "default",
    "cores": 2,
    "memory": "1Gi",
    "disk": "10Gi",
    "ttlSeconds": 1800.0,
    "maxTtlSeconds": 86400.0,
    "description": None,
}
EXAMPLES = MappingProxyType(
    {
        "Session": _SESSION,
        "LaunchedSession": _NEW,
        "SessionPage": {"items": [_SESSION], "continue": None},
        "Credential": _CREDENTIAL,
        "Template": _TEMPLATE,
        "TemplateItems": {"items": [_TEMPLATE]},
    }
)
"""By the name of the model."""
