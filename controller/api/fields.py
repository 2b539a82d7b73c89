"""The kinds of values that fields of manifests hold: names, durations, sizes, instants, addresses.

Each accepts one spelling, explains every other in one sentence, writes itself back as manifests write it, and carries
its JSON Schema. What the fields are called and mean stands in the kinds' own modules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, ip_address
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from controller.api import quantities
from controller.api.quantities import shown


def refusal(sentence: str) -> PydanticCustomError:
    """A validation error that says exactly this sentence."""
    return PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})


@dataclass(frozen=True, slots=True)
class Matches:
    """Text that matches a pattern; ``wanted`` completes the sentence "… is not …"."""

    pattern: str
    wanted: str
    longest: int
    example: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        matches = re.compile(self.pattern.removesuffix("$") + r"\Z").match

        def validate(text: str) -> str:
            if len(text) > self.longest:
                raise refusal(f"{shown(text)} has {len(text)} characters; at most {self.longest} are allowed")
            if not matches(text):
                raise refusal(f'{shown(text)} is not {self.wanted}, such as "{self.example}"')
            return text

        return core_schema.no_info_after_validator_function(validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"pattern": self.pattern, "maxLength": self.longest}


def _explained(parse: Callable[[object], object]) -> BeforeValidator:
    def validate(value: object) -> object:
        try:
            return parse(value)
        except ValueError as error:
            raise refusal(str(error)) from None

    return BeforeValidator(validate)


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise refusal(f'{shown(text)} is not an IP address, such as "10.0.0.53"') from None


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise refusal(f'{shown(text)} is not an IPv4 address, such as "10.0.0.10"') from None


def _span(text: str) -> str:
    parts = [part.strip() for part in text.split("-")]
    try:
        first, last = (IPv4Address(part) for part in parts)
    except ValueError:
        raise refusal(f'{shown(text)} is not a range of IPv4 addresses, such as "10.0.0.10-10.0.0.99"') from None
    return f"{first}-{last}"


_OWNER = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME_WORDS = 'a name (lower-case letters, digits and "-", starting and ending with a letter or digit)'
_QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"

Name = Annotated[str, Matches(f"^{_LABEL}$", _NAME_WORDS, 63, "alice")]
"""A DNS label in lower case: it becomes the container's host name."""

LabelKey = Annotated[
    str,
    Matches(
        rf"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?{_QUALIFIED}$",
        'a label\'s name (letters, digits, "-", "_" and ".", with an optional "domain/" before it)',
        317,
        "course",
    ),
]
LabelValue = Annotated[
    str,
    Matches(
        rf"^({_QUALIFIED})?$",
        'a label\'s value (letters, digits, "-", "_" and ".", starting and ending with a letter or digit)',
        63,
        "linux-101",
    ),
]
Owner = Annotated[str, Matches(_OWNER, "an owner (text without blanks around it)", 253, "alice@example.org")]
Volume = Annotated[
    str,
    Matches(
        r"^[A-Za-z][-A-Za-z0-9_.]*:vztmpl/[^\s/:]+$",
        "an archive volume (storage:vztmpl/file)",
        255,
        "local:vztmpl/winux.tar.zst",
    ),
]
HostKey = Annotated[
    str,
    Matches(
        r"^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+={0,2}$",
        "an SSH host key (a line as in known_hosts, without the host and the comment)",
        1024,
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJr0",
    ),
]
StorageId = Annotated[
    str, Matches(r"^[A-Za-z][-A-Za-z0-9_.]*[A-Za-z0-9]$", "the name of a Proxmox storage", 100, "local-lvm")
]
NodeName = Annotated[
    str, Matches(r"^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$", "the name of a Proxmox node", 63, "pve1")
]
PoolId = Annotated[
    str, Matches(r"^[-A-Za-z0-9_.]+(/[-A-Za-z0-9_.]+){0,2}$", "the name of a Proxmox pool", 100, "winux")
]
BridgeName = Annotated[
    str, Matches(r"^[A-Za-z][-A-Za-z0-9_.]*$", "the name of a bridge or virtual network", 15, "vmbr0")
]
UserName = Annotated[
    str, Matches(r"^[a-z_][-a-z0-9_]*$", 'a Linux user name (lower-case letters, digits, "-" and "_")', 32, "winux")
]

Duration = Annotated[
    float,
    _explained(quantities.parse_duration),
    PlainSerializer(quantities.format_duration, return_type=str),
    _pattern(quantities.DURATION_PATTERN),
]
"""Seconds inside, ``1h30m`` in manifests."""

Memory = Annotated[
    int,
    _explained(quantities.parse_memory),
    PlainSerializer(quantities.format_memory, return_type=str),
    _pattern(quantities.MEMORY_PATTERN),
]
"""MiB inside, ``2Gi`` in manifests."""

Disk = Annotated[
    int,
    _explained(quantities.parse_disk),
    PlainSerializer(quantities.format_disk, return_type=str),
    _pattern(quantities.DISK_PATTERN),
]
"""GiB inside, ``10Gi`` in manifests."""

Instant = Annotated[
    float,
    _explained(quantities.parse_instant),
    PlainSerializer(quantities.format_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": quantities.INSTANT_PATTERN}),
]
"""Unix seconds inside, RFC 3339 in manifests."""

Address = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
]
IPv4 = Annotated[str, AfterValidator(_ipv4), WithJsonSchema({"type": "string", "format": "ipv4"})]
AddressSpan = Annotated[str, AfterValidator(_span), _pattern(r"^ *[0-9.]{7,15} *- *[0-9.]{7,15} *$")]
"""First and last address, inclusive, as ``10.0.0.10-10.0.0.99``."""


def parse_revision(value: object) -> str:
    """A word or a whole number: 3 and "3" are the same revision."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and re.match(r"[-A-Za-z0-9_.:+]{1,63}\Z", value):
        return value
    raise ValueError(f"{shown(value)} is not a revision; write a number or a short word without blanks, such as 2")


Revision = Annotated[
    str,
    _explained(parse_revision),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[-A-Za-z0-9_.:+]{1,63}$"}]}),
]
