"""What one session gets: its manifest and its template's offer worked into the spec that its life depends on.

Pure, and without a clock: whether an ``expiresAt`` is past is for ``lifecycle`` to say. Which manifests there are, and
what counts where one is broken, is the business of ``desired``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping

from controller.api.manifest import Manifest
from controller.api.problem import Problem
from controller.api.quantities import format_disk, format_duration, format_memory
from controller.api.reading import Complaint
from controller.api.session import Session, SessionFields
from controller.core.model import Resources, RestartPolicy, SessionSpec
from controller.core.offer import NoOffer, Offer

GENERATION_VERSION = "v1"

Offers = Mapping[str, Offer | NoOffer]
"""By name of the template."""


def resolve(session: Manifest, offers: Offers) -> SessionSpec | tuple[Problem, ...]:
    """The spec of a ``Session`` manifest, or all that is wrong with it in sentences that point at its fields."""
    wanted = _fields(session)
    offer = offers.get(wanted.template)
    if offer is None or isinstance(offer, NoOffer):
        return (session.problem(("spec", "template"), _no_offer(wanted.template, offer, offers)),)
    complaints = list(_excesses(wanted, offer))
    if complaints:
        return tuple(session.problem(complaint.path, complaint.message) for complaint in complaints)
    asked, given = wanted.resources, offer.resources
    return SessionSpec(
        template=wanted.template,
        owner=wanted.owner,
        source=offer.source,
        storage=offer.storage,
        pool=offer.pool,
        nodes=offer.nodes,
        resources=Resources(
            cores=given.cores if asked.cores is None else asked.cores,
            memory_mib=given.memory_mib if asked.memory is None else asked.memory,
            disk_gib=given.disk_gib if asked.disk is None else asked.disk,
        ),
        network=offer.network,
        desktop_user=offer.desktop_user,
        nesting=offer.nesting,
        ttl=offer.ttl if wanted.ttl is None else wanted.ttl,
        max_ttl=offer.max_ttl,
        expires_at=wanted.expires_at,
        start_at=wanted.start_at,
        paused=wanted.paused,
        restart_policy=RestartPolicy(wanted.restart_policy),
        readiness=offer.readiness,
        credentials=offer.credentials,
        sudo=offer.sudo,
    )


def generation(session: Manifest) -> str:
    """``v1-`` and 16 hex digits of the meaning of a session's own spec, without ``paused``.

    Defaults count like what is left out, so that fields that a later version adds change nothing.
    """
    spec = _fields(session)
    meaning = {
        "template": None if spec.template == "default" else spec.template,
        "owner": spec.owner,
        "ttl": spec.ttl,
        "expiresAt": spec.expires_at,
        "startAt": spec.start_at,
        "cores": spec.resources.cores,
        "memoryMiB": spec.resources.memory,
        "diskGiB": spec.resources.disk,
        "restartPolicy": None if spec.restart_policy == "Always" else spec.restart_policy,
        "revision": spec.revision or None,
    }
    said = {field: value for field, value in meaning.items() if value is not None}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())
    return f"{GENERATION_VERSION}-{digest.hexdigest()[:16]}"


def _fields(manifest: Manifest) -> SessionFields:
    if not isinstance(manifest.model, Session):
        raise TypeError(f"{manifest.origin} is a {manifest.kind}, not a Session")
    return manifest.model.spec


def _no_offer(name: str, offer: NoOffer | None, offers: Offers) -> str:
    if offer is not None:
        return f'SessionTemplate "{name}" cannot be used: {offer.problems[0]}'
    meant = difflib.get_close_matches(name, offers, n=1)
    known = ", ".join(f'"{known}"' for known in sorted(offers))
    return f'there is no valid SessionTemplate "{name}"; ' + (
        f'did you mean "{meant[0]}"?' if meant else f"there is {known or 'none at all'}"
    )


def _excesses(wanted: SessionFields, offer: Offer) -> Iterator[Complaint]:
    asked, limits = wanted.resources, offer.limits
    allows = f'template "{offer.template.name}" allows at most'
    for field, wish, limit, text in (
        ("cores", asked.cores, limits.cores, str),
        ("memory", asked.memory, limits.memory_mib, format_memory),
        ("disk", asked.disk, limits.disk_gib, format_disk),
    ):
        if wish is not None and wish > limit:
            yield Complaint(("spec", "resources", field), f"{text(wish)} is too much: {allows} {text(limit)}")
    if wanted.ttl is not None and wanted.ttl > offer.max_ttl:
        found, most = format_duration(wanted.ttl), format_duration(offer.max_ttl)
        yield Complaint(("spec", "ttl"), f"{found} is too long: {allows} {most}")
