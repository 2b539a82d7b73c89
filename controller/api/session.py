"""The manifest kind ``Session``: one desktop that somebody asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from controller.api.fields import Disk, Duration, Instant, Memory, Name, Owner, Revision
from controller.api.manifest import ManifestModel, Model
from controller.api.reading import Complaint

MAX_CORES = 8192
"""What Proxmox takes as the most ``cores`` of a container."""


class ResourceRequest(Model):
    """What a session wants else than its template gives."""

    cores: int | None = Field(
        default=None,
        ge=1,
        le=MAX_CORES,
        description="CPU cores. Left out: the template's.",
        examples=[2],
    )
    memory: Memory | None = Field(
        default=None,
        description="Memory with its unit, Mi or Gi. Left out: the template's.",
        examples=["2048Mi", "2Gi"],
    )
    disk: Disk | None = Field(
        default=None,
        description="Size of the root disk with its unit, Gi or Ti. Left out: the template's.",
        examples=["10Gi"],
    )


class SessionFields(Model):
    """What is asked for."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["ttl", "expiresAt"]}})

    template: Name = Field(
        default="default",
        description="The SessionTemplate to make it from.",
        examples=["default", "xfce"],
    )
    owner: Owner | None = Field(
        default=None,
        description="Whose desktop it is: shown in tables and in the description of the container.",
        examples=["alice@example.org"],
    )
    ttl: Duration | None = Field(
        default=None,
        description=(
            "How long it lives once it is ready, in days, hours, minutes and seconds. "
            "Left out: the template's. Not together with expiresAt."
        ),
        examples=["30m", "1h30m", "45s", "2d"],
    )
    expires_at: Instant | None = Field(
        default=None,
        description="When it ends, with a time zone. Not together with ttl.",
        examples=["2030-06-01T18:00:00+02:00"],
    )
    start_at: Instant | None = Field(
        default=None,
        description="When it is made, with a time zone. Left out: now.",
        examples=["2030-06-01T08:00:00+02:00"],
    )
    resources: ResourceRequest = Field(
        default_factory=ResourceRequest,
        description="What it gets else than the template gives, within the template's limits.",
        examples=[{"cores": 4, "memory": "4Gi"}],
    )
    paused: bool = Field(
        default=False,
        description="While true nothing is created or changed; what is there still ends on time.",
        examples=[True],
    )
    restart_policy: Literal["Always", "Never"] = Field(
        default="Always",
        description="Whether a desktop that was stopped from outside is started again.",
        examples=["Always", "Never"],
    )
    revision: Revision = Field(
        default="",
        description="Any number or word: a new value asks for a new life, with a new container.",
        examples=[2],
    )


class Session(ManifestModel):
    """One desktop that somebody asks for."""

    kind_name: ClassVar[str] = "Session"

    kind: Literal["Session"] = Field(description="Always Session.", examples=["Session"])
    spec: SessionFields = Field(
        default_factory=SessionFields,
        description="What is asked for. Left out: a desktop of the default template.",
        examples=[{"owner": "alice@example.org", "ttl": "1h30m"}],
    )

    def complaints(self) -> Iterator[Complaint]:
        spec = self.spec
        if spec.ttl is not None and spec.expires_at is not None:
            yield Complaint(("spec", "expiresAt"), "cannot stand next to spec.ttl; remove one of the two")
        if spec.start_at is not None and spec.expires_at is not None and spec.start_at >= spec.expires_at:
            yield Complaint(("spec", "expiresAt"), "is not after spec.startAt; the session would end before it starts")
