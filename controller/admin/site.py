"""What of the daemon's settings the admin service needs: the settings themselves live in a layer above."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from controller.core.offer import TemplateDefaults


class Manifests(Protocol):
    @property
    def path(self) -> Path: ...


class ProxmoxSite(Protocol):
    @property
    def pool(self) -> str: ...


class Defaults(Protocol):
    @property
    def archive(self) -> str | None: ...
    @property
    def storage(self) -> str | None: ...
    @property
    def bridge(self) -> str: ...
    @property
    def nodes(self) -> tuple[str, ...]: ...


class GuestSite(Protocol):
    @property
    def ssh_key_file(self) -> Path | None: ...


class Site(Protocol):
    """``controller.daemon.settings.Settings`` is one."""

    @property
    def manifests(self) -> Manifests: ...
    @property
    def proxmox(self) -> ProxmoxSite: ...
    @property
    def defaults(self) -> Defaults: ...
    @property
    def guest(self) -> GuestSite: ...


def template_defaults(site: Site) -> TemplateDefaults:
    """What the site says where a template says nothing."""
    defaults = site.defaults
    return TemplateDefaults(
        archive=defaults.archive,
        storage=defaults.storage,
        bridge=defaults.bridge,
        pool=site.proxmox.pool,
        nodes=defaults.nodes,
        guest_key=site.guest.ssh_key_file is not None,
    )
