"""Parameters and how they are refused, with the texts of Proxmox's JSON schema (PVE::JSONSchema).

The kinds of parameters and the check; single formats live in ``formats``, the endpoints' parameters in ``parameters``.
All values are text; the check returns every error at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

NOT_IN_SCHEMA = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
NEWEST = (9, 2)
"""The release whose parameters these are; an older one may not know all of them."""

_TYPES = {
    "integer": re.compile(r"[+-]?\d+"),
    "number": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "boolean": re.compile(r"[01]"),
}
_LOOSE_BOOLEAN = re.compile(r"1|0|on|off|yes|no|true|false", re.IGNORECASE)
_INDEXED = re.compile(r"([a-z]+)(0|[1-9]\d*)")


class FormatError(Exception):
    """A value does not have its format; the text ends as Proxmox ends it, mostly with a newline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """What one parameter may be. ``properties`` makes it a property string such as ``name=eth0,bridge=vmbr0``."""

    kind: Literal["string", "integer", "number", "boolean"] = "string"
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    format: Callable[[str], None] | None = None
    requires: str | None = None
    since: tuple[int, int] = (0, 0)
    """The release that knows it first."""
    count: int | None = None
    """For a name like ``net[n]``: how many there are."""
    properties: Mapping[str, Param] | None = None
    default_key: str | None = None


Schema: TypeAlias = Mapping[str, Param]


def find(schema: Schema, name: str, *, release: tuple[int, int] = NEWEST) -> Param | None:
    """The parameter of that name, if the release knows it; ``net3`` is ``net[n]``."""
    param = schema.get(name)
    if param is not None:
        return param if param.count is None and param.since <= release else None
    if match := _INDEXED.fullmatch(name):
        param = schema.get(f"{match[1]}[n]")
        if param and param.count is not None and int(match[2]) < param.count and param.since <= release:
            return param
    return None


def check(
    values: Mapping[str, str], schema: Schema, *, loose: bool = False, release: tuple[int, int] = NEWEST
) -> dict[str, str]:
    """The errors by parameter; empty if all is well. ``loose`` booleans are those inside property strings."""
    errors: dict[str, str] = {}
    for name, value in values.items():
        param = find(schema, name, release=release)
        if param is None:
            errors[name] = NOT_IN_SCHEMA
        elif text := _refuse(name, value, param, loose=loose, release=release):
            errors[name] = text
        elif param.requires and param.requires not in values:
            errors[param.requires] = f"missing property - '{name}' requires this property"
    for name, param in schema.items():
        if param.required and name not in values:
            errors.setdefault(name, MISSING)
    return errors


def _refuse(name: str, value: str, param: Param, *, loose: bool, release: tuple[int, int]) -> str | None:
    pattern = _LOOSE_BOOLEAN if loose and param.kind == "boolean" else _TYPES.get(param.kind)
    if pattern and not pattern.fullmatch(value):
        return f"type check ('{param.kind}') failed - got '{value}'"
    try:
        if param.format:
            param.format(value)
        if param.properties is not None:
            parse_properties(name, value, param, release=release)
    except FormatError as error:
        return f"invalid format - {error}"
    return _out_of_bounds(value, param)


def _out_of_bounds(value: str, param: Param) -> str | None:
    if param.pattern and not re.fullmatch(param.pattern, value):
        return "value does not match the regex pattern"
    if param.min_length is not None and len(value) < param.min_length:
        return f"value must be at least {param.min_length} characters long"
    if param.max_length is not None and len(value) > param.max_length:
        return f"value may only be {param.max_length} characters long"
    if param.minimum is not None and float(value) < param.minimum:
        return f"value must have a minimum value of {param.minimum}"
    if param.maximum is not None and float(value) > param.maximum:
        return f"value must have a maximum value of {param.maximum}"
    if param.choices and value not in param.choices:
        return f"value '{value}' does not have a value in the enumeration '{', '.join(param.choices)}'"
    return None


def parse_properties(name: str, text: str, param: Param, *, release: tuple[int, int] = NEWEST) -> dict[str, str]:
    """The parts of a property string, checked; errors name them as ``net0.ip``."""
    parts: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals:
            if param.default_key is None:
                raise FormatError("value without key, but schema does not define a default key\n")
            key, value = param.default_key, part
        if key in parts:
            raise FormatError(f"duplicate key in comma-separated list property: {key}\n")
        parts[key] = value
    errors = check(parts, param.properties or {}, loose=True, release=release)
    if errors:
        lines = "".join(f"{name}.{key}: {message}\n" for key, message in sorted(errors.items()))
        raise FormatError(f"format error\n{lines}")
    return parts


def split_properties(text: str, default_key: str | None = None) -> dict[str, str]:
    """The parts of a property string that was checked before."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {key if equals else (default_key or ""): value if equals else key for key, equals, value in pairs}


def join_properties(parts: Mapping[str, str], *, first: str) -> str:
    """A property string as Proxmox prints it: one key in front (bare if it is the default one), the others sorted."""
    rest = ",".join(f"{key}={value}" for key, value in sorted(parts.items()) if key != first)
    front = parts[first] if first == "volume" else f"{first}={parts[first]}"
    return f"{front},{rest}" if rest else front
