"""``winux demo --once``: the story of three sessions and a broken manifest, checked step by step."""

from __future__ import annotations

from rich.text import Text

from controller.admin.client import Refused
from controller.admin.models import SessionView
from controller.cli.calling import as_called
from controller.cli.columns import width_of, wrapped
from controller.cli.console import out, waiting, warn
from controller.cli.demo_manifests import BROKEN, session
from controller.cli.demo_stage import Stage
from controller.cli.demo_visitor import Visitor
from controller.cli.exits import Failure
from controller.cli.spans import NOTHING

NAMES = ("alice", "bob", "carol")
TTLS = {"alice": "10m", "bob": "10m", "carol": "9s"}
REAL_TTLS = TTLS | {"carol": "20s"}
"""Real desktops are not ready at the same moment, and carol's must not end before the last one is."""
AT_MOST_LATE = 5.0
"""Seconds after its end within which a session's container has to be gone, on a busy machine."""


def tell(stage: Stage) -> None:
    """Raises ``Failure`` with what was expected when the story goes another way."""
    began = stage.clock.monotonic()
    _done(f"a Proxmox-compatible node serves at {stage.url}")
    if stage.desktops.real:
        _done("its desktops are real containers on this machine")
        for clause in stage.desktops.unenforced:
            warn(f"{clause}.")
    _done(f"a controller watches {stage.manifests}")
    _done(f"its page, with a button, is at {stage.page}")
    ttls = REAL_TTLS if stage.desktops.real else TTLS
    for name in NAMES:
        stage.drop(f"{name}.yaml", session(name, ttl=ttls[name]))
    _done("three manifests were dropped there: " + ", ".join(f"{name}.yaml" for name in NAMES))
    ready = {name: _becomes_ready(stage, name) for name in NAMES}
    _broken_is_reported(stage)
    _removed_is_destroyed(stage, ready["bob"])
    _launched_by_the_page(stage)
    _expires(stage, ready["carol"])
    _undisturbed(stage, ready["alice"])
    seconds = stage.clock.monotonic() - began
    out.print(Text(f"All as it should be, in {seconds:.0f} s. See it live: {as_called()} demo", style="bold green"))


def _becomes_ready(stage: Stage, name: str) -> SessionView:
    def ready() -> SessionView | None:
        found = _session(stage, name)
        return found if found is not None and found.phase == "Ready" else None

    with waiting(f"{name} is being made"):
        found = stage.until(f"session {name} is Ready", ready)
    _done(f"{name} is Ready at {found.address}, container {found.vmid}, after {_made_in(found)}")
    return found


def _broken_is_reported(stage: Stage) -> None:
    def reported() -> str | None:
        problems = stage.client.status().problems
        return next((one.sentence for one in problems if one.session == "mallory"), None)

    stage.drop("mallory.yaml", BROKEN)
    with waiting("a broken manifest is read"):
        sentence = stage.until("the broken mallory.yaml is reported", reported)
    if not sentence.startswith("mallory.yaml:7:"):
        raise Failure(f"expected a problem in line 7 of mallory.yaml, found: {sentence}")
    _done(f"a broken manifest is reported: {sentence}")


def _removed_is_destroyed(stage: Stage, bob: SessionView) -> None:
    (stage.manifests / "bob.yaml").unlink()
    with waiting("bob.yaml was removed"):
        stage.until("session bob is gone", lambda: True if _session(stage, "bob") is None else None)
        _container_goes(stage, bob)
    _done(f"bob.yaml was removed, and container {bob.vmid} is gone")


def _launched_by_the_page(stage: Stage) -> None:
    """As a person with a browser does it; only the container is looked up by the way of administrators."""
    with Visitor(stage.page) as visitor:
        name = visitor.press()
        with waiting(f"{name} was launched by the page"):
            stage.until(f"desktop {name} is Ready", lambda: visitor.phase(name) == "Ready" or None)
            made = stage.client.session(name)
            visitor.end(name)
            _container_goes(stage, made)
    _done(f"launched by the page: {name}, Ready after {_made_in(made)}; ended there, and container {made.vmid} is gone")


def _expires(stage: Stage, carol: SessionView) -> None:
    def ended() -> SessionView | None:
        found = _session(stage, "carol")
        return found if found is not None and found.phase == "Expired" else None

    with waiting("carol's time runs out"):
        found = stage.until("session carol has expired", ended)
        _container_goes(stage, carol)
    if found.ended_at is None or carol.expires_at is None:
        raise Failure("expected a session that ended to say when")
    late = (found.ended_at - carol.expires_at).total_seconds()
    if not 0 <= late <= AT_MOST_LATE:
        raise Failure(f"expected carol's container to be gone within {AT_MOST_LATE:.0f} s of its end, not {late:.1f} s")
    _done(f"carol's time was up, and container {carol.vmid} was gone {late:.1f} s later")


def _undisturbed(stage: Stage, alice: SessionView) -> None:
    found = _session(stage, "alice")
    if found is None or (found.phase, found.vmid, found.uid) != ("Ready", alice.vmid, alice.uid):
        raise Failure(f"expected alice to be Ready on container {alice.vmid} still, found: {found}")
    _done(f"alice is Ready on container {alice.vmid} still")


def _container_goes(stage: Stage, session: SessionView) -> None:
    def gone() -> bool | None:
        return None if any(one.vmid == session.vmid for one in stage.client.containers()) else True

    stage.until(f"container {session.vmid} is not listed any more", gone)


def _made_in(session: SessionView) -> str:
    if session.ready_at is None or session.accepted_at is None:
        return NOTHING
    return f"{(session.ready_at - session.accepted_at).total_seconds():.1f} s"


def _session(stage: Stage, name: str) -> SessionView | None:
    try:
        return stage.client.session(name)
    except Refused:
        return None


def _done(what: str) -> None:
    for line in wrapped(Text.assemble("  ", ("✓", "green"), f" {what}"), width=width_of(out), indent=4):
        out.print(line)
