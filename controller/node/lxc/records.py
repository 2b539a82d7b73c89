"""What is known of a container over restarts: ``record.json`` in its directory. One without is half made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from controller.node.lxc.host import HostError
from controller.node.lxc.network import Port

_NAME, _PASSING = "record.json", ".record.json"


@dataclass(slots=True)
class Record:
    slot: int
    """Which range of ids it has."""
    layers: list[str]
    """The uppermost first."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Interface → IPv4 address, kept as long as the container is there."""
    ports: list[Port] = field(default_factory=list)
    """Those of the last start."""


_RECORD = TypeAdapter(Record)


def exists(directory: Path) -> bool:
    return (directory / _NAME).exists()


def read(directory: Path) -> Record:
    """Raises ``HostError`` when there is none."""
    try:
        return _RECORD.validate_json((directory / _NAME).read_bytes())
    except FileNotFoundError as missing:
        raise HostError(f"container {directory.name} has no disk here") from missing


def write(directory: Path, record: Record) -> None:
    """All or nothing, also in a power cut."""
    passing = directory / _PASSING
    with passing.open("wb") as file:
        file.write(_RECORD.dump_json(record))
        file.flush()
        os.fsync(file.fileno())
    passing.rename(directory / _NAME)
