"""The settings: their names, types, limits and defaults. Durations are seconds inside.

camelCase in the file (``proxmox.tokenId``), upper-case snake in variables (``WINUX_PROXMOX__TOKEN_ID``). Where values
come from and which one wins is in ``settings_sources`` and ``settings``.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from controller.api.fields import BridgeName, Name, PoolId, StorageId, Volume
from controller.daemon.settings_fields import (
    CollectorUrl,
    ComponentLevels,
    EventTypes,
    Fingerprint,
    Flag,
    HttpsUrl,
    Listen,
    NodeNames,
    PathText,
    TokenId,
    WebhookUrl,
    one_of,
    span,
    whole,
)
from controller.daemon.settings_section import Section
from controller.daemon.settings_web import WebSection
from controller.ledger.events import EventType
from controller.telemetry.loglevels import LogLevel
from controller.telemetry.logs import LogFormat


class Language(StrEnum):
    """The languages of ``controller.core.notices``."""

    EN = "en"
    FR = "fr"


class ControllerSection(Section):
    id: Name = "default"
    """Who owns a container: it stands in every marker. Two controllers on one Proxmox need two ids."""


class ManifestsSection(Section):
    path: Annotated[Path, PathText] = Path("manifests")
    grace: Annotated[float, *span("0s", "1d")] = 5.0
    """How long a manifest has to be gone before its session is."""
    rescan: Annotated[float, *span("100ms", "1h")] = 30.0
    debounce: Annotated[float, *span("0s", "1m")] = 0.2


class ProxmoxSection(Section):
    url: HttpsUrl
    token_id: TokenId
    token_secret: SecretStr | None = None
    token_secret_file: Annotated[Path, PathText] | None = None
    ca_file: Annotated[Path, PathText] | None = None
    fingerprint: Fingerprint | None = None
    pool: PoolId = "winux"
    in_flight_per_node: Annotated[int, whole(1, 16)] = 4
    tick: Annotated[float, *span("10ms", "5m")] = 2.0
    """How often all containers are looked at."""
    task_poll: Annotated[float, *span("10ms", "1m")] = 0.15
    timeout: Annotated[float, *span("100ms", "10m")] = 35.0
    """Longer than the 10 s that Proxmox itself waits for a lock, or answers get lost that were on their way."""

    @model_validator(mode="after")
    def _one_way_to_trust(self) -> Self:
        if self.ca_file is not None and self.fingerprint is not None:
            raise ValueError("caFile and fingerprint are both given; keep the one by which the server is to be known")
        return self


class DefaultsSection(Section):
    """What the built-in template ``default`` uses, and every template that does not say otherwise."""

    archive: Volume | None = None
    storage: StorageId | None = None
    bridge: BridgeName = "vmbr0"
    nodes: NodeNames = ()


class VmidsSection(Section):
    first: Annotated[int, whole(100, 999_999_999)] = 30001
    last: Annotated[int, whole(100, 999_999_999)] = 30999
    rest: Annotated[float, *span("0s", "7d")] = 600.0
    """How long a used VMID is not used again."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) is above last ({self.last}); write the lower one first")
        return self


class MassDeleteSection(Section):
    """Orphan deletion stops when more than the greater of both lose their manifest at once."""

    min: Annotated[int, whole(0, 1_000_000)] = 3
    percent: Annotated[int, whole(0, 100)] = 20


class GuardsSection(Section):
    mass_delete: MassDeleteSection = MassDeleteSection()
    clock_jump: Annotated[float, *span("1s", "1d")] = 60.0


class LedgerSection(Section):
    url: Annotated[str, Field(repr=False, min_length=1)] = "sqlite:////var/lib/winux/ledger.db"
    """As SQLAlchemy writes it; it may hold a password."""


class WebhookSection(Section):
    """Where events are posted to as JSON, signed as the Standard Webhooks convention has it."""

    url: Annotated[WebhookUrl | None, Field(repr=False)] = None
    """Its path may be a secret."""
    secret_file: Annotated[Path, PathText] | None = None
    types: EventTypes = tuple(EventType)
    timeout: Annotated[float, *span("100ms", "30s")] = 10.0
    """Of a whole attempt. Longer ones would look as if the thread were stuck."""
    ca_file: Annotated[Path, PathText] | None = None
    """Who vouches for the receiver. Left out: those whom this machine trusts."""
    allow_http: Flag = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url is None and self.secret_file is not None:
            raise ValueError("secretFile is given without url; give the URL that events are to be posted to")
        if self.url is not None and self.secret_file is None:
            raise ValueError(
                "url is given without secretFile; name a file with the secret that messages are signed with"
            )
        if self.url is not None and self.url.startswith("http:") and not self.allow_http:
            raise ValueError("url is http, which everybody on the way can read; write https, or add allowHttp: true")
        return self


class EventsSection(Section):
    """How long events are kept, and where they are sent on to. Both hold: what is older goes, and what is too much."""

    keep: Annotated[float, *span("1h", "3650d")] = 90 * 86_400.0
    at_most: Annotated[int, whole(100, 10_000_000)] = 50_000
    """Twice as many while some were not sent on."""
    file: Annotated[Path, PathText] | None = None
    """JSON lines; one that is rotated is opened anew."""
    webhook: WebhookSection = WebhookSection()


class TelemetrySection(Section):
    listen: Listen = "127.0.0.1:9464"
    session_info: Flag = False
    """Whether metrics name each session: a series for every one, and names of people where sessions have them."""
    traces: Annotated[CollectorUrl | None, Field(repr=False)] = None
    """Where traces of the way of sessions to Ready are sent: OTLP over HTTP."""


class AdminSection(Section):
    socket: Annotated[Path, PathText] = Path("/run/winux/admin.sock")


class LogSection(Section):
    format: Annotated[LogFormat, one_of(LogFormat)] = LogFormat.AUTO
    level: Annotated[LogLevel, one_of(LogLevel)] = LogLevel.INFO
    levels: ComponentLevels = Field(default_factory=dict)
    """Of components for which ``level`` is not right."""


class ReadinessSection(Section):
    attempts: Annotated[int, whole(1, 20)] = 3
    """Containers that are tried before a session counts as failed."""


class GuestSection(Section):
    """The controller's way into guests, for what only can be done inside: passwords of clones, rotation, notices."""

    ssh_key_file: Annotated[Path, PathText] | None = None
    """The private key, which only its owner may read. Left out: there is no way in, and none of that is done."""
    language: Annotated[Language, one_of(Language)] = Language.EN
    """Of notices on desktops, where a session does not say."""


class AllSections(Section):
    """Everything that a file or variables can say."""

    proxmox: ProxmoxSection
    controller: ControllerSection = ControllerSection()
    manifests: ManifestsSection = ManifestsSection()
    defaults: DefaultsSection = DefaultsSection()
    vmids: VmidsSection = VmidsSection()
    guards: GuardsSection = GuardsSection()
    ledger: LedgerSection = LedgerSection()
    events: EventsSection = EventsSection()
    telemetry: TelemetrySection = TelemetrySection()
    admin: AdminSection = AdminSection()
    log: LogSection = LogSection()
    workers: Annotated[int, whole(1, 64)] = 8
    drain: Annotated[float, *span("0s", "10m")] = 20.0
    """How long a stop waits for work in progress."""
    readiness: ReadinessSection = ReadinessSection()
    guest: GuestSection = GuestSection()
    web: WebSection = WebSection()
