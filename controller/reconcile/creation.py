"""Making a container: choose, record the intent, call, and find out what became of a call whose answer was lost."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from controller.core.incarnation import Incarnation, Placement, Stage, Task
from controller.core.lifecycle import backoff, straggles_until
from controller.core.model import ArchiveSource, CloneSource, CloneTemplate, Timestamp
from controller.core.ownership import Marker, describe
from controller.core.placement import NoRoom, choose_address, choose_node, choose_vmid, templates_on
from controller.core.view import Presence, View
from controller.engine.failpoints import Failpoint, hit
from controller.ledger.ledger import Note, Superseded
from controller.proxmox.port import (
    AlreadyExists,
    CloneRequest,
    CreateRequest,
    Locked,
    OutcomeUnknown,
    ProxmoxError,
    TaskRow,
    Transient,
)
from controller.reconcile.attendance import password_at_creation
from controller.reconcile.look import look
from controller.reconcile.tools import Next, Outcome, Tools, Waits, interface, key_of

SETTLE = 3.0
"""Seconds after a lost call until its traces must show: its task was visible after 146 ms at most (PVE 9.2)."""
CLOCK_SKEW = 86_400.0
"""Seconds by which a node's clock may differ from ours, or ours from itself: more than any mistaken time zone. Older
tasks of ours on the VMID count then too, but all they can do is to have an administrator asked instead of a VMID given
up that may be ours."""
NO_TURN = Waits("WaitingForSlot", "other operations run on the node: it waits for its turn")
NO_TEMPLATE = Waits("WaitingForTemplate", "its container template is being cloned: it waits for its turn")


class Creation:
    """The steps Place, Create, Resolve, Displaced and RecordCreated."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def place(self, life: Incarnation) -> Outcome:
        """Choose where, record it, call."""
        tools, key = self._tools, key_of(life.session)
        try:
            node = choose_node(life.spec, online=tools.inventory.online_nodes(), load=self._load())
            if not tools.slots.try_acquire(node, key):
                return NO_TURN
            template = self._template(life, node)
            if template is None and isinstance(life.spec.source, CloneSource):
                tools.slots.release(node, key)
                return NO_TEMPLATE
            life = self._record_intent(life, node, template)
        except NoRoom as error:
            return Waits("NoRoom", str(error), after=15.0)
        hit(Failpoint.CREATE_INTENT_RECORDED)
        return self._call(life, first=True)

    def create_again(self, life: Incarnation) -> Outcome:
        """Under the VMID of the intent, which was seen to be free: never under another one."""
        tools, placement, key = self._tools, life.placement, key_of(life.session)
        assert placement is not None  # noqa: S101 - the stage says so
        if not tools.slots.try_acquire(placement.node, key):
            return NO_TURN
        if placement.template is not None and not tools.clone_turns.try_acquire(str(placement.template), key):
            tools.slots.release(placement.node, key)
            return NO_TEMPLATE
        now = tools.clock.now()

        def again(current: Incarnation) -> Incarnation:
            placement = current.placement
            if placement is None:
                return current
            lost_at = placement.unclear_at if placement.unclear_at is not None else placement.intended_at
            return replace(current, placement=replace(placement, intended_at=now, unclear_at=lost_at))

        life = tools.ledger.change(life, again, Note("CreatingAgain", "the create never happened: asked again"))
        return self._call(life, first=False)

    def resolve(self, life: Incarnation, view: View) -> Outcome:
        """The task list is the only mark of ownership while a create runs; after it, the container itself is."""
        tools, placement = self._tools, life.placement
        assert placement is not None  # noqa: S101 - the stage says so
        task = self._running_task(life)
        if task is not None and placement.template is None:
            tools.slots.adopt(placement.node, key_of(life.session))
            self._record_task(life, task.upid, task.kind)
            return Next()
        if task is not None:
            return Waits("Resolving", f"a clone of container template {placement.template} runs", after=1.0)
        node = view.listed.node if view.listed is not None else placement.node
        live = look(tools.port, controller=tools.policy.controller, uid=life.uid, node=node, vmid=placement.vmid)
        if live.presence is Presence.OURS and live.lock is None:
            return Next(live)
        if life.task is None and (early := self._too_early(life, placement)) > 0:
            return Waits("Resolving", "it is too early to know what became of the create", after=early)
        if live.presence is Presence.HIDDEN and not self._may_be_ours(life):
            live = replace(live, presence=Presence.FOREIGN)
        return Next(live)

    def _too_early(self, life: Incarnation, placement: Placement) -> float:
        """Seconds until the traces of a lost call must show, and until it is asked for again; 0 when it is time."""
        now = self._tools.clock.now()
        if now < placement.intended_at:  # the clock was set back meanwhile: count from here on
            self._tools.ledger.change(
                life, lambda current: replace(current, placement=replace(placement, intended_at=now))
            )
            return SETTLE
        return max(0.0, placement.intended_at + max(SETTLE, backoff(life)) - now)

    def displaced(self, life: Incarnation) -> Outcome:
        """Somebody else has the VMID: it rests, and another is chosen."""
        placement = life.placement
        assert placement is not None  # noqa: S101 - the stage says so
        self._tools.ledger.rest_vmid(placement.vmid, seconds=self._tools.policy.vmid_rest)
        self._back_to_choosing(life, Note("VmidTaken", f"VMID {placement.vmid} is taken: another is chosen"))
        return Next()

    def record_created(self, life: Incarnation) -> Outcome:
        """The container is there. An archive's was told to start itself: its start task is followed at once."""
        hit(Failpoint.CREATE_TASK_DONE)
        tools, placement = self._tools, life.placement
        assert placement is not None  # noqa: S101 - the stage says so
        now = tools.clock.now()
        start = tools.board.successor(
            placement.node, vmid=placement.vmid, kind="vzstart", since=placement.intended_at - CLOCK_SKEW
        )
        task = Task(upid=start.upid, kind="vzstart", node=placement.node, begun_at=now) if start is not None else None
        if life.task is not None:
            tools.board.forget(life.task.upid)
        self._release_template(life)
        tools.ledger.change(
            life,
            lambda current: replace(
                current,
                stage=Stage.CREATED,
                task=task,
                started_at=now if task is not None else None,
                settled_at=now,
                failures=0,
                configured=placement.template is None,
                applied=current.spec.resources if placement.template is None else None,
            ),
            Note("Created", f"container {placement.vmid} was made on {placement.node}"),
        )
        if task is not None:
            tools.board.watch(task.upid, node=task.node, key=key_of(life.session))
        return Next()

    def failed(self, life: Incarnation, error: str) -> None:
        """The create's task failed and nothing is left of it: choose anew, unless an earlier call may still come."""
        placement = life.placement
        where = f"container {placement.vmid} on {placement.node}" if placement is not None else "its container"
        if life.task is not None:
            self._tools.board.forget(life.task.upid)
        note = Note("CreateFailed", f"making {where} failed: {error}", warning=True)
        if straggles_until(life, now=self._tools.clock.now()) is None:
            self._back_to_choosing(life, note, failed=1)
            return
        self._tools.ledger.change(
            life, lambda current: replace(current, task=None, failures=current.failures + 1), note
        )
        self._let_others(life)

    # -- inside ------------------------------------------------------------------------------------------------

    def _load(self) -> dict[str, int]:
        load: dict[str, int] = {}
        for life in self._tools.ledger.lives():
            if life.placement is not None and not life.ended:
                load[life.placement.node] = load.get(life.placement.node, 0) + 1
        return load

    def _template(self, life: Incarnation, node: str) -> CloneTemplate | None:
        """A container template whose turn it is to be cloned, or None."""
        if not isinstance(life.spec.source, CloneSource):
            return None
        templates = list(templates_on(life.spec.source, node))
        self._tools.random.shuffle(templates)
        turns, key = self._tools.clone_turns, key_of(life.session)
        templates.sort(key=lambda template: turns.in_use(str(template.vmid)))
        return next((t for t in templates[:1] if turns.try_acquire(str(t.vmid), key)), None)

    def _record_intent(self, life: Incarnation, node: str, template: CloneTemplate | None) -> Incarnation:
        tools, policy = self._tools, self._tools.policy
        with tools.placing:
            observation = tools.inventory.observation
            seen = observation.rows.keys() if observation is not None else frozenset[int]()
            vmid = choose_vmid(
                first=policy.vmid_first,
                last=policy.vmid_last,
                taken=tools.ledger.taken_vmids() | set(seen),
                random=tools.random,
            )
            address = None
            if (addresses := life.spec.network.addresses) is not None:
                address = choose_address(addresses, taken=self._addresses())
            placement = Placement(
                node=node,
                vmid=vmid,
                intended_at=tools.clock.now(),
                template=template.vmid if template is not None else None,
                address=address,
            )
            return tools.ledger.change(
                life,
                lambda current: replace(current, stage=Stage.CREATING, placement=placement, task=None),
                Note("Creating", f"container {vmid} is made on {node}"),
            )

    def _addresses(self) -> set[str]:
        lives = self._tools.ledger.lives()
        return {life.placement.address for life in lives if life.placement is not None and life.placement.address}

    def _call(self, life: Incarnation, *, first: bool) -> Outcome:
        placement = life.placement
        assert placement is not None  # noqa: S101 - the intent was just recorded
        try:
            upid = self._send(life, placement)
        except AlreadyExists as error:
            if not first:
                # The earlier call of ours may be what exists: look before choosing another VMID.
                return Waits("Resolving", str(error), after=1.0)
            self._tools.ledger.change(life, _refused)
            return Next()
        except (OutcomeUnknown, Transient) as error:
            note = Note("CreateUnclear", f"{error}: finding out what became of it", warning=True)
            self._tools.ledger.change(life, partial(_lost, now=self._tools.clock.now()), note)
            return Waits("Resolving", str(error), after=1.0)
        except ProxmoxError as error:
            if isinstance(error, Locked):
                self._tools.slots.lock_wait(placement.node)
                self._tools.measures.lock_wait()
            if first:
                # Refused for sure: nothing was made, so the intent can be dropped.
                self._back_to_choosing(life)
            else:
                # The earlier call of ours may still be carried out: its VMID stays the only one.
                self._tools.ledger.change(life, lambda current: replace(current, failures=current.failures + 1))
                self._let_others(life)
            raise
        hit(Failpoint.CREATE_CALLED)
        self._record_task(life, upid, "vzcreate" if placement.template is None else "vzclone")
        hit(Failpoint.CREATE_TASK_RECORDED)
        return Next()

    def _send(self, life: Incarnation, placement: Placement) -> str:
        tools, spec = self._tools, life.spec
        description = describe(
            Marker(
                controller=tools.policy.controller,
                session=life.session,
                uid=life.uid,
                vmid=placement.vmid,
                accepted_at=life.accepted_at,
            ),
            owner=spec.owner,
        )
        if isinstance(spec.source, ArchiveSource):
            return tools.port.create(
                placement.node,
                CreateRequest(
                    vmid=placement.vmid,
                    archive=spec.source.volume,
                    storage=spec.storage,
                    disk_gib=spec.resources.disk_gib,
                    cores=spec.resources.cores,
                    memory_mib=spec.resources.memory_mib,
                    hostname=life.session,
                    description=description,
                    net0=interface(spec.network, placement.address),
                    nameservers=spec.network.nameservers,
                    pool=spec.pool,
                    nesting=spec.nesting,
                    password=password_at_creation(tools, life),
                    ssh_public_keys=tools.guests.public_key,
                    start=spec.network.egress is None,  # else its firewall is set before it starts
                ),
            )
        assert placement.template is not None  # noqa: S101 - clones are placed with their template
        return tools.port.clone(
            placement.node,
            placement.template,
            CloneRequest(
                vmid=placement.vmid,
                hostname=life.session,
                description=description,
                pool=spec.pool,
                full=spec.source.full,
                storage=spec.storage if spec.source.full else None,
                target=None,
            ),
        )

    def _record_task(self, life: Incarnation, upid: str, kind: str) -> None:
        placement = life.placement
        assert placement is not None  # noqa: S101 - tasks follow intents
        task = Task(upid=upid, kind=kind, node=placement.node, begun_at=self._tools.clock.now())
        self._tools.ledger.change(life, lambda current: replace(current, task=task))
        self._tools.board.watch(upid, node=placement.node, key=key_of(life.session))

    def _tasks(self, life: Incarnation) -> tuple[TaskRow, ...]:
        placement = life.placement
        assert placement is not None  # noqa: S101 - the stage says so
        kind = "vzcreate" if placement.template is None else "vzclone"
        rows = self._tools.port.find_tasks(
            placement.node, vmid=placement.template or placement.vmid, since=placement.intended_at - CLOCK_SKEW
        )
        return tuple(row for row in rows if row.kind == kind)

    def _running_task(self, life: Incarnation) -> TaskRow | None:
        return next((row for row in self._tasks(life) if row.running), None)

    def _may_be_ours(self, life: Incarnation) -> bool:
        """Whether what hides under the VMID may come from our call: only if a task of our token began it."""
        return bool(self._tasks(life))

    def _back_to_choosing(self, life: Incarnation, *notes: Note, failed: int = 0) -> None:
        self._tools.ledger.change(
            life,
            lambda current: replace(
                current, stage=Stage.ACCEPTED, placement=None, task=None, failures=current.failures + failed
            ),
            *notes,
        )
        self._let_others(life)

    def _let_others(self, life: Incarnation) -> None:
        """Nothing of this life is in flight."""
        self._release_template(life)
        if life.placement is not None:
            self._tools.slots.release(life.placement.node, key_of(life.session))

    def _release_template(self, life: Incarnation) -> None:
        if life.placement is not None and life.placement.template is not None:
            self._tools.clone_turns.release(str(life.placement.template), key_of(life.session))


def _lost(life: Incarnation, *, now: Timestamp) -> Incarnation:
    placement = replace(life.placement, unclear_at=now) if life.placement is not None else None
    return replace(life, placement=placement, failures=life.failures + 1)


def _refused(life: Incarnation) -> Incarnation:
    if life.placement is None:
        raise Superseded(f"session {life.session} is no longer being placed")
    return replace(life, placement=replace(life.placement, refused=True))
