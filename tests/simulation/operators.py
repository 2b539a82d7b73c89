"""Those who run the controller, at random: orders, restarts, deaths, a clock that jumps, a ledger that is lost."""

from __future__ import annotations

from controller.admin.refusals import Refusal
from tests.scenarios.people import Operators
from tests.simulation.death import WRITES
from tests.simulation.setting import Act, Setting


class RandomOperators:
    def __init__(self, setting: Setting) -> None:
        self.world, self.witness, self.truth = setting.world, setting.witness, setting.truth
        self.fate, self.random = setting.fate, setting.random
        self.ledger_may_be_lost = setting.ledger_may_be_lost
        self.verbs = Operators(self.world)

    def acts(self) -> dict[Act, float]:
        return {
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

    def _pause(self) -> str | None:
        if self.random.random() < 0.4:
            self.verbs.pause(True)
            self.truth.paused = True
            return "winux pause"
        return self._order("pause")

    def _resume(self) -> str | None:
        if self.truth.paused:
            self.verbs.resume(True)
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
                self.verbs.extend({name: f"{self.random.randint(1, 120)}s"})
            else:
                getattr(self.verbs, verb)(name)
        except Refusal as refusal:
            return f"winux {verb}: {name}: refused, {refusal}"
        if verb == "delete":
            self.truth.files_may_be_gone()
        return f"winux {verb}: {name}"

    def _confirm(self) -> str:
        self.verbs.confirm(True)
        self.truth.confirm()
        return "winux confirm"

    def _restart(self) -> str:
        self.verbs.restart(True)
        return "winux restart"

    def _doom(self) -> str:
        if self.random.random() < 0.5:
            self.fate.doom(points=self.random.randint(1, 40))
            return f"winux dies in {self.fate.left} points"
        point = self.random.choice(WRITES)
        self.fate.doom(points=self.random.choice([1, 1, 1, 2, 3]), deadly=[point])
        return f"winux dies {point}, the {self.fate.left}. time"

    def _clock(self) -> str:
        seconds = self.random.choice([-3600.0, -90.0, -30.0, 20.0, 55.0, 120.0, 3600.0])
        self.world.clock.skew(seconds)
        return f"the wall clock jumps by {seconds:+g} s"

    def _lose_ledger(self) -> str:
        self.witness.ledger_was_lost = True
        self.verbs.lose_ledger(True)
        seen = [
            (marker.session, guest)
            for guest in self.witness.our_guests()
            if (marker := self.witness.marker(guest)) is not None
            and marker.controller == self.world.controller_id
            and not guest.lock
            and guest.vmid in self.world.cluster.access.pool_of
            and not any(guest is other for other in self.witness.restored)
        ]
        self.truth.ledger_lost(seen)
        return "winux lose-ledger"
