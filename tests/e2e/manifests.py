"""A directory of manifests, written as people and programs write them: whole files, put in place at once."""

from __future__ import annotations

from pathlib import Path

import yaml

CLONED = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {name: cloned}
spec:
  source: {clone: {templates: [{vmid: 9000}]}}
  credentials: template
"""
"""A template that clones the container template of the node's. Its file keeps the directory from being empty."""


def session_text(name: str, **spec: object) -> str:
    document = {"apiVersion": "winux.dev/v1", "kind": "Session", "metadata": {"name": name}, "spec": spec}
    return yaml.safe_dump(document, sort_keys=False)


class Manifests:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.text("template-cloned.yaml", CLONED)

    def text(self, file: str, text: str | bytes) -> Path:
        """Put a file in place; what was there before is replaced at once."""
        target, draft = self.path / file, self.path / f".{file}.new"
        draft.write_bytes(text if isinstance(text, bytes) else text.encode())
        draft.rename(target)
        return target

    def session(self, name: str, **spec: object) -> Path:
        return self.text(f"{name}.yaml", session_text(name, **spec))

    def remove(self, *names: str) -> None:
        for name in names:
            (self.path / f"{name}.yaml").unlink()
