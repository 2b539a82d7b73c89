"""Where the demo plays: a directory, a node and a daemon as processes of their own, and a client to ask.

All of it is what a person would start by hand: `winux node`, `winux run`, files in a directory.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import yaml

from controller.admin.client import AdminClient, NoDaemon
from controller.cli.console import waiting
from controller.cli.demo_desktops import SIMULATED, Desktops
from controller.cli.demo_manifests import REAL_TEMPLATE, TEMPLATE, TEMPLATE_FILE, TEMPLATE_NAME
from controller.cli.exits import Failure
from controller.cli.rdp import write_private
from controller.engine.clock import Clock

PATIENCE = 20.0
"""Seconds to wait for anything; all of it takes a few."""
REAL_PATIENCE = 60.0
"""The same where desktops are real: several boot at once, perhaps on one core."""
UNPACKING = 300.0
"""Seconds to wait for a node that unpacks an image first."""
LOOK_EVERY = 0.1
STOP_PATIENCE = 15.0
LOG_LINES = 6
"""Of a process that failed."""

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything runs."""

    root: Path
    url: str
    """Of the node."""
    client: AdminClient
    clock: Clock
    desktops: Desktops = SIMULATED
    page: str = ""
    """The URL of the page with the button; empty as long as it is not served."""

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def config(self) -> Path:
        return self.root / "winux.yaml"

    def drop(self, file: str, text: str) -> None:
        (self.manifests / file).write_text(text, encoding="utf-8")

    def pause(self, seconds: float) -> None:
        self.clock.wait(threading.Event(), seconds)

    def until(self, expected: str, look: Callable[[], _Found | None], *, within: float | None = None) -> _Found:
        """What ``look`` finds, as soon as it finds anything. Raises ``Failure`` with what was expected."""
        within = within or (REAL_PATIENCE if self.desktops.real else PATIENCE)
        end = self.clock.monotonic() + within
        while (found := look()) is None:
            if self.clock.monotonic() > end:
                raise Failure(f"expected within {within:.0f} s: {expected}", *log_tail(self.root / "daemon.log"))
            self.pause(LOOK_EVERY)
        return found


@contextmanager
def staged(directory: Path | None, desktops: Desktops, *, clock: Clock) -> Iterator[Stage]:
    """Set up, and take down again what was started here. ``directory`` None: a temporary one that is removed."""
    with ExitStack() as down:
        root = _temporary(down) if directory is None else _fresh(directory)
        down.enter_context(starting := ExitStack())
        unpacks = "; the first time an image is unpacked" if desktops.real else ""
        starting.enter_context(waiting(f"a node and a controller are starting{unpacks}"))
        (root / "manifests").mkdir()
        (root / "manifests" / TEMPLATE_FILE).write_text(REAL_TEMPLATE if desktops.real else TEMPLATE, encoding="utf-8")
        url = _start_node(root, desktops, down)
        _complete_config(root / "winux.yaml")
        arguments = [sys.executable, "-m", "controller.cli", "run", "--config", str(root / "winux.yaml")]
        daemon = _start(arguments, root / "daemon.log", down)
        client = AdminClient(root / "admin.sock")
        down.callback(client.close)
        stage = Stage(root=root, url=url, client=client, clock=clock, desktops=desktops)
        page = stage.until("a daemon that answers", lambda: _page(client, daemon, root))
        starting.close()
        yield replace(stage, page=page)


def log_tail(log: Path) -> Sequence[str]:
    """The last lines of a log, to be shown below an error."""
    if not log.is_file():
        return ()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return (f"the last lines of {log.name}:", *lines) if lines else ()


def _temporary(down: ExitStack) -> Path:
    root = Path(tempfile.mkdtemp(prefix="winux-demo-"))
    down.callback(shutil.rmtree, root, ignore_errors=True)
    return root


def _fresh(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise Failure(f"{directory} is not empty: choose a directory that is, or one that does not exist")
    except OSError as error:
        raise Failure(f"cannot use {directory}: {(error.strerror or str(error)).lower()}") from None
    return directory.resolve()


def _start_node(root: Path, desktops: Desktops, down: ExitStack) -> str:
    """Returns its URL when it serves."""
    arguments = [sys.executable, "-m", "controller.node", "--listen", "127.0.0.1:0", "--json"]
    arguments += (
        ["--profile", "demo"] if desktops.image is None else ["--engine", "lxc", "--image", str(desktops.image)]
    )
    arguments += ["--directory", str(root / "node"), "--write-config", str(root / "winux.yaml")]
    node = _start(arguments, root / "node.log", down, stdout=subprocess.PIPE)
    assert node.stdout is not None  # noqa: S101 - a pipe was asked for
    ready, _, _ = select.select([node.stdout], [], [], UNPACKING if desktops.real else PATIENCE)
    if not ready or not node.stdout.readline():
        raise Failure("expected a node that serves; it did not begin", *log_tail(root / "node.log"))
    return str(yaml.safe_load((root / "winux.yaml").read_text(encoding="utf-8"))["proxmox"]["url"])


def _complete_config(file: Path) -> None:
    """Quicker than a site would want it, with a page, and on free ports."""
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["manifests"] |= {"grace": "2s", "rescan": "10s"}
    config["proxmox"] |= {"tick": "500ms", "taskPoll": "100ms"}
    config["telemetry"] = {"listen": "127.0.0.1:0"}
    config["web"] = {"listen": "127.0.0.1:0", "templates": [TEMPLATE_NAME]}
    write_private(file, yaml.safe_dump(config, sort_keys=False))


def _start(
    arguments: Sequence[str], log: Path, down: ExitStack, *, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that Ctrl-C reaches only the demo, which then stops it in order."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WINUX_") and not name.lower().startswith("proxmox_")
    }
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=file if stdout is None else stdout,
            stderr=file,
            env=environment,
            start_new_session=True,
        )
    down.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _page(client: AdminClient, daemon: subprocess.Popen[bytes], root: Path) -> str | None:
    """Where the daemon serves its page, as soon as it has read the manifests."""
    if daemon.poll() is not None:
        raise Failure(f"expected a daemon that runs; it ended with {daemon.returncode}", *log_tail(root / "daemon.log"))
    try:
        status = client.status()
        return status.web if status.scanned_at is not None else None
    except NoDaemon:
        return None
