"""From a manifest back to YAML, with the fields that differ from their defaults."""

from __future__ import annotations

import yaml

from controller.api.manifest import ManifestModel


def dump(model: ManifestModel) -> str:
    """One document, without ``---``; parsing it gives an equal model."""
    fields = model.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    ordered = {key: fields[key] for key in ("apiVersion", "kind", "metadata", "spec") if key in fields}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, default_flow_style=False)
