"""An edited manifest and a life that goes on: what of the new spec it follows, and what only a new life can. Pure."""

from __future__ import annotations

from dataclasses import replace

from controller.core.incarnation import Incarnation, Stage
from controller.core.model import DesiredSession, SessionSpec, Timestamp


def followed(life: Incarnation, desired: DesiredSession, *, now: Timestamp) -> tuple[SessionSpec, tuple[str, ...]]:
    """The spec that counts from now on, and the fields that cannot change any more.

    Without a container all of it counts, that of the template too; but who was ready once has begun for good.
    """
    spec, refused = (desired.spec, ()) if life.stage is Stage.ACCEPTED else merge(life.spec, desired)
    start_at, begun = desired.spec.start_at, life.stage is not Stage.ACCEPTED or life.ready_at is not None
    if begun and start_at is not None and start_at > now and start_at != life.spec.start_at:
        refused = (*refused, "spec.startAt")
    return spec, refused


def merge(old: SessionSpec, desired: DesiredSession) -> tuple[SessionSpec, tuple[str, ...]]:
    """The old spec with all of the new one that a living container can follow, and the fields that it cannot."""
    new = desired.spec
    resources, refused = new.resources, []
    if new.resources.disk_gib < old.resources.disk_gib:
        resources = replace(resources, disk_gib=old.resources.disk_gib)
        refused.append("spec.resources.disk")
    if new.template != old.template:
        refused.insert(0, "spec.template")
        resources = old.resources
    merged = replace(
        old,
        owner=new.owner,
        resources=resources,
        ttl=new.ttl,
        expires_at=new.expires_at,
        paused=new.paused,
        restart_policy=new.restart_policy,
    )
    return merged, tuple(refused)
