"""What ``/api/v1`` says and is told, as pydantic models: camelCase in JSON, times in RFC 3339 and UTC.

No model but ``Credential`` and ``LaunchedSession`` has room for a secret. How they are filled is in ``showing``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from controller.api.quantities import format_instant
from controller.web.launching import SHORTEST
from controller.web.progress import Step

Moment = Annotated[
    datetime,
    PlainSerializer(lambda time: format_instant(time.timestamp()), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-01-15T08:00:00Z"]}),
]
LONGEST_MINUTES = 525_600
"""A year; what is really allowed depends on template and settings."""
NAME_PATTERN = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"


class Shown(BaseModel):
    """What is answered."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class Order(BaseModel):
    """What is sent: unknown fields are refused, and so are numbers written as strings."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class ProgressShown(Shown):
    """How far a session has come."""

    step: Step
    estimate_seconds: float | None
    """Until it is probably ready, from the last sessions; null where nobody can know."""
    elapsed_seconds: float
    """Since it was accepted, until it was ready or ended."""
    fraction: float | None
    """How much of the usual time is over, 0 to 1; null without an estimate."""
    late: bool
    """It takes longer than the last ones did."""


class Session(Shown):
    """A desktop as the person who asks may see it: of others' there are name, phase and times only."""

    name: str = Field(examples=["amber-otter-42"])
    phase: str = Field(examples=["Ready"])
    """Pending, Creating, Starting, Ready, Held, Terminating, Expired or Failed."""
    reason: str
    """One word for programs; empty for others' sessions."""
    message: str
    """One sentence for people; empty for others' sessions."""
    failing: bool
    """Something goes wrong again and again, which ``message`` says; it is tried again."""
    template: str | None
    mine: bool
    may_control: bool
    """Whether who asks may extend and end it."""
    may_log_in: bool
    """Whether who asks may see its credential."""
    owner: str | None
    address: str | None
    port: int | None
    """Of the RDP server; null as long as there is no address."""
    accepted_at: Moment | None
    ready_at: Moment | None
    expires_at: Moment | None
    """Null while it is not known: the time begins to count at Ready."""
    ended_at: Moment | None
    seconds_left: float | None
    extendable_seconds: float
    """How much more time it may be given."""
    server_time: Moment
    """To compare the other times with, whatever the clock of the browser says."""
    progress: ProgressShown


class LaunchedSession(Session):
    """A session that was just launched."""

    ticket: str = Field(repr=False, examples=["wxt_…"])
    """What opens it from now on, for programs that keep no cookies: ``Authorization: Bearer`` and this. Said once."""


class SessionPage(Shown):
    items: tuple[Session, ...]
    continue_: str | None = Field(alias="continue")
    """Send it back as ``continue`` for the next page; null on the last."""


class Launch(Order):
    """All of it may be left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"template": "default", "durationMinutes": 30, "language": "fr"}]}
    )

    template: str | None = Field(default=None, max_length=63)
    """Null: the usual one."""
    duration_minutes: float | None = Field(default=None, ge=SHORTEST / 60.0, le=LONGEST_MINUTES)
    """How long it lives once it is ready; null: as its template says."""
    name: str | None = Field(default=None, max_length=63, json_schema_extra={"pattern": NAME_PATTERN})
    """Null: one is made up."""
    language: Literal["en", "fr"] | None = None
    """Of the notices on the desktop."""
    captcha: str | None = Field(default=None, max_length=8192, repr=False)
    """The answer to the captcha, where ``me`` asks for one."""


class Extend(Order):
    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes": 15}]})

    minutes: float = Field(ge=1 / 60.0, le=LONGEST_MINUTES)
    """How much longer."""


class Credential(Shown):
    """By what to log in."""

    username: str
    password: str | None = Field(repr=False)
    """Null where the controller set none: see ``credentials``."""
    next_password: str | None = Field(repr=False)
    """While the password is being changed: this one works if the other does not any more."""
    credentials: str
    """``password``; ``template``: as in the container template; ``none``: as the site's directory has it."""
    address: str
    port: int
    fingerprint: str | None
    """SHA-256 of the certificate that the RDP server has to show, ``aa:bb:…``; null without TLS."""


class Event(Shown):
    """Something that was decided or done."""

    id: int
    """Grows; an event that is counted once more has a new one."""
    session: str
    """Empty for what concerns the controller."""
    type: str = Field(examples=["Normal", "Warning"])
    reason: str = Field(examples=["Ready"])
    message: str
    count: int
    first_at: Moment
    last_at: Moment


class EventItems(Shown):
    items: tuple[Event, ...]
    """The newest ones, oldest first."""


class Template(Shown):
    """A kind of desktop that is offered."""

    name: str
    cores: int | None
    memory: str | None = Field(examples=["1Gi"])
    disk: str | None = Field(examples=["10Gi"])
    ttl_seconds: float | None
    """How long its desktops live unless more is asked for."""
    max_ttl_seconds: float | None
    """How long they may live, extensions included."""
    description: str | None


class TemplateItems(Shown):
    items: tuple[Template, ...]
    """The usual one first."""


class Pool(Shown):
    """Desktops that wait, made ahead."""

    name: str
    template: str
    ready: int
    wanted: int


class PoolItems(Shown):
    items: tuple[Pool, ...]


class Defaults(Shown):
    template: str
    duration_minutes: float
    max_duration_minutes: float
    extend_minutes: float


class Captcha(Shown):
    site_key: str
    """Public: which captcha to show."""


class Me(Shown):
    """Who asks, as the server sees it, and what the page has to know."""

    mode: str = Field(examples=["open", "token", "proxy", "oidc"])
    role: str = Field(examples=["guest", "user", "operator", "admin"])
    name: str | None
    may_launch: bool
    login_url: str | None
    """Where to log in, relative to the page's own address; null where there is nothing of the kind."""
    logout_url: str | None
    defaults: Defaults
    warn_before_seconds: float
    captcha: Captcha | None


class Notice(Shown):
    reason: str
    sentence: str


class Capacity(Shown):
    """Sessions that were launched here."""

    used: int
    free: int | None
    """Null where the settings do not limit the sessions in all."""


class SystemStatus(Shown):
    """How the controller is doing; for who is no operator only what helps to wait."""

    version: str
    controller: str
    """Its name; empty for who is no operator."""
    ready: bool
    """It has seen its manifests and its containers."""
    notices: tuple[Notice, ...]
    phases: dict[str, int] = Field(examples=[{"Ready": 3}])
    capacity: Capacity | None
    """For operators; else null."""
    queue: int | None
    """Sessions that wait to be looked at, for operators; else null."""
