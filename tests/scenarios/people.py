"""What people can do in a story: write manifests, administer Proxmox, give orders to winux, turn the clock.

Each method is a verb of ``story.yaml``, hyphens for underscores; the annotation of ``given`` says what it takes. The
name of a session stands for its container where one is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from controller.admin.orders import Orders
from controller.api.quantities import parse_duration
from controller.node.faults import Fault, FaultKind
from tests.scenarios.virtual import Controller
from tests.scenarios.world import World

Which = int | str
"""A VMID, or the name of the session whose container it is."""


def manifest(name: str, spec: dict[str, object], *, kind: str = "Session") -> str:
    return yaml.safe_dump(
        {"apiVersion": "winux.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}, sort_keys=False
    )


def vmid_of(world: World, which: Which) -> int:
    """As the ledger of the first controller has it."""
    return which if isinstance(which, int) else world.vmid(which)


@dataclass
class Authors:
    """Those who write manifests. Files are named after the session or template that they hold."""

    world: World

    def sessions(self, given: dict[str, dict[str, object]]) -> None:
        """Session specs by name."""
        for name, spec in given.items():
            self.world.write(f"{name}.yaml", manifest(name, spec))

    def templates(self, given: dict[str, dict[str, object]]) -> None:
        """Specs of session templates by name."""
        for name, spec in given.items():
            self.world.write(f"template-{name}.yaml", manifest(name, spec, kind="SessionTemplate"))

    def crowd(self, given: dict[str, int]) -> None:
        """So many sessions, such as ``{guest: 40}`` for guest-01 to guest-40."""
        for stem, count in given.items():
            for number in range(1, count + 1):
                self.sessions({f"{stem}-{number:02}": {"ttl": "2h"}})

    def write(self, given: dict[str, str]) -> None:
        """Files by name, as they are."""
        for name, text in given.items():
            self.world.write(name, text)

    def remove(self, given: list[str]) -> None:
        """Manifests of these sessions, or files by name."""
        for name in given:
            self.world.remove(name if name.endswith(".yaml") else f"{name}.yaml")

    def cut_short(self, given: dict[str, int]) -> None:
        """Keep only so many bytes of a file: what an editor or a full disk leaves."""
        for name, size in given.items():
            path = self.world.manifests / f"{name}.yaml"
            self.world.write(path.name, path.read_bytes()[:size])

    def unreadable(self, given: str) -> None:
        """The manifest becomes a link to nowhere; to root no file is unreadable by its mode."""
        path = self.world.manifests / f"{given}.yaml"
        path.rename(self.world.directory / f"{given}.aside")
        path.symlink_to("nowhere")
        self.world.hint()

    def readable(self, given: str) -> None:
        path = self.world.manifests / f"{given}.yaml"
        path.unlink()
        (self.world.directory / f"{given}.aside").rename(path)
        self.world.hint()

    def directory(self, given: Annotated[str, Field(pattern="^(missing|emptied|back)$")]) -> None:
        """It is unmounted, all files in it vanish, or it is as it was before."""
        mounted, aside = self.world.manifests, self.world.directory / "aside"
        if given == "back":
            if mounted.exists():
                mounted.rmdir()
            aside.rename(mounted)
        else:
            mounted.rename(aside)
        if given == "emptied":
            mounted.mkdir()
        self.world.hint()


class FaultSpec(BaseModel):
    """As ``controller.node.faults.Fault``."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    operation: str | None = None
    path: str | None = None
    status: int = 500
    text: str = "injected fault"
    seconds: float = 0.0
    done: bool = False
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    container: str | None = None
    """Instead of a path: only calls about the container of this session."""


class Made(BaseModel):
    """A container that somebody makes by hand."""

    model_config = ConfigDict(extra="forbid")

    config: dict[str, str] = {}
    node: str | None = None
    pool: str | None = None
    running: bool = False


@dataclass
class Administrators:
    """Those of Proxmox, and bad luck."""

    world: World

    def destroy(self, given: Which) -> None:
        self.world.door.destroy(self._vmid(given))

    def stop(self, given: Which) -> None:
        self.world.door.stop(self._vmid(given))

    def start(self, given: Which) -> None:
        self.world.door.start(self._vmid(given))

    def set(self, given: dict[Which, dict[str, str | None]]) -> None:
        """Edit configurations; null removes a key."""
        for which, options in given.items():
            self.world.door.set(self._vmid(which), options)

    def lock(self, given: dict[Which, str]) -> None:
        for which, lock in given.items():
            self.world.door.lock(self._vmid(which), lock)

    def unlock(self, given: Which) -> None:
        """``pct unlock``."""
        self.world.door.unlock(self._vmid(given))

    def migrate(self, given: dict[Which, str]) -> None:
        for which, node in given.items():
            self.world.door.migrate(self._vmid(which), node)

    def pool(self, given: dict[Which, str | None]) -> None:
        """Into a pool, or out of any."""
        for which, pool in given.items():
            self.world.door.join_pool(self._vmid(which), pool)

    def add(self, given: dict[int, Made]) -> None:
        """Containers of somebody else's."""
        for vmid, made in given.items():
            self.world.door.add(vmid, made.config, node=made.node, pool=made.pool, running=made.running)

    def copy(self, given: dict[int, Which]) -> None:
        """A clone made by hand: it has the description of the original too."""
        for vmid, which in given.items():
            source = self._vmid(which)
            guest = self.world.cluster.guests[source]
            pool = self.world.cluster.access.pool_of.get(source)
            self.world.door.add(vmid, guest.options, node=guest.node, pool=pool)

    def replace(self, given: dict[Which, dict[str, str]]) -> None:
        """Destroy a container and make another under its VMID, in the same pool."""
        for which, config in given.items():
            vmid = self._vmid(which)
            node, pool = self.world.cluster.guests[vmid].node, self.world.cluster.access.pool_of.get(vmid)
            self.world.door.destroy(vmid)
            self.world.door.add(vmid, config, node=node, pool=pool)

    def quorum(self, given: bool) -> None:
        self.world.door.set_quorum(quorate=given)

    def offline(self, given: str) -> None:
        self.world.door.set_online(given, online=False)

    def online(self, given: str) -> None:
        """The node boots; its containers stay stopped."""
        self.world.door.set_online(given, online=True)

    def silence(self, given: Which) -> None:
        """The desktops, or one of them, do not answer any more. Also those that are still to come: ``all``."""
        self.world.door.silence_rdp(silent=True, vmid=None if given == "all" else self._vmid(given))

    def let_speak(self, given: Which) -> None:
        self.world.door.silence_rdp(silent=False, vmid=None if given == "all" else self._vmid(given))

    def dhcp(self, given: Annotated[str, Field(pattern="^(silent|back)$")]) -> None:
        """Guests that boot get no address from DHCP, or do again."""
        self.world.engine.withhold(silent=given == "silent")

    def babble(self, given: bool) -> None:
        """What answers at the desktops' addresses is something else than an RDP server, or is one again."""
        self.world.babbling = given

    def unfilter(self, given: Which) -> None:
        """Somebody opens the firewall of a container: its interface goes around it, and a rule lets everything out."""
        vmid = self._vmid(given)
        node = self.world.cluster.guests[vmid].node
        net0 = self.world.cluster.guests[vmid].options["net0"].replace(",firewall=1", "")
        self.world.door.set(vmid, {"net0": net0})
        self.world.api("PUT", f"/nodes/{node}/lxc/{vmid}/firewall/options", {"policy_out": "ACCEPT"})
        rule = {"type": "out", "action": "ACCEPT", "enable": "1"}
        self.world.api("POST", f"/nodes/{node}/lxc/{vmid}/firewall/rules", rule)

    def impostor(self, given: bool) -> None:
        """Somebody else answers at the desktops' addresses, with a certificate of his own."""
        self.world.impostor = ":".join(["ee"] * 32) if given else None

    def ssh_down(self, given: Which) -> None:
        """The container's SSH server does not answer any more."""
        self.world.inside.of(self._vmid(given)).down = True

    def ssh_up(self, given: Which) -> None:
        self.world.inside.of(self._vmid(given)).down = False

    def host_key(self, given: Which) -> None:
        """The container shows another host key from now on."""
        self.world.inside.of(self._vmid(given)).host_key = "ssh-ed25519 SOMEBODYELSES"

    def fault(self, given: FaultSpec) -> None:
        rule = Fault(**given.model_dump(exclude={"container"}))
        if given.container is not None:
            rule.path = rf"/{self._vmid(given.container)}(/|$)"
        self.world.door.add_fault(rule)

    def heal(self, given: bool) -> None:
        """No more faults."""
        if given:
            self.world.door.remove_faults()

    def archive(self, given: Annotated[str, Field(pattern="^(missing|back)$")]) -> None:
        """The golden tarball of the built-in template."""
        volumes, name = self.world.cluster.storages["local"].volumes, self.world.furniture.ostemplate
        if given == "missing":
            volumes[f"{name}.aside"] = volumes.pop(name)
        else:
            volumes[name] = volumes.pop(f"{name}.aside")

    def take_right(self, given: str) -> None:
        """From the controller's role, through the API."""
        self._set_rights(self._rights() - {given})

    def give_right(self, given: str) -> None:
        self._set_rights(self._rights() | {given})

    def revoke(self, given: str) -> None:
        """The controller's role on a pool, through the API."""
        self._acl(given, delete="1")

    def grant(self, given: str) -> None:
        self._acl(given, delete="0")

    def _acl(self, pool: str, *, delete: str) -> None:
        parameters = {"path": f"/pool/{pool}", "users": "winux@pve", "roles": "WinuxController", "delete": delete}
        self.world.api("PUT", "/access/acl", parameters)

    def _rights(self) -> frozenset[str]:
        return self.world.cluster.access.roles["WinuxController"]

    def _set_rights(self, rights: frozenset[str]) -> None:
        self.world.api("PUT", "/access/roles/WinuxController", {"privs": ",".join(sorted(rights))})

    def _vmid(self, which: Which) -> int:
        return vmid_of(self.world, which)


@dataclass
class Operators:
    """Those who run the controllers, with what ``winux`` offers them."""

    world: World

    def confirm(self, given: bool) -> None:
        if given:
            self._controller.order(lambda orders: orders.confirm())

    def pause(self, given: str | bool) -> None:
        """A session by name, or all that the controller does."""
        self._controller.order(lambda orders: orders.pause(given if isinstance(given, str) else None))

    def resume(self, given: str | bool) -> None:
        self._controller.order(lambda orders: orders.resume(given if isinstance(given, str) else None))

    def extend(self, given: dict[str, str]) -> None:
        for name, duration in given.items():
            self._controller.order(partial(Orders.extend, name=name, seconds=parse_duration(duration)))

    def rotate(self, given: str) -> None:
        self._controller.order(lambda orders: orders.rotate(given))

    def die_after(self, given: list[str]) -> None:
        """The process is killed as soon as the next call of these names has run in a guest, before it hears of that."""
        self.world.inside.deadly = given

    def delete(self, given: str) -> None:
        self._controller.order(lambda orders: orders.delete(given))

    def stop(self, given: str | bool) -> None:
        """The process is killed: of this controller, or of the only one."""
        self.world.stop(given if isinstance(given, str) else None)

    def start(self, given: str | bool) -> None:
        self.world.start(given if isinstance(given, str) else None)

    def restart(self, given: str | bool) -> None:
        self.world.restart(given if isinstance(given, str) else None)

    def lose_ledger(self, given: bool) -> None:
        if given:
            self.world.lose_ledger()

    @property
    def _controller(self) -> Controller:
        return self.world.controller
