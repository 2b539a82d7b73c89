"""The field ``network.egress`` of templates: where desktops may connect to.

``internet`` (anywhere; nothing is filtered), ``none``, or a list of networks, each as a CIDR or with its ports. What
that means in rules is the business of ``controller.core.egress``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from controller.api import fields
from controller.api.manifest import Model
from controller.api.quantities import shown
from controller.api.reading import Complaint, FieldPath

MOST_DESTINATIONS = 64
MOST_PORTS = 32
_CIDR_PATTERN = r"^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$"
_PORT_PATTERN = r"^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?/(tcp|udp)$"
_PORT = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?/(?:tcp|udp)\Z")


def _cidr(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise fields.refusal(f'{shown(text)} is not a network, such as "10.0.0.0/8" or "192.0.2.7"') from None
    alone = text.partition("/")[0]
    raise fields.refusal(
        f'{shown(text)} is an address inside of a network; write "{meant}", or "{alone}" for it alone'
    ) from None


def _port(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        raise fields.refusal(f'{value} has no protocol; write "{value}/tcp" or "{value}/udp"')
    if not isinstance(value, str):
        raise fields.refusal(f'{shown(value)} is not a port, such as "443/tcp"')
    match = _PORT.match(value)
    if match is None:
        raise fields.refusal(f'{shown(value)} is not a port with its protocol, such as "443/tcp" or "8000-8010/tcp"')
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last <= 65535:
        raise fields.refusal(f"{shown(value)} is no range of ports: they go from 1 to 65535, the lower one first")
    return value


Cidr = Annotated[str, AfterValidator(_cidr), WithJsonSchema({"type": "string", "pattern": _CIDR_PATTERN})]
"""An IPv4 or IPv6 network, always with its prefix inside."""
Port = Annotated[str, BeforeValidator(_port), WithJsonSchema({"type": "string", "pattern": _PORT_PATTERN})]
"""``443/tcp``, ``8000-8010/udp``."""


class DestinationFields(Model):
    """A network that desktops may connect to, and the ports there."""

    cidr: Cidr = Field(description="The network, IPv4 or IPv6.", examples=["10.0.0.0/8", "192.0.2.7"])
    ports: tuple[Port, ...] = Field(
        min_length=1,
        max_length=MOST_PORTS,
        strict=False,
        description="Ports or ranges of ports with their protocol, tcp or udp; for all of them write the CIDR alone.",
        examples=[["443/tcp", "53/udp", "8000-8010/tcp"]],
    )


def _item_tag(value: object) -> str:
    return "<destination>" if isinstance(value, dict | DestinationFields) else "<cidr>"


def _tag(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<word>"


def _word(value: object) -> object:
    if value in ("internet", "none"):
        return value
    raise fields.refusal(f"{shown(value)} is not known; write internet, none, or a list of networks below it")


Item = Annotated[
    Annotated[Cidr, Tag("<cidr>")] | Annotated[DestinationFields, Tag("<destination>")], Discriminator(_item_tag)
]
Egress = Annotated[
    Annotated[Literal["internet", "none"], BeforeValidator(_word), Tag("<word>")]
    | Annotated[tuple[Item, ...], Field(min_length=1, max_length=MOST_DESTINATIONS, strict=False), Tag("<list>")],
    Discriminator(_tag),
]


def egress_complaints(egress: Egress, path: FieldPath) -> Iterator[Complaint]:
    """What is wrong by comparison: a network that stands there twice says two things, or one too often."""
    seen: set[str] = set()
    for index, item in enumerate(() if isinstance(egress, str) else egress):
        cidr = item if isinstance(item, str) else item.cidr
        if cidr in seen:
            yield Complaint((*path, index), f"{cidr} stands there twice")
        seen.add(cidr)
