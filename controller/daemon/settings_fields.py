"""The kinds of values that settings hold beyond those of manifests; each explains in a sentence what it refuses.

Values come from YAML, where numbers are numbers, or from variables, where everything is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from controller.api.fields import Matches, NodeName, refusal
from controller.api.quantities import parse_duration, shown
from controller.ledger.events import EventType
from controller.telemetry.listen import parse_listen
from controller.telemetry.loglevels import Component, LogLevel

_MILLISECONDS = re.compile(r"([0-9]{1,9})ms\Z")
_DIGITS = re.compile(r"[0-9]{1,9}\Z")
_BLANKS = re.compile(r"[\s\x00-\x1f]")


def parse_span(value: object) -> float:
    """A duration as manifests write it, or ``0s``, or milliseconds (``150ms``), to seconds."""
    if isinstance(value, str):
        if match := _MILLISECONDS.match(value):
            return int(match.group(1)) / 1000
        if value == "0s":
            return 0.0
    return parse_duration(value)


def span(low: str, high: str) -> tuple[BeforeValidator, AfterValidator]:
    """Validators of a duration between two others, inclusive."""
    least, most = parse_span(low), parse_span(high)

    def parse(value: object) -> float:
        try:
            return parse_span(value)
        except ValueError as error:
            raise refusal(str(error)) from None

    def limit(seconds: float) -> float:
        if not least <= seconds <= most:
            raise refusal(f"{seconds:g} seconds are not allowed; write a duration from {low} to {high}")
        return seconds

    return BeforeValidator(parse), AfterValidator(limit)


def whole(low: int, high: int) -> BeforeValidator:
    """Validator of a whole number between two others, inclusive."""

    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and _DIGITS.match(value) else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise refusal(f"{shown(value)} is not allowed; write a whole number from {low} to {high}")
        return number

    return BeforeValidator(parse)


def one_of(kind: type[StrEnum]) -> BeforeValidator:
    """Validator of an enumeration's values, in whatever case."""

    def parse(value: object) -> StrEnum:
        if isinstance(value, str) and value.lower() in set(kind):
            return kind(value.lower())
        raise refusal(f"{shown(value)} is not allowed; write one of {', '.join(kind)}")

    return BeforeValidator(parse)


def _https_url(text: str) -> str:
    # What was found is not quoted: people put passwords into URLs.
    wanted = "not a URL that Proxmox has; write https://HOST:8006, without user, password and path"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise refusal(wanted) from None
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or parts.path.strip("/"):
        raise refusal(wanted)
    if parts.query or parts.fragment:
        raise refusal(wanted)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}" if port is None else f"https://{host}:{port}"


def _posted_to(what: str, example: str, *, instead: str) -> AfterValidator:
    """Validator of a URL that something is posted to. It is not quoted: its path is often a secret."""

    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            usable = parts.port != 0 and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable or parts.scheme not in {"https", "http"} or not text.isascii() or _BLANKS.search(text):
            raise refusal(f"not a URL that {what} can be posted to; write one such as {example}")
        if parts.username is not None or parts.password is not None:
            raise refusal(f"a user or a password is in the URL; leave them out: {instead}")
        if parts.fragment:
            raise refusal("a URL to post to has no part behind a #; leave it out")
        return text

    return AfterValidator(check)


def _event_types(value: object) -> tuple[EventType, ...]:
    given = value.split(",") if isinstance(value, str) else value
    words = [str(word).strip().capitalize() for word in given] if isinstance(given, list | tuple) else []
    if not words or not set(words) <= set(EventType):
        raise refusal(f"{shown(value)} is no list of types of events; write [Warning], or [Warning, Normal] for all")
    return tuple(type_ for type_ in EventType if type_ in words)


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").upper()
    if not re.fullmatch(r"[0-9A-F]{64}", digits):
        raise refusal(f"{shown(text)} is not a SHA-256 fingerprint; write 32 pairs such as AB:CD:…")
    return ":".join(digits[n : n + 2] for n in range(0, 64, 2))


def _listen(text: str) -> str:
    return _explained(parse_listen, text)


def _explained(parse: Callable[[str], object], text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        raise refusal(str(error)) from None
    return text


def _not_empty(text: object) -> object:
    if not isinstance(text, str) or not text or "\0" in text:
        raise refusal(f"{shown(text)} is not a path")
    return text


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple):
        return tuple(value)
    raise refusal(f"{shown(value)} is not a list of node names, such as [pve1, pve2]")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise refusal(f"{shown(value)} is not allowed; write true or false")


def _component_levels(value: object) -> dict[Component, LogLevel]:
    if isinstance(value, str):
        value = dict(part.partition("=")[::2] for part in value.replace(" ", "").split(",") if part)
    if not isinstance(value, dict):
        raise refusal(f"{shown(value)} is not a mapping of components to levels, such as {{proxmox: debug}}")
    for name, level in value.items():
        if name not in set(Component):
            raise refusal(f"{shown(name)} is not a component; write one of {', '.join(Component)}")
        if not isinstance(level, str) or level.lower() not in set(LogLevel):
            raise refusal(f"{shown(level)} is not a level of {name}; write one of {', '.join(LogLevel)}")
    return {Component(name): LogLevel(level.lower()) for name, level in value.items()}


Flag = Annotated[bool, BeforeValidator(_flag)]
HttpsUrl = Annotated[str, AfterValidator(_https_url)]
WebhookUrl = Annotated[
    str, _posted_to("events", "https://hooks.example.org/winux", instead="messages are signed with the secret")
]
CollectorUrl = Annotated[
    str,
    _posted_to("traces", "http://127.0.0.1:4318/v1/traces", instead="a collector beside the daemon needs none"),
]
EventTypes = Annotated[tuple[EventType, ...], BeforeValidator(_event_types)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
"""SHA-256 in upper-case pairs with colons, however it was written."""
Listen = Annotated[str, AfterValidator(_listen)]
ComponentLevels = Annotated[dict[Component, LogLevel], BeforeValidator(_component_levels)]
"""``{proxmox: debug}``; in a variable ``proxmox=debug,guest=info``."""
PathText = BeforeValidator(_not_empty)
NodeNames = Annotated[tuple[NodeName, ...], BeforeValidator(_comma_separated)]
TokenId = Annotated[
    str,
    Matches(
        r"^[^\s:/@!]+@[A-Za-z][-A-Za-z0-9._]*![A-Za-z][-A-Za-z0-9._]+$",
        "the id of an API token (user@realm!name)",
        128,
        "sessions@pve!controller",
    ),
]
