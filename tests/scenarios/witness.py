"""Watches the node from outside and holds every controller to what it promised, whatever happens.

It judges by what is at the node and by what was asked of it, never by what a controller believes; only to tell which
of two containers is on its way out does it read a ledger.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from controller.core.egress import firewall_of
from controller.core.ownership import Marker, read
from controller.node.guest import Guest
from controller.node.tasks import Task
from controller.proxmox.answers import firewall_rules
from controller.proxmox.around import Around
from controller.proxmox.port import CloneRequest, CreateRequest, Proxmox
from tests.scenarios.virtual import IN_FLIGHT
from tests.scenarios.world import World


class Broken(BaseException):
    """A promise was broken; ``str()`` says which and how. Nothing between the node and the test may catch it."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A guest of somebody else's, byte for byte."""

    guest: Guest
    options: tuple[tuple[str, str], ...]
    node: str
    running: bool
    pool: str | None


@dataclass
class Asked:
    """What creates and clones were for, noted before they were sent."""

    by_vmid: dict[int, str] = field(default_factory=dict)
    """The uid of the last one under each VMID."""
    uids: set[str] = field(default_factory=set)


@dataclass
class Witness:
    """Call ``look`` after every round, and ``administrator_acted`` after all that people do at the node."""

    world: World
    asked: Asked
    ledger_was_lost: bool = False
    """Two containers of one session may then stand side by side until the older one is gone."""
    made: dict[int, tuple[Guest, str | None]] = field(default_factory=dict)
    """By VMID, the guest that a create by a controller's token made, and the uid that it was asked for."""
    photos: dict[int, Photo] = field(default_factory=dict)
    restored: list[Guest] = field(default_factory=list)
    """Put back out of a backup by hand: they carry the marker of a life that may have another container by now."""

    def __post_init__(self) -> None:
        self._tokens = {token for token in self.world.cluster.access.tokens if not token.startswith("root@pam")}
        self.world.cluster.tasks.on_start.append(self._task_began)
        self.administrator_acted()

    # -- whose is it -------------------------------------------------------------------------------------------

    def marker(self, guest: Guest) -> Marker | None:
        """The marker of one of our controllers' containers; None for everybody else's and for what has none yet.

        Words of ours with a uid that no container was ever asked for with are somebody else's.
        """
        marker = read(guest.options.get("description", ""))
        if guest.kind != "lxc" or marker is None or marker.vmid != guest.vmid:
            return None
        return marker if marker.controller in self.world.sites and marker.uid in self.asked.uids else None

    def ours(self, guest: Guest) -> bool:
        made = self.made.get(guest.vmid)
        return self.marker(guest) is not None or (made is not None and made[0] is guest)

    def our_guests(self) -> list[Guest]:
        return [guest for guest in self.world.cluster.guests.values() if self.ours(guest)]

    def uid_of(self, guest: Guest) -> str | None:
        marker, made = self.marker(guest), self.made.get(guest.vmid)
        if marker is not None or made is None or made[0] is not guest:
            return marker.uid if marker is not None else None
        return made[1]

    # -- what happens ------------------------------------------------------------------------------------------

    def administrator_acted(self) -> None:
        """Somebody with the right to do so changed something: what is foreign looks like this from now on."""
        cluster = self.world.cluster
        self._tokens |= {token for token in cluster.access.tokens if not token.startswith("root@pam")}
        self.photos = {vmid: self._photo(guest) for vmid, guest in cluster.guests.items() if not self.ours(guest)}

    def _photo(self, guest: Guest) -> Photo:
        options = dict(guest.options)
        if guest.template:
            options.pop("lock", None)  # a clone locks its template for a while
        pool = self.world.cluster.access.pool_of.get(guest.vmid)
        return Photo(guest, tuple(sorted(options.items())), guest.node, guest.running, pool)

    def _task_began(self, task: Task) -> None:
        if task.owner.authid not in self._tokens:
            return
        if task.kind == "vzcreate":
            vmid = int(task.subject)
            self.made[vmid] = (self.world.cluster.guests[vmid], self.asked.by_vmid.get(vmid))
        elif task.kind == "vzdestroy":
            self._may_destroy(int(task.subject))
        elif task.kind == "vzstart":
            self._is_filtered(int(task.subject))

    def _is_filtered(self, vmid: int) -> None:
        """A start begins: if the life's template limits where it connects to, its firewall is in force already."""
        for controller in self.world.running():
            for life in controller.tools.ledger.lives():
                if life.placement is None or life.placement.vmid != vmid or life.spec.network.egress is None:
                    continue
                there, net0 = self.world.cluster.firewalls.get(vmid), self.world.cluster.guests[vmid].options["net0"]
                told = [row | {"pos": place} for place, row in enumerate(there.rules if there is not None else [])]
                wanted, found = firewall_of(life.spec), frozenset(firewall_rules(told))
                options = there.options if there is not None else {}
                if wanted is None or found != wanted.rules or not wanted.options.items() <= options.items():
                    raise Broken(f"container {vmid} starts with {found} and {options}, wanted is {wanted}")
                if "firewall=1" not in net0:
                    raise Broken(f"container {vmid} starts outside of its firewall: {net0}")

    def _may_destroy(self, vmid: int) -> None:
        """A destroy begins: the controller that it belongs to must have written down before that it is to go."""
        guest = self.world.cluster.guests.get(vmid)
        marker = self.marker(guest) if guest is not None else None
        for controller in self.world.running():
            if marker is not None and marker.controller != controller.site.name:
                continue
            for life in controller.tools.ledger.lives():
                if life.placement is not None and life.placement.vmid == vmid and (life.ending or life.discard):
                    return
        raise Broken(f"container {vmid} is being destroyed, and the ledger does not say why")

    # -- promises ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """What has to hold at every moment.

        Raises:
            Broken: it does not.
        """
        self._foreign_are_untouched()
        self._one_container_per_life()
        self._vmids_are_unique()

    def _foreign_are_untouched(self) -> None:
        guests = self.world.cluster.guests
        for vmid, photo in self.photos.items():
            guest = guests.get(vmid)
            if guest is not photo.guest:
                raise Broken(f"the foreign container {vmid} is gone")
            if (now := self._photo(guest)) != photo:
                raise Broken(f"the foreign container {vmid} changed from {photo} to {now}")

    def _one_container_per_life(self) -> None:
        by_uid: dict[str, int] = {}
        staying: dict[tuple[str, str], int] = {}
        leaving = {
            life.uid
            for controller in self.world.running()
            for life in controller.tools.ledger.lives()
            if life.ending is not None or life.discard is not None
        }
        for guest in self.our_guests():
            uid, marker = self.uid_of(guest), self.marker(guest)
            if uid is None or any(guest is other for other in self.restored):
                continue
            if uid in by_uid:
                raise Broken(f"life {uid} has two containers, {by_uid[uid]} and {guest.vmid}")
            by_uid[uid] = guest.vmid
            if marker is None or uid in leaving or self.ledger_was_lost:
                continue
            session = (marker.controller, marker.session)
            if session in staying:
                raise Broken(f"session {marker.session} has two containers, {staying[session]} and {guest.vmid}")
            staying[session] = guest.vmid

    def _vmids_are_unique(self) -> None:
        for controller in self.world.running():
            taken: dict[int, str] = {}
            for life in controller.tools.ledger.lives():
                if life.placement is None or life.ended:
                    continue
                if life.placement.vmid in taken:
                    raise Broken(
                        f"{taken[life.placement.vmid]} and {life.session} both have VMID {life.placement.vmid}"
                    )
                taken[life.placement.vmid] = life.session

    def finish(self) -> None:
        """What has to hold besides once things have settled."""
        self.look()
        self.no_secret_shows()
        self._nothing_leaked()
        self._never_too_much_at_once()

    def no_secret_shows(self) -> None:
        """Neither in events nor in any configuration nor in a status."""
        texts = [
            f"{text}"
            for controller in self.world.running()
            for text in (
                *controller.tools.ledger.events(limit=100_000),
                *controller.reconciler.statuses().items(),
                *controller.picture.sentences().values(),
            )
        ]
        texts += [f"{guest.vmid} {guest.options}" for guest in self.world.cluster.guests.values()]
        texts += [f"{write}" for write in self.world.dispatcher.census.writes]
        for text in texts:
            if any(secret in text for secret in self.world.secrets):
                raise Broken(f"a secret shows in {text}")

    def _nothing_leaked(self) -> None:
        """Every container of ours has a life that accounts for it, and every life that has one its container."""
        for controller in self.world.running():
            lives = {life.placement.vmid: life for life in controller.tools.ledger.lives() if life.placement}
            for guest in self.our_guests():
                marker = self.marker(guest)
                if marker is None or marker.controller != controller.site.name:
                    continue
                if self.ledger_was_lost and not controller.tools.ledger.knows(marker.uid):
                    continue  # it could not be seen when the new ledger took stock, and is told to be left alone
                life = lives.get(guest.vmid)
                if life is None or life.uid != marker.uid:
                    raise Broken(f"container {guest.vmid} of session {marker.session} is nobody's: leaked")

    def _never_too_much_at_once(self) -> None:
        if self.ledger_was_lost:
            return  # what was in flight then is not known to the new one
        most = self.world.dispatcher.census.as_json()["max_guests"]
        assert isinstance(most, dict)
        limit = IN_FLIGHT * len(self.world.nodes) * len(self.world.sites)
        for token in self._tokens:
            if most.get(token, 0) > limit:
                raise Broken(f"{token} had operations on {most[token]} containers at once, allowed are {limit}")


class Asking(Around):
    """Notes for the witness which life a create is for, before it is sent."""

    def __init__(self, port: Proxmox, asked: Asked) -> None:
        super().__init__(port)
        self._asked = asked

    def around(self, operation: str, node: str | None, vmid: int | None = None) -> AbstractContextManager[object]:
        del operation, node, vmid
        return nullcontext()

    def create(self, node: str, request: CreateRequest) -> str:
        self._note(request.vmid, request.description)
        return super().create(node, request)

    def clone(self, node: str, template: int, request: CloneRequest) -> str:
        self._note(request.vmid, request.description)
        return super().clone(node, template, request)

    def _note(self, vmid: int, description: str) -> None:
        if (marker := read(description)) is not None:
            self._asked.by_vmid[vmid] = marker.uid
            self._asked.uids.add(marker.uid)
