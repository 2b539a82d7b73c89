"""The settings: their names, types, limits and defaults. Durations are seconds inside.

camelCase in the file (``proxmox.tokenId``), upper-case snake in variables (``WINUX_PROXMOX__TOKEN_ID``). Where values
come from and which one wins is in ``settings_sources`` and ``settings``.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from controller.api.fields import BridgeName, Name, PoolId, StorageId, Volume
from controller.daemon.settings_fields import (
    Fingerprint,
    HttpsUrl,
    Listen,
    NodeNames,
    PathText,
    TokenId,
    one_of,
    span,
    whole,
)
from controller.telemetry.logs import LogFormat, LogLevel


class Language(StrEnum):
    """The languages of ``controller.core.notices``."""

    EN = "en"
    FR = "fr"


class Section(BaseModel):
    """A group of settings. Frozen; unknown fields are refused; what was given is never repeated in an error."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )


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


class TelemetrySection(Section):
    listen: Listen = "127.0.0.1:9464"


class AdminSection(Section):
    socket: Annotated[Path, PathText] = Path("/run/winux/admin.sock")


class LogSection(Section):
    format: Annotated[LogFormat, one_of(LogFormat)] = LogFormat.AUTO
    level: Annotated[LogLevel, one_of(LogLevel)] = LogLevel.INFO


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
    telemetry: TelemetrySection = TelemetrySection()
    admin: AdminSection = AdminSection()
    log: LogSection = LogSection()
    workers: Annotated[int, whole(1, 64)] = 8
    drain: Annotated[float, *span("0s", "10m")] = 20.0
    """How long a stop waits for work in progress."""
    readiness: ReadinessSection = ReadinessSection()
    guest: GuestSection = GuestSection()
