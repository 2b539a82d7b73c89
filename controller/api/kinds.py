"""The list of manifest kinds. A new kind is a model in a module of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.manifest import ManifestModel
from controller.api.session import Session
from controller.api.template import SessionTemplate

KINDS: Mapping[str, type[ManifestModel]] = {model.kind_name: model for model in (Session, SessionTemplate)}
