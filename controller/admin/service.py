"""What an administrator may ask of a running controller, and where the orders go in.

It reads the same picture, ledger and statuses as the reconciler, calls nothing of Proxmox's, and waits for nobody.
What an order does is in ``orders``, what becomes of manifests in ``applying``.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence

from controller import __version__
from controller.admin.applying import Applying
from controller.admin.arrivals import ARRIVED, Arrivals
from controller.admin.creating import Creating
from controller.admin.models import (
    ContainerView,
    ControllerStatus,
    CredentialView,
    EventView,
    ManifestFile,
    Outcome,
    Plan,
    SessionView,
    TemplateView,
    moment,
    moment_or_none,
)
from controller.admin.orders import ADMINISTRATOR, Orders, no_session
from controller.admin.planning import instead_of_all, no_longer_empty, on_top, plan_addition, plan_against, plan_now
from controller.admin.refusals import Impossible
from controller.admin.site import Site, template_defaults
from controller.admin.templates import template_views
from controller.admin.views import (
    NOT_YET,
    Known,
    container_view,
    event_view,
    failing,
    notice_views,
    problem_view,
    session_view,
)
from controller.admin.vital_models import Vitals
from controller.admin.vitals import Dials, read_vitals
from controller.api.problem import Problem
from controller.core.model import Credentials, DesiredSnapshot
from controller.ledger.events import Wanted
from controller.reconcile.picture import Picture
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.tools import Tools

_WEB_KEY = "web-key"
_NEW_DESKTOP = "a new spec.revision gives a new desktop"


class AdminService:
    """Safe to use from several threads. Refuses with a ``Refusal``: one sentence."""

    def __init__(
        self,
        tools: Tools,
        picture: Picture,
        reconciler: Reconciler,
        *,
        settings: Site,
        enqueue: Callable[[str], None],
        rescan: Callable[[], None],
        accept_empty: Callable[[], None],
        started_at: float,
        queue_depth: Callable[[], int] | None = None,
        dials: Dials | None = None,
    ) -> None:
        """``enqueue`` takes the name of a session. ``settings`` may be replaced when they were loaded anew."""
        self._tools = tools
        self._picture = picture
        self._reconciler = reconciler
        self.settings = settings
        self.web: str | None = None
        """Where the page is served, from the moment that it is."""
        self._started_at = started_at
        self._queue_depth = queue_depth
        self._dials = dials or Dials()
        self._applying = Applying(tools.ledger, picture, site=lambda: self.settings, rescan=rescan)
        self._arrivals = Arrivals()
        self._creating = Creating(tools.ledger, picture, self._arrivals, site=lambda: self.settings, rescan=rescan)
        self._key_lock = threading.Lock()
        self._orders = Orders(
            tools,
            picture,
            enqueue=enqueue,
            rescan=rescan,
            accept_empty=accept_empty,
            remove_manifest=self._applying.remove,
            arriving=lambda name: name in self._arrivals.pending(picture.desired),
        )

    # -- questions ---------------------------------------------------------------------------------------------

    def sessions(self) -> tuple[SessionView, ...]:
        """Every session that is wanted or lives, tombstones included, by name."""
        statuses, desired, now = self._reconciler.statuses(), self._picture.desired, self._tools.clock.now()
        problems = _problems(desired)
        lives = {life.session: life for life in self._tools.ledger.lives()}
        arriving = self._arrivals.pending(desired)
        wanted = {**arriving, **(desired.sessions if desired is not None else {})}
        known = (
            Known(
                name=name,
                life=lives.get(name),
                desired=wanted.get(name),
                problems=problems.get(name, ()),
                status=statuses.get(name, ARRIVED if name in arriving else None),
            )
            for name in sorted(lives.keys() | wanted.keys())
        )
        return tuple(session_view(one, now=now) for one in known)

    def session(self, name: str) -> SessionView:
        """One session; also one that only a faulty manifest asks for."""
        desired = self._picture.desired
        arriving = self._arrivals.pending(desired).get(name)
        known = Known(
            name=name,
            life=self._tools.ledger.life(name),
            desired=desired.sessions.get(name, arriving) if desired is not None else arriving,
            problems=_problems(desired).get(name, ()),
            status=self._reconciler.status(name) or (ARRIVED if arriving is not None else None),
        )
        if known.life is None and known.desired is None and not known.problems:
            raise no_session(name)
        return session_view(known, now=self._tools.clock.now())

    def events(self, *, session: str | None = None, after: int = 0, limit: int = 500) -> tuple[EventView, ...]:
        """The newest ones, oldest first."""
        return self.find_events(Wanted(session=session, after=after), limit=limit)

    def find_events(self, wanted: Wanted, *, limit: int) -> tuple[EventView, ...]:
        """The newest of those that are wanted, oldest first."""
        return tuple(event_view(event) for event in self._tools.ledger.find_events(wanted, limit=limit))

    def status(self) -> ControllerStatus:
        desired, observation = self._picture.desired, self._tools.inventory.observation
        statuses = self._reconciler.statuses()
        phases = Counter(statuses.get(name, NOT_YET).phase for name in self._picture.all_sessions())
        return ControllerStatus(
            version=__version__,
            controller=self._tools.policy.controller,
            started_at=moment(self._started_at),
            now=moment(self._tools.clock.now()),
            manifests=str(self.settings.manifests.path),
            files=desired.files if desired is not None else 0,
            scanned_at=moment_or_none(desired.scanned_at) if desired is not None else None,
            observed_at=moment_or_none(observation.asked_at) if observation is not None else None,
            notices=notice_views(self._picture.sentences()),
            problems=tuple(problem_view(problem) for problem in (desired.problems if desired is not None else ())),
            phases=dict(sorted(phases.items())),
            queue=self._queue_depth() if self._queue_depth is not None else None,
            web=self.web,
        )

    def vitals(self) -> Vitals:
        return read_vitals(self._tools, self._picture.desired, self._dials)

    def templates(self) -> tuple[TemplateView, ...]:
        desired = self._picture.desired
        if desired is None:
            return ()
        living = Counter(life.spec.template for life in self._tools.ledger.lives() if not life.ended)
        return template_views(desired, defaults=template_defaults(self.settings), sessions=living)

    def containers(self) -> tuple[ContainerView, ...]:
        """Every container in our pools that was last seen, whosever it is."""
        observation, ledger = self._tools.inventory.observation, self._tools.ledger
        rows = observation.rows.values() if observation is not None else ()
        pools = self._picture.pools()
        return tuple(
            container_view(row, session=ledger.session_at(row.vmid))
            for row in sorted(rows, key=lambda row: row.vmid)
            if row.kind == "lxc" and row.pool in pools and not row.template
        )

    def credential(self, name: str) -> CredentialView:
        """The only answer with a secret in it."""
        life = self._tools.ledger.life(name)
        if life is None:
            self.session(name)
            raise Impossible(f"session {name} was not made yet: `winux describe {name}` says what it waits for")
        if life.ended or life.ending is not None:
            raise Impossible(f"session {name} has ended: there is nothing to log in to")
        address = life.address or (life.placement.address if life.placement is not None else None)
        if address is None:
            raise Impossible(f"session {name} has no address yet: `winux get sessions {name} -w` shows when it has")
        credential = self._tools.ledger.credential(name)
        if life.spec.logs_in_by is not Credentials.PASSWORD:
            credential = None
        elif credential is None:
            way_out = f"`winux rotate {name}` sets a new one" if self._tools.guests.public_key else _NEW_DESKTOP
            raise Impossible(f"the password of session {name} is not known: {way_out}")
        return CredentialView(
            session=name,
            address=address,
            port=life.spec.readiness.port,
            username=credential.username if credential is not None else life.spec.desktop_user,
            password=credential.password if credential is not None else None,
            next_password=self._tools.ledger.candidate(name) if credential is not None else None,
            credentials=life.spec.logs_in_by,
            fingerprint=life.fingerprint,
        )

    def web_key(self) -> bytes:
        """32 secret bytes for whoever serves people, made once: after a restart the same addresses are known again."""
        ledger = self._tools.ledger
        with self._key_lock:
            kept = ledger.setting(_WEB_KEY)
            if kept is None:
                kept = secrets.token_hex(32)
                ledger.set_setting(_WEB_KEY, kept)
            return bytes.fromhex(kept)

    # -- plans -------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """What is pending now."""
        desired = self._picture.desired
        return Plan(
            changes=tuple(
                plan_now(
                    self._picture.all_sessions(),
                    self._picture.view,
                    failing={name: one for name, one in self._reconciler.statuses().items() if failing(one)},
                )
            ),
            problems=tuple(problem_view(problem) for problem in (desired.problems if desired is not None else ())),
            notices=notice_views(self._picture.sentences()),
        )

    def plan_with(self, files: Sequence[ManifestFile], *, instead: bool) -> Plan:
        """What these manifests would change: on top of those in force, or instead of all of them."""
        current, defaults = self._picture.desired, template_defaults(self.settings)
        view_of = no_longer_empty(self._picture.view, current, self.settings.manifests.path)
        problems: tuple[Problem, ...]
        if instead:
            desired = instead_of_all(files, defaults)
            brake = self._picture.brakes().mass_delete
            changes = plan_against(desired, self._tools.ledger.lives(), view_of, mass_delete=brake)
            problems = desired.problems
        elif current is None:
            raise Impossible("the manifests were not scanned yet: ask again in a moment")
        else:
            addition = on_top(files, current, defaults)
            changes, problems = plan_addition(addition, view_of), addition.problems
        return Plan(
            changes=tuple(changes),
            problems=tuple(problem_view(problem) for problem in problems),
            notices=notice_views(self._picture.sentences()),
        )

    # -- orders ------------------------------------------------------------------------------------------------

    # ``by``: who orders it, for the events. All raise ``OperationalError`` where the ledger cannot be written.

    def extend(self, name: str, seconds: float, *, by: str = ADMINISTRATOR) -> Outcome:
        return self._orders.extend(name, seconds, by=by)

    def create(self, text: str, *, name: str, by: str = ADMINISTRATOR) -> Outcome:
        """Write the manifest of a new session, ``text``; refuses with ``Exists`` where there is one in any state."""
        return self._creating.create(text, name=name, by=by)

    def delete(self, name: str, *, by: str = ADMINISTRATOR) -> Outcome:
        return self._orders.delete(name, by=by)

    def rotate(self, name: str, *, by: str = ADMINISTRATOR) -> Outcome:
        return self._orders.rotate(name, by=by)

    def pause(self, name: str | None, *, by: str = ADMINISTRATOR) -> Outcome:
        """``name`` None: the whole controller."""
        return self._orders.pause(name, by=by)

    def resume(self, name: str | None, *, by: str = ADMINISTRATOR) -> Outcome:
        return self._orders.resume(name, by=by)

    def confirm(self, *, by: str = ADMINISTRATOR) -> Outcome:
        return self._orders.confirm(by=by)

    def apply(self, text: str, *, name: str = "stdin", by: str = ADMINISTRATOR) -> Outcome:
        """Write manifests into the directory, all or none. ``name`` is what problems call the text."""
        return self._applying.apply(text, name=name, by=by)


def _problems(desired: DesiredSnapshot | None) -> dict[str, tuple[Problem, ...]]:
    """By the session concerned: the one that a mistake is in, or those that a broken file last held."""
    found: dict[str, tuple[Problem, ...]] = {}
    if desired is None or not desired.problems:
        return found
    kept: dict[str, list[str]] = {}
    for name in desired.undecided & desired.sessions.keys():
        kept.setdefault(desired.sessions[name].origin.file, []).append(name)
    for problem in desired.problems:
        for name in kept.get(problem.file, ()) if problem.session is None else (problem.session,):
            found[name] = (*found.get(name, ()), problem)
    return found
