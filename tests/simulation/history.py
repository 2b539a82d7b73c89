"""One history: a while of random acts, then a quiet time in which all has to come right. It follows from its seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from controller.admin.orders import Orders
from controller.core.incarnation import EndReason, Incarnation
from controller.core.lifecycle import deadline
from controller.core.model import DesiredSession
from controller.ledger.events import Event, EventType
from controller.ledger.ledger import Ledger
from controller.node.access import AclKey
from controller.node.bootstrap import POOL_TOKEN
from controller.node.tasks import Task
from controller.reconcile.picture import PAUSED
from tests.scenarios.people import manifest
from tests.scenarios.virtual import Controller, Killed
from tests.scenarios.witness import Asked, Asking, Broken, Witness
from tests.scenarios.world import World
from tests.simulation.administrators import RIGHTS
from tests.simulation.authors import NAMES
from tests.simulation.chaos import Chaos
from tests.simulation.death import Fate, MortalLedger, MortalPort
from tests.simulation.setting import Setting
from tests.simulation.truth import Truth, Wish

PATIENCE = 900.0
"""Virtual seconds without faults in which everything has to come right; backoffs end at a minute."""
NEIGHBOUR = "staging"


@dataclass
class History:
    """``play`` it; ``lines`` tell what happened so far."""

    seed: int
    directory: Path
    lines: list[str] = field(default_factory=list)
    _shown: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = Random(f"history {self.seed}")
        self.asked = Asked()
        self.fate = Fate(Random(f"fate {self.seed}"), interleaving=self.random.choice([0.0, 0.05, 0.2, 0.5]))
        self.world = World(
            self.directory,
            seed=self.seed,
            profile=self.random.choice(["steady", "real", "real", "demo", "instant"]),
            nodes=self.random.choice([("pve1",), ("pve1", "pve2"), ("pve1", "pve2", "pve3")]),
            policy={"vmid_first": 30001, "vmid_last": 30040, "vmid_rest": 60.0},
            hints=self.random.random() < 0.85,
            on_event=self._told,
            on_round=self._look,
            on_killed=self._killed,
            on_started=self._starts,
            dress=lambda port: Asking(MortalPort(port, self.fate), self.asked),
            open_ledger=self._open_ledger,
            scanned=self._scanned,
        )
        self.witness = Witness(self.world, self.asked)
        self.truth = Truth(self.world)
        self.fate.others = self._another_round
        if self.random.random() < 0.2:
            self._add_neighbour()
        self.chaos = Chaos(
            Setting(
                world=self.world,
                witness=self.witness,
                truth=self.truth,
                fate=self.fate,
                random=self.random,
                ledger_may_be_lost=self.random.random() < 0.15,
            )
        )

    def play(self) -> None:
        """All of it.

        Raises:
            Broken: a promise was broken; ``lines`` tell how it came to that.
        """
        ends = self.random.uniform(60, 500)
        for name in self.random.sample(NAMES, 4):
            self._say(f"> {self.chaos.authors.wish(name)}")
        while self.world.now < ends:
            self._act()
            self.world.run(self.random.expovariate(1 / self.random.choice([0.5, 5.0, 15.0])))
        self._say("> all faults end, and the administrators tidy up")
        self._end_all_faults()
        self._settle()
        self.witness.finish()

    def _act(self) -> None:
        try:
            self._say(f"> {self.chaos.act()}")
        except Killed as killed:  # in the middle of an order: whether it was carried out is for the ledger to say
            self._killed(f"{killed}")
            self.world.restart()
            self.truth.paused = self.world.controller.tools.ledger.setting(PAUSED) is not None
            self.truth.files_may_be_gone()
            self.witness.administrator_acted()

    def _add_neighbour(self) -> None:
        """Another controller on the same Proxmox, whom nothing happens to but what happens to Proxmox."""
        self.world.dress = lambda port: Asking(port, self.asked)
        neighbour = self.world.add_controller(
            NEIGHBOUR,
            told=self._neighbour_told,
            pool=self.random.choice([self.world.pool, "staging"]),
            token=self.random.choice([POOL_TOKEN, "staging@pve!controller"]),
        )
        for name in NAMES[:2]:
            text = manifest(name, {"ttl": "2h"})
            (neighbour.site.manifests / f"{name}.yaml").write_text(text, encoding="utf-8")

    # -- the quiet time ----------------------------------------------------------------------------------------

    def _end_all_faults(self) -> None:
        world, chaos = self.world, self.chaos
        self.fate.spare()
        world.door.remove_faults()
        world.door.set_quorum(quorate=True)
        for node in world.nodes:
            if not world.cluster.nodes[node].online:
                world.door.set_online(node, online=True)
        world.door.set_role("WinuxController", world.cluster.access.roles["WinuxController"] | set(RIGHTS))
        world.door.silence_rdp(silent=False)
        world.clock.skew(-self.truth.clock_error)
        chaos.authors.put_directory_back()
        for name, wish in sorted(self.truth.wishes.items()):
            if not wish.readable:
                (world.manifests / f"{name}.yaml").unlink()
                chaos.authors.verbs.sessions({name: wish.spec})
                wish.readable = True
        world.hint()
        self.truth.paused = False
        chaos.operators.verbs.resume(True)
        for life in world.controller.tools.ledger.lives():
            if life.paused and life.ending is None:
                chaos.operators.verbs.resume(life.session)
        self._tidy_up()

    def _tidy_up(self) -> None:
        """What the sentences of ``winux get`` ask administrators for: unlock, remove what is half made, confirm."""
        world = self.world
        for guest in [*self.witness.our_guests()]:
            busy = any(task.subject == str(guest.vmid) for task in self._running_tasks())
            if guest.lock and not busy:
                half_made = guest.lock == "create"
                self._say(f"> node unlock: {guest.vmid}" + (" and destroy" if half_made else ""))
                world.door.unlock(guest.vmid)
                if half_made:
                    world.door.destroy(guest.vmid)
            elif guest.vmid not in world.cluster.access.pool_of and not busy:
                marker = self.witness.marker(guest)
                pool = world.sites[marker.controller].defaults.pool if marker is not None else world.pool
                self._say(f"> node pool: {guest.vmid}: back into {pool}")
                world.door.join_pool(guest.vmid, pool)
        for guest in world.cluster.guests.values():
            if guest.template and guest.lock and not any(task.kind == "vzclone" for task in self._running_tasks()):
                self._say(f"> node unlock: {guest.vmid}")
                world.door.unlock(guest.vmid)
        self._show_what_is_not_ours()
        self.witness.administrator_acted()
        for controller in world.running():
            if controller.picture.sentences():
                self._say(f"> winux confirm ({controller.site.name})")
                controller.order(Orders.confirm)
        self.truth.confirm()

    def _show_what_is_not_ours(self) -> None:
        """Somebody else's container under a VMID that is still one of ours to a controller, which cannot see it."""
        access = self.world.cluster.access
        for life in [life for controller in self.world.running() for life in controller.tools.ledger.lives()]:
            vmid = life.placement.vmid if life.placement is not None else None
            guest = self.world.cluster.guests.get(vmid) if vmid is not None else None
            if guest is not None and self.witness.uid_of(guest) != life.uid and guest.vmid not in self._shown:
                self._shown.add(guest.vmid)
                self._say(f"> node grant: VM.Audit on {vmid}, which is somebody else's")
                for user in access.users:
                    access.grant(f"/vms/{vmid}", AclKey("user", user), ["PVEAuditor"])

    def _running_tasks(self) -> list[Task]:
        return [task for tasks in self.world.cluster.tasks.active.values() for task in tasks.values()]

    def _settle(self) -> None:
        limit = self.world.now + PATIENCE
        while unsettled := [*self._unsettled()]:
            if self.world.now > limit:
                raise Broken(f"after {PATIENCE:.0f} quiet seconds: " + "; ".join(unsettled))
            self.world.run(15)
            self._tidy_up()

    def _unsettled(self) -> Iterator[str]:
        """What is not yet as the manifests ask for it."""
        control = self.world.controller
        if sentences := control.picture.sentences():
            yield f"the picture is not right: {sentences}"
        for slots in (control.tools.slots, control.tools.clone_turns):
            if used := {node: count for node, count in slots.in_use_by_node().items() if count}:
                yield f"slots are still held: {used}"
        if control.tools.board.nodes():
            yield "tasks are still followed"
        lives = {life.session: life for life in control.tools.ledger.lives()}
        for name, wish in sorted(self.truth.wishes.items()):
            if why := self._unserved(control, name, wish, lives.get(name)):
                yield f"{name}: {why} ({control.reconciler.status(name)})"
        for name, life in sorted(lives.items()):
            if name not in self.truth.wishes:
                yield f"{name} is not asked for and still known: {life.stage} ({control.reconciler.status(name)})"
        yield from self._strays(lives)
        for controller in self.world.running():
            if controller.site.name == NEIGHBOUR:
                yield from self._unsettled_at(controller)

    @staticmethod
    def _unsettled_at(neighbour: Controller) -> Iterator[str]:
        for name in NAMES[:2]:
            status = neighbour.reconciler.status(name)
            if status is None or status.phase != "Ready":
                yield f"the neighbour's {name} is not ready ({status})"

    def _unserved(self, control: Controller, name: str, wish: Wish, life: Incarnation | None) -> str | None:
        """Why a session that is asked for is not as it should be."""
        desired = control.picture.desired.sessions.get(name) if control.picture.desired is not None else None
        if desired is None:
            return "its manifest is not seen"
        later = desired.spec.start_at is not None and desired.spec.start_at > self.world.clock.now()
        if later and (life is None or life.ended or (life.placement is None and life.ready_at is None)):
            return None
        if life is None:
            return None if wish.spec.get("paused") else "it has no life"
        if life.generation != desired.generation and not wish.spec.get("paused"):
            return "its edited manifest is not applied"
        if life.ended:
            return None if wish.spec.get("paused") else self._wrongly_ended(desired, life)
        if life.ending is not None or life.discard is not None or life.task is not None:
            return "it is on its way"
        if self.world.clock.now() > deadline(life) + 1:
            return "its end is overdue"
        return None if wish.spec.get("paused") else self._unusable(desired, life)

    @staticmethod
    def _wrongly_ended(desired: DesiredSession, life: Incarnation) -> str | None:
        if life.ending is not None and life.ending.reason in {EndReason.REPLACED, EndReason.MANIFEST_REMOVED}:
            return f"it ended ({life.ending.reason}) and did not come back"
        return "a new revision did not bring it back" if life.revision != desired.revision else None

    def _unusable(self, desired: DesiredSession, life: Incarnation) -> str | None:
        if life.placement is None:
            return f"it has no container ({life.stage})"
        guest = self.world.cluster.guests.get(life.placement.vmid)
        if guest is None or self.witness.uid_of(guest) != life.uid:
            return f"container {life.placement.vmid} is not its own"
        if guest.node != life.placement.node:
            return "it moved and was not followed"
        if not guest.running:
            return None if desired.spec.restart_policy == "Never" else "its container does not run"
        if life.ready_at is None or life.stage != "Ready":
            return f"it is not ready ({life.stage})"
        if life.address is None or not self.world.cluster.guest_answers(life.address, 3389):
            return f"nothing answers at {life.address}"
        found = (guest.cores, guest.memory >> 20)
        if found != (life.spec.resources.cores, life.spec.resources.memory_mib):
            return f"its container has {found}, wanted is {life.spec.resources}"
        return None

    def _strays(self, lives: dict[str, Incarnation]) -> Iterator[str]:
        accounted = {life.placement.vmid: life.uid for life in lives.values() if life.placement and not life.ended}
        for guest in self.witness.our_guests():
            uid, marker = self.witness.uid_of(guest), self.witness.marker(guest)
            if marker is not None and marker.controller == NEIGHBOUR:
                continue
            unknown = self.witness.ledger_was_lost and not self.world.controller.tools.ledger.knows(uid or "")
            if accounted.get(guest.vmid) != uid and not unknown:
                yield f"container {guest.vmid} of life {uid} is nobody's"

    # -- telling -----------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.lines.append(f"{self.world.now:8.1f}  {text}")

    def _neighbour_told(self, event: Event) -> None:
        self.lines.append(f"{self.world.now:8.1f}  {NEIGHBOUR}/{event.session:<12} {event.reason:<18} {event.message}")

    def _told(self, at: float, event: Event) -> None:
        again = f" (again: {event.count})" if event.count > 1 else ""
        mark = "!" if event.type is EventType.WARNING else " "
        message = event.message.replace(str(self.directory), "…")  # another one each time
        self.lines.append(f"{at:8.1f}  {event.session or '-':<12}{mark}{event.reason:<18} {message}{again}")
        self.truth.told(event)

    def _killed(self, where: str) -> None:
        self.fate.depth = 0
        self._say(f"> winux died {where}")

    def _starts(self) -> None:
        self.truth.restarted()

    def _look(self) -> None:
        self.witness.look()

    def _scanned(self) -> None:
        self.truth.scanned()

    def _another_round(self) -> bool:
        return self.world.controller.round()

    def _open_ledger(self, *arguments: object, **named: object) -> Ledger:
        if NEIGHBOUR in f"{arguments[0]}":
            return Ledger(*arguments, **named)  # type: ignore[arg-type]  # as Ledger takes them
        ledger = MortalLedger(*arguments, **named)  # type: ignore[arg-type]  # as Ledger takes them
        ledger.fate = self.fate
        return ledger
