"""The administrators of Proxmox and bad luck, at random: what they do to our containers and to others, and faults."""

from __future__ import annotations

import re

from controller.node.guest import Guest
from tests.scenarios.people import Administrators, Made
from tests.simulation.authors import NAMES
from tests.simulation.mishaps import draw_fault
from tests.simulation.setting import Act, Setting

RIGHTS = ("VM.Audit", "VM.Allocate", "VM.Config.Options", "VM.PowerMgmt", "Pool.Audit", "VM.Clone")


class RandomAdministrators:
    def __init__(self, setting: Setting) -> None:
        self.world, self.witness, self.random = setting.world, setting.witness, setting.random
        self.ledger_may_be_lost = setting.ledger_may_be_lost
        self.verbs = Administrators(self.world)
        self._removed: dict[int, Made] = {}
        """Containers of ours that were destroyed by hand, as a backup has them."""

    def acts(self) -> dict[Act, float]:
        return {
            self._destroy: 4,
            self._stop: 3,
            self._lock: 2,
            self._unlock: 3,
            self._reconfigure: 2,
            self._migrate: 3,
            self._hide: 1.5,
            self._replace: 2,
            self._restore: 1,
            self._add_foreign: 4,
            self._change_foreign: 2,
            self._fault: 12,
            self._heal: 5,
            self._node: 3,
            self._quorum: 2,
            self._rights: 2,
            self._silence: 2,
        }

    def _ours(self) -> Guest | None:
        """One that nothing happens to just now, as an administrator's own operations would need it."""
        busy = {task.subject for tasks in self.world.cluster.tasks.active.values() for task in tasks.values()}
        idle = [guest for guest in self.witness.our_guests() if not guest.lock and str(guest.vmid) not in busy]
        return self.random.choice(idle) if idle else None

    def _destroy(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        pool = self.world.cluster.access.pool_of.get(guest.vmid)
        if "ip=10." not in guest.options.get("net0", ""):  # two with one address would be the administrators' mistake
            self._removed[guest.vmid] = Made(config=dict(guest.options), pool=pool)
        self.verbs.destroy(guest.vmid)
        return f"node destroy: {guest.vmid} ({guest.name})"

    def _stop(self) -> str | None:
        guest = self._ours()
        if guest is None or not guest.running:
            return None
        self.verbs.stop(guest.vmid)
        return f"node stop: {guest.vmid} ({guest.name})"

    def _lock(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        self.verbs.lock({guest.vmid: "backup"})
        return f"node lock: {guest.vmid} ({guest.name}): backup"

    def _unlock(self) -> str | None:
        locked = [guest for guest in self.world.cluster.guests.values() if guest.lock == "backup"]
        if not locked:
            return None
        guest = self.random.choice(locked)
        self.verbs.unlock(guest.vmid)
        return f"node unlock: {guest.vmid} ({guest.name})"

    def _reconfigure(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        key, value = self.random.choice([("cores", "7"), ("memory", "333"), ("protection", "0"), ("tags", "mine")])
        self.verbs.set({guest.vmid: {key: value}})
        return f"node set: {guest.vmid} ({guest.name}): {key}={value}"

    def _migrate(self) -> str | None:
        guest = self._ours()
        others = [node for node in self.world.nodes if guest is not None and node != guest.node]
        if guest is None or not others:
            return None
        node = self.random.choice(others)
        self.verbs.migrate({guest.vmid: node})
        return f"node migrate: {guest.vmid} ({guest.name}) to {node}"

    def _hide(self) -> str | None:
        """It leaves the pool: the token can neither see nor read it any more."""
        if (guest := self._ours()) is None:
            return None
        self.verbs.pool({guest.vmid: None})
        return f"node pool: {guest.vmid} ({guest.name}): none"

    def _replace(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        options = {"hostname": guest.name, "cores": "2", "memory": "768"}
        if self.random.random() < 0.5 and not self.ledger_may_be_lost:
            # without the ledger nobody could tell this uid from one of ours
            options["description"] = re.sub("uid: .*", "uid: 0123456789abcdef", guest.options.get("description", ""))
        self.verbs.replace({guest.vmid: options})
        if self.random.random() < 0.5:
            self.verbs.start(guest.vmid)
        return f"node replace: {guest.vmid} ({guest.name})"

    def _restore(self) -> str | None:
        """Out of a backup: with our marker, under its own VMID."""
        free = [vmid for vmid in self._removed if vmid not in self.world.cluster.guests]
        if not free:
            return None
        vmid = self.random.choice(free)
        self.verbs.add({vmid: self._removed.pop(vmid)})
        self.witness.restored.append(self.world.cluster.guests[vmid])
        return f"node add: {vmid} from a backup"

    def _add_foreign(self) -> str | None:
        first, last = self.world.controller.tools.policy.vmid_first, self.world.controller.tools.policy.vmid_last
        vmid = self.random.choice([self.random.randint(first, last), self.random.randint(200, 300)])
        if vmid in self.world.cluster.guests:
            return None
        config = {"hostname": self.random.choice(NAMES)}
        ours = [guest for guest in self.witness.our_guests() if guest.options.get("description")]
        if ours and self.random.random() < 0.4:
            config["description"] = self.random.choice(ours).options["description"]  # a copy made by hand
        pool = self.random.choice([self.world.pool, None])
        node = self.random.choice(self.world.nodes)
        self.verbs.add({vmid: Made(config=config, pool=pool, node=node, running=self.random.random() < 0.5)})
        return f"node add: {vmid} on {node}: {config['hostname']}, pool {pool}, copied: {'description' in config}"

    def _change_foreign(self) -> str | None:
        foreign = [vmid for vmid, photo in self.witness.photos.items() if not photo.guest.template]
        if not foreign:
            return None
        vmid = self.random.choice(foreign)
        if self.random.random() < 0.5:
            self.verbs.destroy(vmid)
            return f"node destroy: {vmid} (foreign)"
        self.verbs.set({vmid: {"tags": f"t{self.random.randint(1, 99)}"}})
        return f"node set: {vmid} (foreign)"

    def _fault(self) -> str:
        fault = draw_fault(self.random)
        self.verbs.fault(fault)
        return f"node fault: {fault.model_dump(exclude_defaults=True, mode='json')}"

    def _heal(self) -> str | None:
        if not self.world.dispatcher.faults.rules:
            return None
        self.verbs.heal(True)
        return "node heal"

    def _node(self) -> str:
        down = [name for name, node in self.world.cluster.nodes.items() if not node.online]
        if down and self.random.random() < 0.7:
            self.verbs.online(down[0])
            return f"node online: {down[0]}"
        node = self.random.choice(self.world.nodes)
        self.verbs.offline(node)
        return f"node offline: {node}"

    def _quorum(self) -> str:
        quorate = not self.world.cluster.quorate
        self.verbs.quorum(quorate)
        return f"node quorum: {quorate}"

    def _rights(self) -> str:
        held = self.world.cluster.access.roles["WinuxController"]
        right = self.random.choice(RIGHTS)
        role = held ^ {right}
        self.world.door.set_role("WinuxController", frozenset(role))
        return f"node {'take' if right in held else 'give'}-right: {right}"

    def _silence(self) -> str:
        silent = self.random.random() < 0.5
        self.world.door.silence_rdp(silent=silent)
        return f"node {'silence' if silent else 'let-speak'}: all"
