"""How much of the ranges of addresses that templates give is used. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping

from controller.api.manifest import Manifest
from controller.api.template import AddressRangeFields, SessionTemplate
from controller.daemon.facts import number_of


def address_use(templates: Mapping[str, Manifest], addresses: Collection[int]) -> dict[tuple[str, ...], float]:
    """Addresses by template and whether they are handed out, be it to sessions of another template.

    Templates without a range have none.
    """
    ranges = {name: found for name, template in templates.items() if (found := _range(template)) is not None}
    if not ranges:
        return {}
    taken = sorted(set(addresses))
    use: dict[tuple[str, ...], float] = {}
    for name, (first, last) in ranges.items():
        used = bisect_right(taken, last) - bisect_left(taken, first)
        use[name, "used"], use[name, "free"] = used, last - first + 1 - used
    return use


def _range(template: Manifest) -> tuple[int, int] | None:
    """First and last; a gateway never lies between them."""
    if not isinstance(template.model, SessionTemplate):
        return None
    addresses = template.model.spec.network.addresses
    if not isinstance(addresses, AddressRangeFields):
        return None
    first, last = addresses.ends
    return number_of(first), number_of(last)
