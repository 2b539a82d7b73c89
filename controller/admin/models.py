"""What the admin API says and is told, as pydantic models: camelCase in JSON, times in RFC 3339 and UTC.

The CLI reads the same models back. No model but ``CredentialView`` has room for a secret. How they are filled is in
``views`` and ``plan``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from controller.api.fields import Name
from controller.api.quantities import format_instant
from controller.core.model import Timestamp


class View(BaseModel):
    """Frozen; fields that an older CLI does not know are skipped."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Order(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


Time = Annotated[datetime, PlainSerializer(lambda time: format_instant(time.timestamp()), return_type=str)]


def moment(seconds: Timestamp) -> datetime:
    """Unix seconds to a time in UTC, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def moment_or_none(seconds: Timestamp | None) -> datetime | None:
    """The same; None for what is not known or never comes."""
    return None if seconds is None or not isfinite(seconds) else moment(seconds)


class Whose(StrEnum):
    OURS = "ours"
    FOREIGN = "foreign"


class Action(StrEnum):
    """What a plan would do to a session."""

    CREATE = "create"
    START = "start"
    CHANGE = "change"
    REPLACE = "replace"
    """Its life ends and another begins, as a new revision asks for."""
    DESTROY = "destroy"
    KEEP = "keep"
    HOLD = "hold"
    """A brake, a pause or a want of room holds it: what is to be done is done when that goes."""
    ENDED = "ended"
    """Its life is over and its manifest is still there: nothing is done until the manifest changes."""


class ResourcesView(View):
    cores: int
    memory: str
    disk: str


class ConditionView(View):
    type: str
    status: str
    reason: str
    message: str
    last_transition_time: Time


class SessionView(View):
    """A session as people see it."""

    name: str
    phase: str
    reason: str
    message: str
    failing: bool = False
    """Something goes wrong again and again, which ``message`` says; it is tried again."""
    owner: str | None = None
    template: str | None = None
    node: str | None = None
    vmid: int | None = None
    address: str | None = None
    port: int | None = None
    """Of its RDP server; None where only a faulty manifest asks for it."""
    accepted_at: Time | None = None
    ready_at: Time | None = None
    starts_at: Time | None = None
    expires_at: Time | None = None
    """None while it is not known: a time to live counts from Ready."""
    seconds_left: float | None = None
    ended_at: Time | None = None
    ttl: str | None = None
    max_ttl: str | None = None
    extension: float = 0.0
    """Seconds granted on top of the time to live."""
    uid: str | None = None
    origin: str | None = None
    """``alice.yaml:3``, relative to the manifest directory; only the file where the manifest is gone."""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    attempts: int = 0
    last_failure: str | None = None
    """Why the last container was given up; None where none was, or one was ready since."""
    ssh_host_key: str | None = None
    """By which the guest is known over SSH, as ``ssh-ed25519 AAAA…``; None before the first contact."""
    fingerprint: str | None = None
    """SHA-256 of the certificate that its RDP server shows, ``aa:bb:…``; None without TLS or before it answered."""
    resources: ResourcesView | None = None
    conditions: tuple[ConditionView, ...] = ()
    paused: bool = False
    problems: tuple[str, ...] = ()
    """What is wrong with its manifest; the last good one counts meanwhile."""


class SessionList(View):
    items: tuple[SessionView, ...]


class EventView(View):
    id: int
    session: str
    """Empty for what concerns the controller."""
    uid: str
    type: str
    reason: str
    message: str
    count: int
    first_at: Time
    last_at: Time


class EventList(View):
    items: tuple[EventView, ...]


class TemplateView(View):
    """A template with the site's defaults worked in; without them where it cannot be used."""

    name: str
    origin: str
    source: str | None = None
    """An archive's volume, or the container templates that are cloned."""
    storage: str | None = None
    """None also for clones, which stay on the storage of their template."""
    pool: str | None = None
    bridge: str | None = None
    nodes: tuple[str, ...] = ()
    """Empty: any that is online."""
    resources: ResourcesView | None = None
    limits: ResourcesView | None = None
    ttl: str | None = None
    max_ttl: str | None = None
    sessions: int
    """How many living sessions are made from it."""
    problems: tuple[str, ...] = ()
    """Why nothing can be made from it."""


class TemplateList(View):
    items: tuple[TemplateView, ...]


class ContainerView(View):
    vmid: int
    node: str
    name: str | None
    status: str
    """As the bulk observation shows it: up to 10 s old."""
    lock: str | None
    session: str | None
    whose: Whose


class ContainerList(View):
    items: tuple[ContainerView, ...]


class NoticeView(View):
    """Something that is wrong with the picture or brakes the controller."""

    reason: str
    sentence: str


class ProblemView(View):
    """What is wrong with a manifest."""

    file: str
    line: int | None
    column: int | None
    field: str | None
    session: str | None
    message: str
    sentence: str
    """All of it: ``alice.yaml:3:5: spec.ttl: …``."""


class ControllerStatus(View):
    version: str
    controller: str
    started_at: Time
    now: Time
    manifests: str
    """The watched directory."""
    files: int
    scanned_at: Time | None
    observed_at: Time | None
    notices: tuple[NoticeView, ...]
    problems: tuple[ProblemView, ...]
    phases: dict[str, int]
    queue: int | None
    """Sessions that wait to be looked at."""
    web: str | None = None
    """Where the daemon serves the page and its APIs; None where it does not."""


class Change(View):
    """What would happen to one session, and why."""

    action: Action
    session: str
    reason: str
    message: str
    origin: str | None = None
    container: str | None = None
    """``30417 on pve1``."""

    @property
    def pending(self) -> bool:
        """Whether something is to be done, or may be as soon as what holds it lets go: all that is held counts."""
        return self.action not in {Action.KEEP, Action.ENDED}


class Plan(View):
    changes: tuple[Change, ...]
    problems: tuple[ProblemView, ...] = ()
    notices: tuple[NoticeView, ...] = ()

    @property
    def pending(self) -> bool:
        return any(change.pending for change in self.changes)


class Outcome(View):
    """What an order did, one sentence each."""

    messages: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class CredentialView(View):
    """What a person logs in with."""

    session: str
    address: str
    port: int
    username: str
    password: str | None = Field(default=None, repr=False)
    """None where the controller set none: see ``credentials``."""
    next_password: str | None = Field(default=None, repr=False)
    """While the password is changed: this one works if the other does not any more."""
    credentials: str = "password"
    """``template``: as in the container template; ``none``: as the site's directory has it."""
    fingerprint: str | None = None
    """SHA-256 of the certificate that the RDP server has to show, ``aa:bb:…``; None without TLS."""


class ProblemDetails(View):
    """An error, as RFC 9457 writes it. ``detail`` is one sentence."""

    title: str
    status: int
    detail: str
    problems: tuple[str, ...] = ()


class WebKey(View):
    """What keyed hashes of the web are made with: secret."""

    key: str = Field(repr=False)
    """32 bytes in hex."""


class ExtendOrder(Order):
    seconds: float = Field(gt=0)


class PauseOrder(Order):
    """``session`` None: the whole controller."""

    session: str | None = None


class TextOrder(Order):
    """Manifests to apply."""

    text: str
    name: str = "stdin"
    """What to call the text in problems."""


class CreateOrder(Order):
    """A session that is not there yet: its manifest, and its name."""

    text: str
    name: Name


class ManifestFile(Order):
    name: str
    text: str


class PlanOrder(Order):
    """Manifests to plan with: on top of those in force, or in their place."""

    files: tuple[ManifestFile, ...]
    instead: bool = False
