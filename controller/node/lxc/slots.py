"""Ranges of ids: a container's own on this machine, whichever engine it belongs to.

A claim is a symbolic link from the range's number to the container's directory: it is there whole, or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.node.lxc.host import HostError
from controller.node.lxc.idmap import UIDS

FIRST_ID = 2_000_000_000
"""The host's id where the ranges begin: above those of users and of Debian's subordinate ids."""
SLOTS = 4096
"""How many ranges there are: more containers than one machine runs."""
IDS = SLOTS * UIDS
"""How many ids all of them are."""


class Slots:
    """The claims in one directory. ``owner`` is the directory of a container."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def claimed(self, owner: Path) -> Iterator[int]:
        """The lowest free one; nobody else gets it until it is released. Given back at once if the body fails.

        Raises:
            HostError: all are taken.
        """
        slot = self._claim(owner)
        try:
            yield slot
        except BaseException:
            self.release(slot)
            raise

    def _claim(self, owner: Path) -> int:
        self._directory.mkdir(parents=True, exist_ok=True)
        for slot in range(SLOTS):
            try:
                (self._directory / str(slot)).symlink_to(owner)
            except FileExistsError:
                continue
            return slot
        raise HostError(f"all {SLOTS} ranges of ids are taken: see {self._directory}")

    def release(self, slot: int) -> None:
        (self._directory / str(slot)).unlink(missing_ok=True)

    def release_lost(self, home: Path) -> None:
        """Those of containers below ``home`` that are not there. Only whoever makes containers there may call it."""
        for claim in self._directory.glob("*"):
            owner = Path(os.readlink(claim))  # noqa: PTH115  # as it was written
            if owner.is_relative_to(home) and not owner.exists():
                claim.unlink(missing_ok=True)


def first_id(slot: int) -> int:
    """The host's id of the root of a container with that range."""
    return FIRST_ID + slot * UIDS
