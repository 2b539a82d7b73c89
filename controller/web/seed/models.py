"""What the old API is told and says, with its own keys. What a key means for a session of today is in ``sessions``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr

SHORTEST, LONGEST = 1, 1440
"""Minutes that may be asked for."""
NAME_PATTERN = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""For the description only: what is no name is told so by the desk, in a sentence."""
_N = TypeVar("_N", StrictInt, StrictFloat)
_Minutes = Annotated[_N, Field(ge=SHORTEST, le=LONGEST)]


class Status(StrEnum):
    CREATING = "creating"
    """It has not been usable yet, whatever it waits for."""
    ACTIVE = "active"
    """It is usable: the old API's word, which its clients look for."""
    HELD = "held"
    """It was usable, and something has to be waited for."""
    ENDING = "ending"
    """Its container is not seen to be gone yet."""
    ENDED = "ended"
    FAILED = "failed"
    """It was given up: it never became usable."""


class LaunchOrder(BaseModel):
    """Keys that are not known are skipped, as they always were."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    session_id: StrictStr | None = Field(
        default=None,
        json_schema_extra={"anyOf": [{"type": "string", "pattern": NAME_PATTERN}, {"const": ""}, {"type": "null"}]},
    )
    duration_minutes: _Minutes[StrictInt] | _Minutes[StrictFloat] | None = None


class SeedSession(BaseModel):
    """A session as anybody who may see it sees it."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    container_id: int | None
    """None before there is one, and for who may not see where it is."""
    container_ip: str | None
    created_at: str | None
    """ISO 8601 with an offset, as all times here. None before it was accepted."""
    duration_minutes: int | float | None
    status: Status
    expires_at: str | None
    """As long as it is being made: when it expires at the earliest."""
    remaining_seconds: int
    message: str
    """Why it stands as it does; empty for who may not know."""


class SeedDesktop(SeedSession):
    """A session with what its owner logs in by."""

    username: str
    password: str | None = Field(repr=False)
    """None where the controller set none."""


class Launched(BaseModel):
    success: Literal[True] = True
    session: SeedDesktop | SeedSession
    message: str


class Found(BaseModel):
    success: Literal[True] = True
    session: SeedDesktop | SeedSession


class Listed(BaseModel):
    success: Literal[True] = True
    sessions: tuple[SeedSession, ...]


class Ended(BaseModel):
    success: Literal[True] = True
    message: str
    session: SeedSession


class Cleaned(BaseModel):
    success: Literal[True] = True
    cleaned_sessions: tuple[str, ...]
    message: str


class Health(BaseModel):
    success: bool
    status: Literal["healthy", "unhealthy"]
    message: str
    timestamp: str
    active_sessions: int | None
    """Those that are not over, whosever they are; None where the controller cannot be asked."""


class Index(BaseModel):
    success: Literal[True] = True
    message: str
    endpoints: dict[str, str]
    timestamp: str


class Failure(BaseModel):
    """Whatever is refused or goes wrong. ``error`` and ``message`` are the same sentence: clients read either."""

    success: Literal[False] = False
    error: str
    message: str


class NotMade(Failure):
    """A session that was launched and that never became usable."""

    session: SeedSession
