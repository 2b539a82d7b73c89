"""What the reconciler works with, built from the settings: the way to Proxmox, the tools, the way into guests.

Threads, servers and signals are the daemon's business.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from random import Random

from controller.daemon import loglines
from controller.daemon.endpoint import endpoint_of
from controller.daemon.recorded import Recorded
from controller.daemon.settings import Settings, SettingsError
from controller.engine.clock import Clock
from controller.engine.slots import Slots
from controller.guest.credentials import generate_password
from controller.guest.key import GuestKey, KeyProblem, load_key
from controller.guest.prober import Prober
from controller.guest.rdp import negotiate
from controller.guest.reach import NoWay, Reach, Reaching
from controller.guest.ssh import SshRunner
from controller.ledger.ledger import Ledger
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.certificate import certificate_expiry
from controller.proxmox.inventory import Inventory
from controller.proxmox.limits import Call, Instrumented, Limited
from controller.proxmox.recent import RecentCalls
from controller.proxmox.taskboard import TaskBoard
from controller.reconcile.tools import Measures, Policy, Tools
from controller.telemetry import redact
from controller.telemetry.families import OK
from controller.telemetry.metrics import Metrics


class Line:
    """The way to Proxmox: the adapter, and around it what counts its calls and what limits them."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        metrics: Metrics,
        beat: Callable[[], None] = lambda: None,
        traced: Callable[[Call], None] = lambda _call: None,
    ) -> None:
        """``beat``: the thread that calls, or waits for its turn, lives. ``traced`` is told about every call."""
        redact.register(settings.secret().get_secret_value())
        self._metrics = metrics
        self._beat = beat
        self._traced = traced
        self.recent = RecentCalls(clock=clock)
        self._endpoint = endpoint_of(settings)
        self.adapter = ProxmoxAdapter(self._endpoint)
        counted = Instrumented(self.adapter, self._called, clock=clock)
        self.calls = Limited(counted, per_node=settings.proxmox.in_flight_per_node, waits=beat)

    def reload(self, settings: Settings) -> None:
        """Another secret of the same token, another limit."""
        secret = settings.secret().get_secret_value()
        redact.register(secret)
        self.adapter.use_secret(secret)
        self.calls.set_limit(settings.proxmox.in_flight_per_node)

    def certificate_expiry(self) -> float:
        """When the certificate ends that Proxmox shows, in Unix seconds. Raises ``ProxmoxError``."""
        return certificate_expiry(self._endpoint)

    def _called(self, call: Call) -> None:
        # A pass of many slow calls is no stuck thread.
        self._beat()
        loglines.called(call)
        self.recent.add(call)
        self._traced(call)
        self._metrics.observe_call(call.operation, OK if call.outcome == "ok" else call.outcome, call.seconds)


def make_tools(
    settings: Settings,
    *,
    clock: Clock,
    random: Random,
    metrics: Metrics,
    line: Line,
    ledger: Ledger,
    wake: Callable[[str], None],
    pools: Callable[[], frozenset[str]],
) -> Tools:
    """``wake`` makes a key due. Raises ``SettingsError`` where the guests' key cannot be used."""
    _hide_passwords(ledger)
    port = Recorded(line.calls, ledger.problem)
    return Tools(
        port=port,
        ledger=ledger,
        clock=clock,
        board=TaskBoard(port, ended=metrics.observe_task, clock=clock),
        inventory=Inventory(port, clock=clock, pools=pools, stale_after=max(60.0, 3 * settings.proxmox.tick)),
        slots=Slots(settings.proxmox.in_flight_per_node, wake, clock=clock),
        clone_turns=Slots(1, wake, clock=clock),
        prober=Prober(loglines.probing_desktops(negotiate, clock=clock), on_done=wake),
        guests=_way_into_guests(settings, clock=clock, wake=wake),
        scrub=redact.clean,
        random=random,
        new_uid=lambda: uuid.uuid4().hex,
        new_password=_new_password,
        retire_password=redact.forget,
        policy=policy_of(settings),
        measures=Measures(
            accepted=metrics.observe_accepted,
            ready=metrics.observe_ready,
            ended=metrics.observe_ended,
            given_up=metrics.observe_given_up,
            expiry_lag=metrics.observe_expiry_lag,
            lock_wait=metrics.observe_lock_wait,
        ),
    )


def policy_of(settings: Settings) -> Policy:
    return Policy(
        controller=settings.controller.id,
        vmid_first=settings.vmids.first,
        vmid_last=settings.vmids.last,
        vmid_rest=settings.vmids.rest,
        grace=settings.manifests.grace,
        attempts=settings.readiness.attempts,
        language=settings.guest.language,
    )


def guest_key(settings: Settings) -> GuestKey | None:
    """The controller's SSH key for guests, None without one.

    Raises:
        SettingsError: it cannot be used; one sentence.
    """
    path = settings.guest.ssh_key_file
    try:
        return load_key(path) if path is not None else None
    except KeyProblem as error:
        raise SettingsError([f"guest.sshKeyFile: {error}"]) from None


def _way_into_guests(settings: Settings, *, clock: Clock, wake: Callable[[str], None]) -> Reaching:
    key = guest_key(settings)
    if key is None:
        return NoWay()
    runner = loglines.asking_guests(SshRunner(key, clock=clock), clock=clock)
    return Reach(runner, public_key=key.public, on_done=wake)


def _hide_passwords(ledger: Ledger) -> None:
    """Those of before the restart are secrets too."""
    for life in ledger.lives():
        if (credential := ledger.credential(life.session)) is not None:
            redact.register(credential.password)
        if (candidate := ledger.candidate(life.session)) is not None:
            redact.register(candidate)


def _new_password() -> str:
    password = generate_password().reveal()
    redact.register(password)
    return password
