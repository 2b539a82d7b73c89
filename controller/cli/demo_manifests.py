"""The manifests of the demo, as a person would write them."""

from __future__ import annotations

TEMPLATE_FILE, TEMPLATE_NAME = "template-desktop.yaml", "desktop"
TEMPLATE = """\
# What sessions are made from. It also keeps the directory from ever being empty, which would count as a mistake.
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata:
  name: desktop
spec:
  resources: {cores: 2, memory: 1Gi, disk: 10Gi}
  limits: {cores: 4, memory: 4Gi, disk: 20Gi}
  ttl: {default: 5m, max: 2h}
"""

REAL_TEMPLATE = """\
# What sessions are made from: small enough that several fit on a small machine. It also keeps the directory from ever
# being empty, which would count as a mistake.
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata:
  name: desktop
spec:
  resources: {cores: 1, memory: 1Gi, disk: 4Gi}
  limits: {cores: 2, memory: 2Gi, disk: 10Gi}
  ttl: {default: 5m, max: 2h}
"""

BROKEN = """\
apiVersion: winux.dev/v1
kind: Session
metadata:
  name: mallory
spec:
  template: desktop
  ttl: 1:30
"""
"""``1:30`` is 90 to YAML: what was meant has to be written."""


def session(name: str, *, ttl: str) -> str:
    """A session of the demo's template."""
    return f"""\
apiVersion: winux.dev/v1
kind: Session
metadata:
  name: {name}
spec:
  template: desktop
  owner: {name}@example.org
  ttl: {ttl}
"""
