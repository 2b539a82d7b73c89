"""What all kinds of manifests have in common: the model they derive from, their metadata, a manifest and its place.

The kinds themselves live in ``session`` and ``template`` and are listed in ``kinds``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from controller.api.documents import Document
from controller.api.fields import LabelKey, LabelValue, Name
from controller.api.problem import Origin, Problem
from controller.api.reading import Complaint, FieldPath, dotted, place_of, read
from controller.api.tree import Position, compose

API_VERSION = "winux.dev/v1"


class Model(BaseModel):
    """A part of a manifest: strict, frozen, camelCase in YAML (through aliases), no unknown fields."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
    )


class Metadata(Model):
    """Who the manifest is about."""

    name: Name = Field(
        description="Name, unique among manifests of its kind; a session's becomes the container's host name.",
        examples=["alice", "linux-101-07"],
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Short texts to find and group by, as in Kubernetes.",
        examples=[{"course": "linux-101"}],
    )
    annotations: dict[LabelKey, str] = Field(
        default_factory=dict,
        description="Free texts for people and programs; the controller only keeps them.",
        examples=[{"winux.dev/comment": "for the Tuesday group"}],
    )


class ManifestModel(Model):
    """One document. A kind derives from it, sets ``kind`` and adds its ``spec``."""

    kind_name: ClassVar[str]

    api_version: Literal["winux.dev/v1"] = Field(description="Always winux.dev/v1.", examples=[API_VERSION])
    metadata: Metadata = Field(description="Name, labels and annotations.", examples=[{"name": "alice"}])

    def complaints(self) -> Iterator[Complaint]:
        """What is wrong between fields that are each right by themselves."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Manifest:
    """A valid document and where it stands."""

    model: ManifestModel
    origin: Origin
    document: Document | None = None
    """What it was read from; None for what is built in."""

    @property
    def kind(self) -> str:
        return self.model.kind_name

    @property
    def name(self) -> str:
        return self.model.metadata.name

    def problem(self, path: FieldPath, message: str) -> Problem:
        """A mistake of this manifest that only shows when it is seen together with others."""
        at = place_of(path, self._places())
        return Problem(
            file=self.origin.file,
            line=at.line,
            column=at.column,
            field=dotted(path) or None,
            message=message,
            session=self.name if self.kind == "Session" else None,
        )

    def _places(self) -> Mapping[FieldPath, Position]:
        # Read anew, because this is seldom wanted and would be most of what thousands of manifests weigh.
        if self.document is None:
            return {}
        node = compose(self.document.text, first_line=self.document.line)
        return read(node).places if node is not None else {}
