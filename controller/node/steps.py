"""What a step of a script is: when, for how long, and what; with the types of what is written there.

The fault that hits calls is here; what an administrator does is in ``acts``, how a script is read in ``script``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from controller.node.faults import Fault, FaultKind
from controller.node.guest import size_in_bytes
from controller.node.locks import LockKind
from controller.node.programme import Undo
from controller.node.routes import ROUTES
from controller.node.sidedoor import SideDoor

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"\d+(\.\d+)?[KMGT]?")
_OPERATIONS = frozenset(route.name for route in ROUTES.values())


def _duration(value: object) -> float:
    parts = _DURATION.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError("write a duration such as 30s, 1m30s or 500ms")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _size(value: object) -> int:
    if isinstance(value, bool) or not _SIZE.fullmatch(str(value)):
        raise ValueError("write a number of bytes or a size such as 500M or 2G")
    return size_in_bytes(str(value))


def _guest(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a VMID or a hostname")
    return value


def _known(what: str) -> Callable[[str, ValidationInfo], str]:
    """A name that the cluster of this reading knows; any name where there is none."""

    def check(value: str, info: ValidationInfo) -> str:
        names: dict[str, list[str]] = info.context or {}
        if what in names and value not in names[what]:
            raise ValueError(f"there is no such {what}; choose one of: {', '.join(names[what])}")
        return value

    return check


def _operation(value: str) -> str:
    if value not in _OPERATIONS:
        raise ValueError(f"there is no such operation; choose one of: {', '.join(sorted(_OPERATIONS))}")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"that is no regular expression: {error}") from None
    return value


Seconds: TypeAlias = Annotated[float, BeforeValidator(_duration)]
Size: TypeAlias = Annotated[int, BeforeValidator(_size)]
NodeName: TypeAlias = Annotated[str, AfterValidator(_known("node"))]
StorageName: TypeAlias = Annotated[str, AfterValidator(_known("storage"))]
GuestRef: TypeAlias = Annotated[int | str, BeforeValidator(_guest)]
"""A VMID or a hostname, looked up when the act happens."""


class FaultFields(BaseModel):
    """The fields of ``Fault`` that one writes down; see there."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Annotated[FaultKind, Field(strict=False)]
    operation: Annotated[str, AfterValidator(_operation)] | None = None
    method: Literal["GET", "POST", "PUT", "DELETE"] | None = None
    path: Annotated[str, AfterValidator(_pattern)] | None = None
    token: str | None = None
    status: int = Field(default=500, ge=400, le=599)
    text: str = "injected fault"
    seconds: float = Field(default=0.0, ge=0)
    done: bool = False
    lock: Annotated[LockKind, Field(strict=False)] = LockKind.CONFIG
    count: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    skip: int = Field(default=0, ge=0)


class Step(BaseModel, ABC):
    """Something that happens once, ``at`` so long after the start of the script."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: ClassVar[str]

    at: Seconds = 0.0

    @property
    def length(self) -> float | None:
        """For how many seconds it stays; None: it happens once, or stays for ever."""
        return None

    @abstractmethod
    def begin(self, door: SideDoor) -> Undo | None:
        """Do it. Returns how to take it back. Raises ``LookupError`` for what is not there."""


class LastingStep(Step):
    """Something that is in force for a time, and then taken back; without ``for`` it stays."""

    lasting: Seconds | None = Field(default=None, alias="for")

    @property
    def length(self) -> float | None:
        return self.lasting


class InjectFault(LastingStep):
    name = "fault"
    fault: FaultFields

    def begin(self, door: SideDoor) -> Undo:
        return partial(door.remove_faults, door.add_fault(Fault(**self.fault.model_dump())))
