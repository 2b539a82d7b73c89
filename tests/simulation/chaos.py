"""People and bad luck at random: one act at a time, done in the world and written down in the truth."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from controller.admin.refusals import Refusal
from controller.node.guest import Guest
from tests.scenarios.people import Administrators, Authors, Made, Operators
from tests.scenarios.witness import Witness
from tests.scenarios.world import World
from tests.simulation.death import POINTS, Fate
from tests.simulation.mishaps import draw_fault
from tests.simulation.truth import Truth, Wish

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
TEMPLATES: dict[str, dict[str, object]] = {
    "quick": {"readiness": {"timeout": "40s"}, "ttl": {"default": "5m"}},
    "ranged": {"network": {"addresses": {"range": "10.0.0.10-10.0.0.40", "prefix": 24}}},
}
RIGHTS = ("VM.Audit", "VM.Allocate", "VM.Config.Options", "VM.PowerMgmt", "Pool.Audit", "VM.Clone")
_CUT = "apiVersion: winux.dev/v1\nkind: Session\nmeta"


@dataclass
class Chaos:
    """``act`` does something at random and returns what, for people to read."""

    world: World
    witness: Witness
    truth: Truth
    fate: Fate
    random: Random
    ledger_may_be_lost: bool = False
    _foreign: int = 0
    _removed: dict[int, dict[str, str]] = field(default_factory=dict)
    """Configurations of containers of ours that were destroyed by hand."""

    def __post_init__(self) -> None:
        self.authors, self.operators = Authors(self.world), Operators(self.world)
        self.administrators = Administrators(self.world)
        clones = [{"vmid": 9000 + n, "node": node} for n, node in enumerate(self.world.nodes)]
        self.authors.templates({**TEMPLATES, "cloned": {"source": {"clone": {"templates": clones}}}})
        self._acts: dict[Callable[[], str | None], float] = {
            self._write: 14,
            self._edit: 10,
            self._remove: 7,
            self._remove_many: 1.5,
            self._break: 3,
            self._directory: 2,
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
            self._pause: 2,
            self._resume: 3,
            self._extend: 3,
            self._delete: 3,
            self._confirm: 2,
            self._restart: 3,
            self._doom: 14,
            self._clock: 1.5,
            self._lose_ledger: 2 if self.ledger_may_be_lost else 0,
        }

    def act(self) -> str:
        """One thing that is possible now."""
        while True:
            done = self.random.choices([*self._acts], weights=[*self._acts.values()])[0]()
            if done is not None:
                self.witness.administrator_acted()
                return done

    # -- manifests ---------------------------------------------------------------------------------------------

    def _write(self) -> str | None:
        name = self.random.choice(NAMES)
        if self.truth.directory != "there" or name in self.truth.wishes:
            return None
        return self.wish(name)

    def wish(self, name: str) -> str:
        """A new session."""
        return self._wish(name, self._spec())

    def _edit(self) -> str | None:
        name = self._wished()
        if name is None:
            return None
        spec = {**self.truth.wishes[name].spec}
        change = self.random.choice(["ttl", "resources", "revision", "template", "paused", "restartPolicy", "nothing"])
        if change == "ttl" and "expiresAt" not in spec:
            spec["ttl"] = self._ttl()
        elif change == "resources":
            spec["resources"] = self._resources()
        elif change == "revision":
            spec["revision"] = self.random.randint(1, 99)
        elif change == "template":
            spec["template"] = self._template()
        elif change == "paused":
            spec["paused"] = not spec.get("paused", False)
        elif change == "restartPolicy":
            spec["restartPolicy"] = self.random.choice(["Always", "Never"])
        return self._wish(name, spec)

    def _wish(self, name: str, spec: dict[str, object]) -> str:
        self.authors.sessions({name: spec})
        self.truth.wishes[name] = Wish(spec)
        return f"people sessions: {name}: {spec}"

    def _remove(self) -> str | None:
        name = self._wished()
        if name is None:
            return None
        self.authors.remove([name])
        del self.truth.wishes[name]
        return f"people remove: {name}"

    def _remove_many(self) -> str | None:
        names = [name for name in sorted(self.truth.wishes) if self.random.random() < 0.6]
        if self.truth.directory != "there" or len(names) < 3:
            return None
        self.authors.remove(names)
        for name in names:
            del self.truth.wishes[name]
        return f"people remove: {names}"

    def _break(self) -> str | None:
        name = self._wished()
        if name is None or not self.truth.wishes[name].readable:
            return None
        self.truth.wishes[name].readable = False
        how = self.random.choice(["cut", "empty", "binary", "unreadable"])
        if how == "unreadable":
            self.authors.unreadable(name)
            return f"people unreadable: {name}"
        text = {"cut": _CUT.encode(), "empty": b"", "binary": b"\x00\xff\x17"}[how]
        self.world.write(f"{name}.yaml", text)
        return f"people write {how}: {name}"

    def _directory(self) -> str | None:
        if self.truth.directory != "there":
            return self.put_directory_back()
        what = self.random.choice(["missing", "emptied"])
        self.truth.directory = what
        self.authors.directory(what)
        return f"people directory: {what}"

    def put_directory_back(self) -> str | None:
        if self.truth.directory == "there":
            return None
        self.truth.directory = "there"
        self.authors.directory("back")
        return "people directory: back"

    def _wished(self) -> str | None:
        if self.truth.directory != "there" or not self.truth.wishes:
            return None
        return self.random.choice(sorted(self.truth.wishes))

    def _spec(self) -> dict[str, object]:
        spec: dict[str, object] = {"template": self._template(), "ttl": self._ttl()}
        if self.random.random() < 0.3:
            spec["resources"] = self._resources()
        if self.random.random() < 0.15:
            spec["restartPolicy"] = "Never"
        if self.random.random() < 0.05:
            spec["paused"] = True
        if self.random.random() < 0.1:
            spec["startAt"] = self._instant(self.random.uniform(-20, 60))
        if self.random.random() < 0.1:
            del spec["ttl"]
            spec["expiresAt"] = self._instant(self.random.uniform(61, 400))
        return spec

    def _template(self) -> str:
        return self.random.choice(["default", "default", "default", "quick", "quick", "quick", "cloned", "ranged"])

    def _ttl(self) -> str:
        return self.random.choice(["5s", "20s", "45s", "90s", "5m", "30m"])

    def _resources(self) -> dict[str, object]:
        return {
            "cores": self.random.randint(1, 4),
            "memory": f"{self.random.randint(1, 4)}Gi",
            "disk": f"{self.random.randint(9, 13)}Gi",
        }

    def _instant(self, seconds: float) -> str:
        return datetime.fromtimestamp(round(self.world.clock.now() + seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- the administrators of Proxmox -------------------------------------------------------------------------

    def _ours(self) -> Guest | None:
        """One that nothing happens to just now, as an administrator's own operations would need it."""
        busy = {task.subject for tasks in self.world.cluster.tasks.active.values() for task in tasks.values()}
        idle = [guest for guest in self.witness.our_guests() if not guest.lock and str(guest.vmid) not in busy]
        return self.random.choice(idle) if idle else None

    def _destroy(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        self._removed[guest.vmid] = dict(guest.options)
        self.administrators.destroy(guest.vmid)
        return f"node destroy: {guest.vmid} ({guest.name})"

    def _stop(self) -> str | None:
        guest = self._ours()
        if guest is None or not guest.running:
            return None
        self.administrators.stop(guest.vmid)
        return f"node stop: {guest.vmid} ({guest.name})"

    def _lock(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        self.administrators.lock({guest.vmid: "backup"})
        return f"node lock: {guest.vmid} ({guest.name}): backup"

    def _unlock(self) -> str | None:
        locked = [guest for guest in self.world.cluster.guests.values() if guest.lock == "backup"]
        if not locked:
            return None
        guest = self.random.choice(locked)
        self.administrators.unlock(guest.vmid)
        return f"node unlock: {guest.vmid} ({guest.name})"

    def _reconfigure(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        key, value = self.random.choice([("cores", "7"), ("memory", "333"), ("protection", "0"), ("tags", "mine")])
        self.administrators.set({guest.vmid: {key: value}})
        return f"node set: {guest.vmid} ({guest.name}): {key}={value}"

    def _migrate(self) -> str | None:
        guest = self._ours()
        others = [node for node in self.world.nodes if guest is not None and node != guest.node]
        if guest is None or not others:
            return None
        node = self.random.choice(others)
        self.administrators.migrate({guest.vmid: node})
        return f"node migrate: {guest.vmid} ({guest.name}) to {node}"

    def _hide(self) -> str | None:
        """It leaves the pool: the token can neither see nor read it any more."""
        if (guest := self._ours()) is None:
            return None
        self.administrators.pool({guest.vmid: None})
        return f"node pool: {guest.vmid} ({guest.name}): none"

    def _replace(self) -> str | None:
        if (guest := self._ours()) is None:
            return None
        options = {"hostname": guest.name, "cores": "2", "memory": "768"}
        if self.random.random() < 0.5 and not self.ledger_may_be_lost:
            # without the ledger nobody could tell this uid from one of ours
            options["description"] = re.sub("uid: .*", "uid: 0123456789abcdef", guest.options.get("description", ""))
        self.administrators.replace({guest.vmid: options})
        if self.random.random() < 0.5:
            self.administrators.start(guest.vmid)
        return f"node replace: {guest.vmid} ({guest.name})"

    def _restore(self) -> str | None:
        """Out of a backup: with our marker, under its own VMID."""
        free = [vmid for vmid in self._removed if vmid not in self.world.cluster.guests]
        if not free:
            return None
        vmid = self.random.choice(free)
        self.administrators.add({vmid: Made(config=self._removed.pop(vmid), pool=self.world.pool)})
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
        self.administrators.add({vmid: Made(config=config, pool=pool, node=node, running=self.random.random() < 0.5)})
        return f"node add: {vmid} on {node}: {config['hostname']}, pool {pool}, copied: {'description' in config}"

    def _change_foreign(self) -> str | None:
        foreign = [vmid for vmid, photo in self.witness.photos.items() if not photo.guest.template]
        if not foreign:
            return None
        vmid = self.random.choice(foreign)
        if self.random.random() < 0.5:
            self.administrators.destroy(vmid)
            return f"node destroy: {vmid} (foreign)"
        self.administrators.set({vmid: {"tags": f"t{self.random.randint(1, 99)}"}})
        return f"node set: {vmid} (foreign)"

    def _fault(self) -> str:
        fault = draw_fault(self.random)
        self.administrators.fault(fault)
        return f"node fault: {fault.model_dump(exclude_defaults=True, mode='json')}"

    def _heal(self) -> str | None:
        if not self.world.dispatcher.faults.rules:
            return None
        self.administrators.heal(True)
        return "node heal"

    def _node(self) -> str:
        down = [name for name, node in self.world.cluster.nodes.items() if not node.online]
        if down and self.random.random() < 0.7:
            self.administrators.online(down[0])
            return f"node online: {down[0]}"
        node = self.random.choice(self.world.nodes)
        self.administrators.offline(node)
        return f"node offline: {node}"

    def _quorum(self) -> str:
        quorate = not self.world.cluster.quorate
        self.administrators.quorum(quorate)
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

    # -- those who run the controller --------------------------------------------------------------------------

    def _pause(self) -> str | None:
        if self.random.random() < 0.4:
            self.operators.pause(True)
            self.truth.paused = True
            return "winux pause"
        return self._order("pause")

    def _resume(self) -> str | None:
        if self.truth.paused:
            self.operators.resume(True)
            self.truth.paused = False
            return "winux resume"
        return self._order("resume")

    def _extend(self) -> str | None:
        return self._order("extend")

    def _delete(self) -> str | None:
        return self._order("delete") if self.truth.directory == "there" else None

    def _order(self, verb: str) -> str | None:
        lives = [life.session for life in self.world.controller.tools.ledger.lives()]
        if not lives:
            return None
        name = self.random.choice(sorted(lives))
        try:
            if verb == "extend":
                self.operators.extend({name: f"{self.random.randint(1, 120)}s"})
            else:
                getattr(self.operators, verb)(name)
        except Refusal as refusal:
            return f"winux {verb}: {name}: refused, {refusal}"
        if verb == "delete":
            self.truth.files_may_be_gone()
        return f"winux {verb}: {name}"

    def _confirm(self) -> str:
        self.operators.confirm(True)
        self.truth.confirm()
        return "winux confirm"

    def _restart(self) -> str:
        self.operators.restart(True)
        return "winux restart"

    def _doom(self) -> str:
        if self.random.random() < 0.5:
            self.fate.doom(points=self.random.randint(1, 40))
            return f"winux dies in {self.fate.left} points"
        self.fate.doom(points=self.random.choice([1, 1, 1, 2, 3]), deadly=self.random.choice(POINTS))
        return f"winux dies {self.fate.deadly}, the {self.fate.left}. time"

    def _clock(self) -> str:
        seconds = self.random.choice([-3600.0, -90.0, -30.0, 20.0, 55.0, 120.0, 3600.0])
        self.world.clock.skew(seconds)
        return f"the wall clock jumps by {seconds:+g} s"

    def _lose_ledger(self) -> str:
        self.witness.ledger_was_lost = True
        self.operators.lose_ledger(True)
        self.truth.ledger_lost()
        return "winux lose-ledger"
