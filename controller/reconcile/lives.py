"""Beginning and ending lives: what concerns the ledger alone and asks nothing of Proxmox."""

from __future__ import annotations

from dataclasses import replace

from controller.core.guest import Guest
from controller.core.incarnation import Ending, EndReason, Incarnation, Placement, Stage
from controller.core.model import ConditionStatus, Credentials, DesiredSession
from controller.core.steps import Adopt, End, Revise
from controller.engine.failpoints import Failpoint, hit
from controller.ledger.ledger import Note
from controller.ledger.passwords import Credential
from controller.reconcile.tools import Next, Outcome, Tools


class Lives:
    """The steps Accept, Adopt, Revise, End, GiveUpContainer and Release."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def accept(self, desired: DesiredSession) -> Outcome:
        tools = self._tools
        life = self._new(desired, uid=tools.new_uid(), accepted_at=tools.clock.now())
        credential = None
        if desired.spec.logs_in_by is Credentials.PASSWORD:
            credential = Credential(username=desired.spec.desktop_user, password=tools.new_password())
        tools.ledger.begin(life, credential, Note("Accepted", f"asked for by {desired.origin}"))
        tools.measures.accepted(life)
        hit(Failpoint.ACCEPT_RECORDED)
        return Next()

    def adopt(self, step: Adopt) -> Outcome:
        """The ledger knows nothing of a container that carries our marker: go on from what the marker tells.

        When it was ready is not known, so its time counts from its acceptance: it ends early rather than late.
        """
        now = self._tools.clock.now()
        life = replace(
            self._new(step.desired, uid=step.uid, accepted_at=step.accepted_at),
            stage=Stage.CREATED,
            placement=Placement(node=step.node, vmid=step.vmid, intended_at=step.accepted_at, address=step.address),
            started_at=now,
            ready_at=step.accepted_at,
            guest=Guest(renewed=True),  # by which host key it was known is lost: what it shows next counts
        ).with_condition(
            "CredentialsKnown",
            ConditionStatus.FALSE,
            reason="Adopted",
            message="the ledger that held its password is gone; a new spec.revision gives a new desktop",
            now=now,
        )
        message = f"container {step.vmid} on {step.node} carries its marker: taken over"
        self._tools.ledger.begin(life, None, Note("Adopted", message, warning=True))
        self._tools.measures.accepted(life)
        return Next()

    def revise(self, life: Incarnation, step: Revise) -> Outcome:
        now = self._tools.clock.now()
        refused = ", ".join(step.refused)
        message = f"{refused} cannot change while it lives" if refused else "the spec applies"

        def revised(current: Incarnation) -> Incarnation:
            after = replace(current, spec=step.spec, generation=step.generation)
            return after.with_condition(
                "SpecApplied",
                ConditionStatus.FALSE if refused else ConditionStatus.TRUE,
                reason="NeedsNewLife" if refused else "Applied",
                message=f"{message}: a new spec.revision asks for a new life" if refused else message,
                now=now,
            )

        self._tools.ledger.change(
            life, revised, Note("NeedsNewLife" if refused else "Revised", message, warning=bool(refused))
        )
        return Next()

    def end(self, life: Incarnation, step: End) -> Outcome:
        hit(Failpoint.EXPIRY_DECIDED)
        ending = Ending(reason=step.reason, message=step.message, since=self._tools.clock.now())
        self._tools.ledger.change(
            life,
            lambda current: replace(current, ending=ending).not_ready(
                reason=str(step.reason), message=step.message, now=ending.since
            ),
            Note(str(step.reason), step.message),
        )
        if step.reason is EndReason.NEVER_READY:
            self._tools.measures.given_up()
        hit(Failpoint.EXPIRY_RECORDED)
        return Next()

    def give_up_container(self, life: Incarnation, message: str) -> Outcome:
        self._tools.ledger.change(
            life,
            lambda current: replace(current, discard=message),
            Note("NeverReady", f"{message}: another is tried", warning=True),
        )
        self._tools.measures.given_up()
        return Next()

    def release(self, life: Incarnation) -> Outcome:
        self._tools.ledger.forget(life, Note("Forgotten", "its manifest is gone too: the name is free again"))
        return Next()

    @staticmethod
    def _new(desired: DesiredSession, *, uid: str, accepted_at: float) -> Incarnation:
        return Incarnation(
            uid=uid,
            session=desired.name,
            spec=desired.spec,
            generation=desired.generation,
            revision=desired.revision,
            origin_file=desired.origin.file,
            accepted_at=accepted_at,
        )
