"""What a controller, or another client, sees differently from one release of Proxmox VE to another.

Each difference is a named capability that is asked for where the answer is made. Parameters that a release does not
know are marked where they stand (``Param.since``). Sources: the changelogs of pve-manager, pve-container and
pve-access-control, and their code at 8.4 and at 9.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.node import privileges
from controller.node.privileges import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    name: str
    """``9.2``."""
    package: str
    """The version of pve-manager."""
    repoid: str
    kernel: str
    rights: Catalogue
    unprivileged_by_default: bool
    """A create that says nothing about it makes an unprivileged container, and a privileged one needs Sys.Modify."""
    warns_of_nesting: bool
    """A guest with systemd and without nesting ends its create, clone or start with a warning."""
    one_text_for_401: bool
    """Bad credentials get one text; before, the text told what was wrong with them."""
    measures_pressure: bool
    """A running container's row has its pressure stall numbers, and a broadcast row ``memhost``."""
    running_clone: str
    """The refusal to clone a running container in full."""

    @property
    def number(self) -> tuple[int, int]:
        major, _, minor = self.name.partition(".")
        return int(major), int(minor)


RELEASES: dict[str, Release] = {
    release.name: release
    for release in (
        Release(
            name="8.4",
            package="8.4.1",
            repoid="2a5fa54a8503f96d",
            kernel="6.8.12-9-pve",
            rights=privileges.PVE8,
            unprivileged_by_default=False,
            warns_of_nesting=False,
            one_text_for_401=False,
            measures_pressure=False,
            running_clone="Cannot do full clones on a running container without snapshots",
        ),
        Release(
            name="9.2",
            package="9.2.11",
            repoid="3f2e1d0c9b8a7f65",
            kernel="6.14.11-1-pve",
            rights=privileges.PVE9,
            unprivileged_by_default=True,
            warns_of_nesting=True,
            one_text_for_401=True,
            measures_pressure=True,
            running_clone="Full clone of a running container is only possible from a snapshot",
        ),
    )
}
NEWEST = RELEASES["9.2"]
