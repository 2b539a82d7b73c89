"""What a service manager hears of the daemon: ready, how it stands, signs of life, reloads, the end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.site import Site
from tests.e2e.waiting import until

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "winux.service"
WATCHDOG = 4.0


class Manager:
    """Listens as systemd does and keeps all that it hears, one list of assignments for each message."""

    def __init__(self, address: str) -> None:
        self.heard: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(int(WATCHDOG * 1_000_000))}
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while message := self._socket.recv(4096):
            self.heard.append(message.decode().split("\n"))

    def count(self, assignment: str) -> int:
        return sum(assignment in message for message in self.heard)

    def last(self, name: str) -> str:
        """The last value that was assigned to this name; empty without one."""
        said = [one for message in self.heard for one in message if one.startswith(f"{name}=")]
        return said[-1].removeprefix(f"{name}=") if said else ""

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, site: Site) -> Iterator[Manager]:
    prefix = "@" if request.param == "abstract" else ""
    manager = Manager(f"{prefix}{site.directory}/notify")
    yield manager
    manager.close()


def test_it_hears_every_turn_of_a_life(site: Site, manager: Manager) -> None:
    daemon = site.daemon(environment=manager.environment).in_sync()
    until(lambda: manager.heard, what="something is told")
    assert manager.heard[0] == ["READY=1"]
    until(lambda: manager.last("STATUS") == "no sessions", what="how it stands", show=lambda: manager.heard)
    site.manifests.session("alice", ttl="1h")
    daemon.wait_ready("alice")
    until(
        lambda: manager.last("STATUS") == "1 session, 1 ready", what="a session is counted", show=lambda: manager.heard
    )
    until(lambda: manager.count("WATCHDOG=1") >= 3, what="it gives signs of life", show=lambda: manager.heard)

    daemon.process.signal(signal.SIGHUP)
    until(lambda: manager.count("READY=1") == 2, what="the reload is over", show=lambda: manager.heard)
    (reloading,) = [message for message in manager.heard if "RELOADING=1" in message]
    assert int(reloading[1].removeprefix("MONOTONIC_USEC=")) > 0
    assert manager.heard.index(reloading) < len(manager.heard) - 1

    assert daemon.stop() == 0
    until(lambda: manager.count("STOPPING=1") == 1, what="the end is announced", show=lambda: manager.heard)
    assert int(manager.last("EXTEND_TIMEOUT_USEC")) > 20_000_000, "the drain is within the patience that is asked for"


def test_without_proxmox_it_is_ready_for_the_manager_and_says_what_holds_it_back(site: Site) -> None:
    manager = Manager(f"{site.directory}/notify")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can meanwhile
        settings = {"proxmox": {"url": f"https://127.0.0.1:{unused.getsockname()[1]}"}}
        daemon = site.daemon(settings=settings, environment=manager.environment).started()
        until(lambda: manager.count("READY=1"), what="it serves")
        until(lambda: "Connection refused" in manager.last("STATUS"), what="it says why", show=lambda: manager.heard)
        until(lambda: manager.count("WATCHDOG=1") >= 2, what="it gives signs of life", show=lambda: manager.heard)
        assert daemon.ready()[0] == 503
        daemon.kill()
    manager.close()


def test_what_is_hung_is_ended_with_its_threads_in_the_log(site: Site) -> None:
    """As systemd's watchdog ends it."""
    daemon = site.daemon().in_sync()
    daemon.process.signal(signal.SIGABRT)
    # The other threads run on while their frames are read (faulthandler): now and then that ends in a fault of its own.
    assert daemon.process.wait() in {-signal.SIGABRT, -signal.SIGSEGV}
    assert "(most recent call first)" in daemon.process.output()


def test_the_unit_is_one_that_systemd_accepts(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    # The program that it starts has to be there; here it is elsewhere.
    text = UNIT.read_text(encoding="utf-8").replace("/opt/winux/bin/winux", sys.executable)
    assert sys.executable in text
    unit = tmp_path / "winux.service"
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if "winux.service" in line]
    assert (done.returncode, complaints) == (0, [])
