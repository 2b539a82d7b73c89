"""The templates in force, as people see them: with the site's defaults worked in. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controller.admin.models import TemplateView
from controller.admin.views import resources_view
from controller.api.manifest import Manifest
from controller.api.quantities import format_duration
from controller.core.model import ArchiveSource, DesiredSnapshot, Source
from controller.core.offer import NoOffer, Offer, TemplateDefaults, settle


def template_views(
    desired: DesiredSnapshot, *, defaults: TemplateDefaults, sessions: Mapping[str, int]
) -> tuple[TemplateView, ...]:
    """By name. ``sessions`` counts the living ones of each template."""
    manifests = [template for template in desired.templates.values() if isinstance(template, Manifest)]
    return tuple(
        _view(settle(manifest, defaults=defaults), sessions.get(manifest.name, 0))
        for manifest in sorted(manifests, key=lambda manifest: manifest.name)
    )


def _view(offer: Offer | NoOffer, sessions: int) -> TemplateView:
    if isinstance(offer, NoOffer):
        return _unusable(offer, sessions)
    return TemplateView(
        name=offer.template.name,
        origin=_origin(offer.template),
        source=_said(offer.source),
        storage=offer.storage or None,
        pool=offer.pool,
        bridge=offer.network.bridge,
        nodes=offer.nodes,
        resources=resources_view(offer.resources),
        limits=resources_view(offer.limits),
        ttl=format_duration(offer.ttl),
        max_ttl=format_duration(offer.max_ttl),
        sessions=sessions,
    )


def _unusable(offer: NoOffer, sessions: int) -> TemplateView:
    """A template that lacks what only a site can know: all there is to say is what."""
    return TemplateView(
        name=offer.template.name,
        origin=_origin(offer.template),
        sessions=sessions,
        problems=tuple(str(problem) for problem in offer.problems),
    )


def _said(source: Source) -> str:
    if isinstance(source, ArchiveSource):
        return source.volume
    choices = (f"{one.vmid} on {one.node}" if one.node is not None else str(one.vmid) for one in source.templates)
    return f"clone of {', '.join(choices)}"


def _origin(template: Manifest) -> str:
    built_in = template.origin.file.startswith("(")
    return template.origin.file if built_in else str(template.origin)
