"""All containers of one engine, and what they share: layers, the bridge, addresses, ranges of ids. Blocks.

Two operations on one container never run at once. Which one comes when, and who is told, is the engine's business.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from controller.node.engine import Blueprint
from controller.node.guest import MIB, size_in_bytes
from controller.node.lxc import cgroups, mounts, probe
from controller.node.lxc.container import Container, Wanted
from controller.node.lxc.filters import OPEN, compiled
from controller.node.lxc.host import HostError
from controller.node.lxc.layers import Layers
from controller.node.lxc.leases import Leases
from controller.node.lxc.network import Network
from controller.node.lxc.settings import Nic
from controller.node.lxc.site import Site, abandoned
from controller.node.lxc.slots import Slots
from controller.node.schema import split_properties

LOG = logging.getLogger(__name__)


class Containers:
    """``open`` first, ``close`` last; all else from any thread between."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._held = ExitStack()
        self._ours = False
        """Whether the directory is held: what is in it is this engine's to remove."""
        self._hierarchy = cgroups.Hierarchy()
        self._slots = Slots(site.home / "slots")
        self._layering = threading.Lock()
        """Held while layers come and go."""
        self._in_use: Counter[str] = Counter()
        """Layers of sources that are being copied."""
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._at(site.directory)

    def _at(self, directory: Path) -> None:
        self._directory = directory
        self._home = directory / "c"
        self._layers = Layers(directory / "layers", shared=self._site.layers)
        self._network = Network(directory, internet=self._site.internet)
        self.leases = Leases(self._network.free_address, ours=self._network.has)

    def open(self) -> None:
        """The bridge; containers of an earlier process, where there is a state; the debris of all others goes.

        Raises:
            HostError: what this host cannot do, or another process is at it.
        """
        with self._site.sole():
            for place in self._site.home.glob(f"{probe.PREFIX}*"):
                shutil.rmtree(place)
            for directory in abandoned(self._site.home):
                self._at(directory)
                try:
                    self._wipe()
                except (HostError, OSError) as failure:
                    LOG.warning("%s is left of an engine that died, and cannot be removed: %s", directory, failure)
            self._at(self._site.directory)
            self._held.enter_context(self._site.held())
            self._ours = True
        self._take_up()

    def _take_up(self) -> None:
        self._home.mkdir(mode=0o711, parents=True, exist_ok=True)
        if self._site.state is None:
            self._purge()
        self._network.up()
        for vmid in self.known():
            container = self.of(vmid)
            if not container.exists:
                self.remove(vmid)
                continue
            self.leases.take_up(vmid, container.record().addresses)
            if container.init() is None:
                container.clear()
                container.mend()
        self._slots.release_lost(self._home)
        self._collect()

    def close(self) -> None:
        """Where the node keeps a state all goes on; else nothing is left. Also after an ``open`` that failed."""
        try:
            if self._ours and self._site.state is None:
                self._wipe()
        finally:
            self._held.close()

    def interrupt(self) -> None:
        """Before ``close``, where containers end with the node: what still waits for one of them need not."""
        if self._ours and self._site.state is None:
            cgroups.kill(self._network.tag)

    def _purge(self) -> None:
        for vmid in self.known():
            self.remove(vmid)

    def _wipe(self) -> None:
        self._purge()
        self._slots.release_lost(self._home)
        cgroups.kill(self._network.tag)
        cgroups.remove(self._network.tag)
        self._network.down()
        mounts.unmount_all(self._directory)
        shutil.rmtree(self._directory)

    # one by one

    def of(self, vmid: int) -> Container:
        return Container(vmid, home=self._home, layers=self._layers, network=self._network, hierarchy=self._hierarchy)

    def turn(self, vmid: int) -> threading.Lock:
        """Held by whoever does something with that container."""
        return self._locks[vmid]

    def known(self) -> set[int]:
        """Those that are on the disk."""
        found = self._home.iterdir() if self._home.is_dir() else ()
        return {int(place.name) for place in found if place.name.isdecimal()}

    def furnish(self, vmid: int, archive: str) -> None:
        """A template that is just the archive."""
        container = self.of(vmid)
        if not container.exists:
            layers = [self._layer(archive)]
            with self._slots.claimed(container.directory) as slot:
                container.furnish(slot=slot, layers=layers)

    def make(self, blueprint: Blueprint) -> None:
        container = self.of(blueprint.vmid)
        layers = [self._layer(blueprint.archive)]
        with self._slots.claimed(container.directory) as slot:
            container.make(
                slot=slot,
                layers=layers,
                size=_disk_size(blueprint),
                password=blueprint.password,
                ssh_keys=blueprint.ssh_keys,
            )

    def clone(self, source: int, blueprint: Blueprint) -> None:
        container = self.of(blueprint.vmid)
        original = self.of(source)
        with self._kept(original), self._slots.claimed(container.directory) as slot:
            container.clone(original, slot=slot, size=_disk_size(blueprint))

    @contextmanager
    def _kept(self, source: Container) -> Iterator[None]:
        """Its layers stay, whatever becomes of it, until they are the copy's too."""
        with self._layering:
            layers = source.record().layers
            self._in_use.update(layers)
        try:
            yield
        finally:
            with self._layering:
                self._in_use.subtract(layers)

    def start(self, blueprint: Blueprint) -> int:
        """Returns the pid of its init.

        Raises:
            HostError: it does not run.
        """
        return self.of(blueprint.vmid).start(self._wanted(blueprint))

    def remove(self, vmid: int) -> None:
        """With the layers that no other container stands on, but for those of archives."""
        container = self.of(vmid)
        slot = container.record().slot if container.exists else None
        container.remove()
        self.leases.give_back(vmid)
        if slot is not None:
            self._slots.release(slot)
        self._collect()

    def _collect(self) -> None:
        with self._layering:
            others = [self.of(other) for other in self.known()]
            used = {layer for other in others if other.exists for layer in other.record().layers}
            self._layers.collect(used | {layer for layer, count in self._in_use.items() if count > 0})

    def become_template(self, vmid: int) -> None:
        with self._layering:
            self.of(vmid).become_template()

    def limit(self, vmid: int, options: Mapping[str, str]) -> None:
        self.of(vmid).limit(_limits(options))

    def clear(self, vmid: int) -> None:
        """What a container left behind that ended by itself, or was killed by somebody."""
        container = self.of(vmid)
        if container.exists and container.init() is None:
            container.clear()

    def _layer(self, archive: str) -> str:
        if archive not in self._site.archives:
            raise HostError(f"there is no file of archive '{archive}' on this machine")
        with self._layering:
            return self._layers.of_archive(self._site.archives[archive])

    def filter(self, blueprint: Blueprint) -> None:
        """Its firewall changed while it runs."""
        self.of(blueprint.vmid).filter(self._wanted(blueprint).nics)

    def _wanted(self, blueprint: Blueprint) -> Wanted:
        options = blueprint.options
        nics = [self._nic(blueprint, key) for key in sorted(options) if key[:3] == "net" and key[3:].isdecimal()]
        return Wanted(
            hostname=options.get("hostname", f"CT{blueprint.vmid}"),
            nics=_with_one_gateway(nics),
            limits=_limits(options),
            nameserver=options.get("nameserver"),
            nesting="nesting=1" in options.get("features", ""),
        )

    def _nic(self, blueprint: Blueprint, key: str) -> Nic:
        vmid, number, parts = blueprint.vmid, int(key[3:]), split_properties(blueprint.options[key])
        name, wanted = parts.get("name", f"eth{number}"), parts.get("ip", "manual")
        address, gateway = None, None
        if wanted == "dhcp":
            address = f"{self.leases.lease(vmid, name)}/{self._network.prefix}"
            gateway = self._network.gateway
        elif wanted != "manual":
            self.leases.claim(vmid, name, wanted.partition("/")[0])
            address, gateway = wanted, parts.get("gw")
        filtered = compiled(blueprint.firewall, interface=key) if parts.get("firewall") == "1" else OPEN
        for unsaid in filtered.unsaid:
            LOG.warning("the firewall of container %d is closed where nftables has no words: %s", vmid, unsaid)
        return Nic(
            name=name,
            mac=parts["hwaddr"],
            bridge=self._network.bridge,
            pair=self._network.pair(vmid, number),
            address=address,
            gateway=gateway,
            filtered=filtered,
        )


def _with_one_gateway(nics: list[Nic]) -> list[Nic]:
    """The first one's: with two LXC would start nothing."""
    first = next((nic for nic in nics if nic.gateway), None)
    return [nic if nic is first else replace(nic, gateway=None) for nic in nics]


def _disk_size(blueprint: Blueprint) -> int:
    return size_in_bytes(split_properties(blueprint.options.get("rootfs", "")).get("size", "0"))


def _limits(options: Mapping[str, str]) -> cgroups.Limits:
    return cgroups.Limits(
        memory=int(options.get("memory", "512")) * MIB,
        swap=int(options.get("swap", "512")) * MIB,
        cores=int(options["cores"]) if "cores" in options else None,
        cpulimit=float(options.get("cpulimit", "0") or 0),
        cpuunits=int(options.get("cpuunits", "0") or 0),
    )
