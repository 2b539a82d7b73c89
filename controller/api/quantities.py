"""Durations, sizes and instants as manifests write them, to and from numbers.

Every parser takes whatever stood in the manifest and raises ``ValueError`` with a sentence that says what to write.
Durations are seconds, memory is MiB, disks are GiB and instants are Unix seconds.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

DURATION_PATTERN = r"^(?=[0-9])([0-9]{1,4}d)?([0-9]{1,6}h)?([0-9]{1,8}m)?([0-9]{1,9}s)?$"
MEMORY_PATTERN = r"^[1-9][0-9]{0,8}(Mi|Gi)$"
DISK_PATTERN = r"^[1-9][0-9]{0,5}(Gi|Ti)$"
INSTANT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"

LONGEST_DURATION = 3650 * 86400
MEMORY_MINIMUM_MIB = 16
"""What Proxmox takes as the least ``memory`` of a container."""

_UNIT_SECONDS = (86400, 3600, 60, 1)
_DURATION = re.compile(DURATION_PATTERN)
_MEMORY = re.compile(MEMORY_PATTERN)
_DISK = re.compile(DISK_PATTERN)
_INSTANT = re.compile(INSTANT_PATTERN)
_SEXAGESIMAL = re.compile(r"^[0-9]+(:[0-5]?[0-9])+$")


def shown(value: object, *, limit: int = 60) -> str:
    """A value as a sentence quotes it: text in double quotes, numbers bare, collections by their kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value if len(value) <= limit else value[:limit] + "…", ensure_ascii=False)
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def parse_duration(value: object) -> float:
    """``1h30m`` to 5400.0: days, hours, minutes and seconds, each at most once and in that order."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        example = f"{value}s" if isinstance(value, int) and value > 0 else "90s"
        raise ValueError(f'{value} is a number; write a duration with units such as "{example}" or "1h30m"')
    if not isinstance(value, str):
        raise ValueError(f'{shown(value)} is not a duration; write one with units such as "90s" or "1h30m"')
    if _SEXAGESIMAL.match(value):
        seconds = _sexagesimal(value)
        raise ValueError(f'{value} is the number {seconds} in YAML; write a duration such as "1m30s" or "1h30m"')
    if value.isdecimal():
        raise ValueError(f'{shown(value)} has no unit; write a duration such as "90s" or "1h30m"')
    match = _DURATION.match(value)
    if match is None:
        raise ValueError(
            f"{shown(value)} is not a duration; write days, hours, minutes and seconds in that order, "
            'such as "45s", "30m", "1h30m" or "2d"'
        )
    total = sum(int(part[:-1]) * unit for part, unit in zip(match.groups(), _UNIT_SECONDS, strict=True) if part)
    if total == 0:
        raise ValueError(f'{shown(value)} is no time at all; write at least "1s"')
    if total > LONGEST_DURATION:
        raise ValueError(f'{shown(value)} is too long; at most "3650d"')
    return float(total)


def format_duration(seconds: float) -> str:
    """5400.0 to ``1h30m``. Fractions of a second are dropped."""
    rest = int(seconds)
    parts = []
    for unit, letter in zip(_UNIT_SECONDS, "dhms", strict=True):
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or "0s"


def parse_memory(value: object) -> int:
    """``2Gi`` to 2048 (MiB)."""
    text = _size_text(value, what="memory", example='"2048Mi" or "2Gi"', bare="Mi")
    if not _MEMORY.match(text):
        raise ValueError(_size_complaint(text, what="memory size", units="Mi or Gi", example='"2048Mi" or "2Gi"'))
    mib = int(text[:-2]) * (1024 if text.endswith("Gi") else 1)
    if mib < MEMORY_MINIMUM_MIB:
        raise ValueError(f'{shown(text)} is too little; at least "{MEMORY_MINIMUM_MIB}Mi"')
    return mib


def format_memory(mib: int) -> str:
    return f"{mib // 1024}Gi" if mib % 1024 == 0 and mib else f"{mib}Mi"


def parse_disk(value: object) -> int:
    """``1Ti`` to 1024 (GiB)."""
    text = _size_text(value, what="disk", example='"10Gi"', bare="Gi")
    if not _DISK.match(text):
        raise ValueError(_size_complaint(text, what="disk size", units="Gi or Ti", example='"10Gi"'))
    return int(text[:-2]) * (1024 if text.endswith("Ti") else 1)


def format_disk(gib: int) -> str:
    return f"{gib // 1024}Ti" if gib % 1024 == 0 and gib else f"{gib}Gi"


def parse_instant(value: object) -> float:
    """An RFC 3339 date-time with a zone, such as ``2030-06-01T12:00:00+02:00``, to Unix seconds."""
    if not isinstance(value, str) or not _INSTANT.match(value):
        if isinstance(value, str) and (_INSTANT.match(value + "Z") or _INSTANT.match(value.replace(" ", "T") + "Z")):
            zoned = value.replace(" ", "T") + "Z"
            raise ValueError(f'{shown(value)} has no time zone; write "{zoned}" or add the offset, such as "+02:00"')
        raise ValueError(
            f"{shown(value)} is not a point in time; write date, time and zone such as "
            '"2030-06-01T12:00:00Z" or "2030-06-01T14:00:00+02:00"'
        )
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{shown(value)} is not a point in time that exists: {error}") from None


def format_instant(seconds: float) -> str:
    """Unix seconds to RFC 3339 in UTC, with a fraction only where there is one."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _sexagesimal(text: str) -> int:
    """What YAML 1.1 makes of ``1:30``: base 60."""
    total = 0
    for part in text[:60].split(":"):
        total = total * 60 + int(part or 0)
    return total


def _size_text(value: object, *, what: str, example: str, bare: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        guess = f'"{value}{bare}"' if value > 0 else example
        raise ValueError(f"{value} is a number; write the {what} with a unit, such as {guess}")
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no size; write the {what} with a unit, such as {example}")
    return value


def _size_complaint(text: str, *, what: str, units: str, example: str) -> str:
    return f"{shown(text)} is not a {what}; write a whole number with {units}, such as {example}"
