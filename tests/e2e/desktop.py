"""Real desktops: a node of the engine ``lxc`` on this machine, what it needs, and what is looked at from outside."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from controller.image import cache
from controller.node.config import LXC_HOME
from controller.node.lxc.requirements import missing
from tests.e2e import screen
from tests.e2e.daemon import Daemon
from tests.e2e.node import Node
from tests.e2e.screen import Screen
from tests.e2e.site import Section, Site
from tests.e2e.traces import Traces, bridge_towards, init_of
from tests.e2e.waiting import until

# Names that do not begin with WINUX_: those are the settings of the controller.
IMAGE_VARIABLE = "DESKTOP_TESTS_IMAGE"
"""The path of an image to test, whatever recipe it was made from."""
HOME_VARIABLE = "DESKTOP_TESTS_HOME"
"""Where the node has its containers, instead of where nodes have them by default."""
REQUIRED_VARIABLE = "DESKTOP_TESTS"
"""``required``: where real desktops cannot be tested that is a failure and no reason to skip."""
PICTURES_VARIABLE = "DESKTOP_TESTS_PICTURES"
"""A directory to which pictures of the screens are written, for people who look at them."""
RDP = 3389
SSH = 22
UNPACKED = 240.0
"""Seconds until a node serves that has to unpack the image first."""
READY = 90.0
"""Seconds until a session is Ready, on a machine that does much else."""
_LOCK = Path(tempfile.gettempdir(), "winux-test-desktops.lock")
_CONNECTION_REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")
"""TPKT, X.224 Connection Request and RDP_NEG_REQ for TLS or CredSSP (MS-RDPBCGR 2.2.1.1)."""


def image() -> Path:
    """The image to test: not necessarily there."""
    given = os.environ.get(IMAGE_VARIABLE)
    return Path(given) if given else cache.cached_image()


def home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE, LXC_HOME))


def lacking() -> str:
    """Why real desktops cannot be tested here; empty when they can."""
    tools = [name for name in (*screen.NEEDED, "ssh-keyscan", "lxc-attach") if shutil.which(name) is None]
    clauses = [f"these commands are not installed: {', '.join(tools)}"] if tools else []
    if IMAGE_VARIABLE not in os.environ and cache.current(image()) is None:
        clauses.append(f"{image()} is not there, or of another recipe: build it with `winux image build`")
    return "; ".join(clauses or missing(image(), home=home()))


def engine_options() -> list[str]:
    """Of the node's command line."""
    return ["--engine", "lxc", "--image", str(image()), "--home", str(home())]


@contextmanager
def alone() -> Iterator[None]:
    """Held by one test at a time on this machine: desktops are heavy, and tests run in parallel."""
    with _LOCK.open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Login:
    """What ``winux rdp`` gave: its file, and what it showed."""

    file: Path
    password: str
    fingerprint: str
    """Of the certificate that the desktop is to show: SHA-256, ``aa:bb:…``."""


class DesktopSite(Site):
    """A node with real containers. ``kept``: it keeps a state, so that its containers outlive its process."""

    def __init__(self, *, kept: bool = False, settings: Mapping[str, Section] | None = None) -> None:
        # An address of its own: its port stays free for it while it is down.
        listen = f"127.21.{os.getpid() >> 8 & 255}.{os.getpid() & 255}:0"
        self._starts = 1
        self._screens: list[Screen] = []
        super().__init__(
            profile="instant", settings=settings, node=engine_options(), kept=kept, listen=listen, within=UNPACKED
        )
        name = hashlib.sha256(os.fspath(self.kept_at.resolve()).encode()).hexdigest()[:8]
        self.place = home() / "n" / name / "c"
        """The directory of its containers, which LXC calls its path."""

    # -- the node ----------------------------------------------------------------------------------------------

    def restart_node(self) -> None:
        """Start it again, with what it kept; it was killed or stopped before."""
        self._starts += 1
        self.node.admin.close()
        self.node = Node(
            self.directory,
            profile="instant",
            listen=self.node.url.removeprefix("https://"),
            more=self.node_options,
            name=f"node-{self._starts}",
        )
        self.processes.append(self.node.process)
        self.admin = self.node.admin

    def stop_node(self) -> None:
        """As an administrator does."""
        self.node.process.signal(signal.SIGTERM)
        self.node.process.wait(within=READY)

    # -- sessions ----------------------------------------------------------------------------------------------

    def login(self, daemon: Daemon, session: str) -> Login:
        """As its owner gets it, by ``winux rdp``."""
        file = self.directory / f"{session}.rdp"
        written = daemon.cli("rdp", session, "-o", str(file))
        assert written.returncode == 0, written.stderr
        shown = daemon.cli("rdp", session, "--show")
        assert shown.returncode == 0, shown.stderr
        told = dict(line.split(":", 1) for line in shown.stdout.splitlines() if ":" in line)
        return Login(file, told["Password"].strip(), told["Sha256"].strip())

    def screen(self, name: str) -> Screen:
        made = Screen(self.directory, name=name)
        self._screens.append(made)
        return made

    def keep_picture(self, name: str, *, of: str) -> None:
        """Copy the last picture of a screen to where people look at it, if they said where."""
        if where := os.environ.get(PICTURES_VARIABLE):
            Path(where).mkdir(parents=True, exist_ok=True)
            Path(where, f"{of}.png").write_bytes((self.directory / f"{name}.png").read_bytes())

    # -- containers --------------------------------------------------------------------------------------------

    def traces(self, address: str) -> Traces:
        """Of this node, one of whose containers has that address."""
        return Traces(self.place.parent, bridge_towards(address))

    def init(self, vmid: int) -> int:
        """The host's pid of its init."""
        return init_of(self.place, vmid)

    def inside(self, vmid: int, script: str, *, within: float = 180.0) -> subprocess.CompletedProcess[str]:
        """Run a shell script as the container's root."""
        command = ["lxc-attach", "-P", str(self.place), "-n", str(vmid), "--clear-env", "--", "/bin/bash", "-c", script]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=within, stdin=subprocess.DEVNULL
        )

    def processes_of_the_user(self, vmid: int) -> list[str]:
        """Names of what runs in the container as the desktop user."""
        return self.inside(vmid, "ps -u winux -o comm=").stdout.split()

    # -- the end -----------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Whatever happened, no container is left: what a killed node left is swept by the next one without a state."""
        for one in self._screens:
            one.end()
        dirty = self.kept or self.node.process.status is not None
        if self.node.process.status is None:
            with suppress(AssertionError):
                self.stop_node()
        super().end()
        if dirty:
            sweep()


def sweep() -> None:
    """Start a node on this machine and stop it: it removes what dead ones left, as any does."""
    with tempfile.TemporaryDirectory(prefix="wx") as scratch:
        directory = Path(scratch)
        options = ["--directory", str(directory / "node")]
        node = Node(directory, profile="instant", more=[*options, *engine_options()], within=UNPACKED)
        node.process.signal(signal.SIGTERM)
        node.process.wait(within=READY)
        node.end()


# -- from outside ----------------------------------------------------------------------------------------------


def answers(address: str, port: int, *, within: float = 3.0) -> bool:
    """Whether something accepts a connection there."""
    try:
        with socket.create_connection((address, port), timeout=within):
            return True
    except OSError:
        return False


def rdp_fingerprint(address: str, *, within: float = 60.0) -> str:
    """SHA-256 of the certificate of an RDP server, ``aa:bb:…``, by an X.224 negotiation and TLS.

    Raises:
        OSError: it does not answer, or not like one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address, RDP), timeout=within) as connection:
        connection.sendall(_CONNECTION_REQUEST)
        answer = connection.recv(64)
        if len(answer) < 19 or answer[5] & 0xF0 != 0xD0 or answer[11] != 2:
            raise ConnectionError(f"{address} does not negotiate: {answer.hex()}")
        with context.wrap_socket(connection) as secured:
            certificate = secured.getpeercert(binary_form=True)
    assert certificate is not None
    return hashlib.sha256(certificate).digest().hex(":")


def ssh_host_key(address: str) -> str:
    """The Ed25519 key by which an SSH server shows itself."""
    command = ["ssh-keyscan", "-T", "10", "-t", "ed25519", address]

    def scan() -> str:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
        return said.partition("ssh-ed25519 ")[2].strip()

    return until(scan, what=f"{address} shows its SSH host key", every=0.5)
