"""A manifest survives being written and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.api.builtin import BUILT_IN_TEMPLATES
from controller.api.dump import dump
from controller.api.load import parse
from controller.api.manifest import Manifest

EXAMPLES = [
    manifest
    for path in sorted((Path(__file__).parents[3] / "manifests").glob("*.yaml"))
    for manifest in parse(path.read_bytes(), path.name).manifests
]


@pytest.mark.parametrize("manifest", [*EXAMPLES, *BUILT_IN_TEMPLATES.values()], ids=lambda m: f"{m.kind}-{m.name}")
def test_reading_what_was_written_gives_the_same_manifest(manifest: Manifest) -> None:
    again = parse(dump(manifest.model).encode(), "again.yaml")
    assert again.problems == ()
    assert [found.model for found in again.manifests] == [manifest.model]


def test_only_what_differs_from_the_defaults_is_written() -> None:
    text = (
        "apiVersion: winux.dev/v1\nkind: Session\nmetadata: {name: alice}\n"
        'spec: {template: default, paused: false, ttl: 90m, expiresAt: "2030-01-01T01:00:00+01:00"}\n'
    )
    manifest = parse(text.replace("ttl: 90m, ", "").encode(), "a.yaml").manifests[0]
    assert dump(manifest.model) == (
        "apiVersion: winux.dev/v1\nkind: Session\nmetadata:\n  name: alice\n"
        "spec:\n  expiresAt: '2030-01-01T00:00:00Z'\n"
    )
