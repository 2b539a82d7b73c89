"""A node with the engine ``lxc`` and tiny containers, and what of it is on this machine: for before and after."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from controller.node.lxc import requirements
from controller.node.lxc.network import Network
from controller.node.lxc.site import Site
from tests.e2e import tinyimage
from tests.e2e.node import Node
from tests.e2e.process import Process
from tests.e2e.waiting import until

NEVER = threading.Event()
ARCHIVE = "local:vztmpl/winux-desktop-debian12_1_amd64.tar.zst"


@functools.cache
def lacking() -> str:
    return "; ".join(requirements.missing(Path(__file__)))


class Ground:
    """A home of containers with an image, short enough for LXC and open enough for its guests."""

    def __init__(self, *, small: bool = False) -> None:
        """``small``: on a disk of its own, of 48 MB, that a test can fill."""
        self.place = Path(tempfile.mkdtemp(prefix="wx", dir="/var/tmp"))
        self.place.chmod(0o711)
        self.home = self.place / "h"
        self.image = tinyimage.build(self.place / "tiny.tar", self.place)
        self.nodes: list[Node] = []
        self.home.mkdir()
        self._small = small
        if small:
            disk = self.place / "disk"
            subprocess.run(["truncate", "--size=48M", disk], check=True)
            subprocess.run(["mkfs.ext4", "-q", disk], check=True)
            subprocess.run(["mount", "-o", "loop", disk, self.home], check=True)
        self.home.chmod(0o711)

    def node(self, name: str = "a", *, state: bool = False, more: tuple[str, ...] = ()) -> Node:
        options = self._options
        kept = ("--state", str(self.place / name)) if state else ("--directory", str(self.place / name))
        node = Node(self.place, profile="instant", more=(*options, *kept, *more), name=f"{name}{len(self.nodes)}")
        self.nodes.append(node)
        return node

    @property
    def _options(self) -> tuple[str, ...]:
        return "--engine", "lxc", "--image", str(self.image), "--home", str(self.home)

    def together(self, *names: str) -> list[Node]:
        """Nodes that start at the same time."""
        with ThreadPoolExecutor(len(names)) as threads:
            return [*threads.map(self.node, names)]

    def kill_while(self, condition: Callable[[], object], *, name: str) -> None:
        """Start a node, and kill it as soon as the condition holds."""
        command = [sys.executable, "-m", "controller.node", "--listen", "127.0.0.1:0", *self._options]
        process = Process([*command, "--directory", str(self.place / name)], name=name, directory=self.place)
        try:
            until(condition, what="the moment comes", every=0.001, show=process.tail)
        finally:
            process.kill()

    def site(self, name: str = "a", *, state: bool = False) -> Site:
        directory = self.place / name
        return Site(home=self.home, node=directory, state=directory if state else None, archives={})

    def network(self, name: str = "a") -> Network:
        return Network(self.site(name).directory, internet=False)

    def subnet(self, name: str = "a") -> str:
        """The first three numbers of the bridge's addresses."""
        said = _said("ip", "-o", "-4", "address", "show", "dev", self.network(name).bridge)
        return said[0].split()[3].rpartition(".")[0]

    def container(self, vmid: int, name: str = "a") -> Path:
        return self.site(name).directory / "c" / str(vmid)

    def inside(self, vmid: int, *command: str, name: str = "a") -> subprocess.CompletedProcess[str]:
        """What a command says that is run in a container."""
        where = ("-P", str(self.container(vmid, name).parent), "-n", str(vmid), "--clear-env")
        return subprocess.run(
            ["lxc-attach", *where, "--", *command], capture_output=True, text=True, check=False, timeout=60
        )

    def limit(self, vmid: int, key: str, name: str = "a") -> str:
        where = ("-P", str(self.container(vmid, name).parent), "-n", str(vmid))
        return subprocess.run(["lxc-cgroup", *where, key], capture_output=True, text=True, check=True).stdout.strip()

    def init(self, vmid: int, name: str = "a") -> int | None:
        where = ("-P", str(self.container(vmid, name).parent), "-n", str(vmid))
        said = subprocess.run(["lxc-info", *where, "-pH"], capture_output=True, text=True, check=False).stdout.strip()
        return int(said) if said.isdecimal() else None

    def monitor(self, vmid: int, name: str = "a") -> int:
        """The pid of LXC's own process for a container: the parent of its init."""
        init = self.init(vmid, name)
        return int(Path(f"/proc/{init}/stat").read_text().rpartition(")")[2].split()[1])

    def traces(self, *names: str) -> dict[str, list[str]]:
        """What of these nodes there is: kind → what."""
        tags = [self.network(name).tag for name in names or ("a",)]
        mine = [os.fspath(self.home), *tags]
        groups = [place for place, _, _ in os.walk("/sys/fs/cgroup") if any(tag in place for tag in tags)]
        found = {
            "mounts": [line for line in _lines(Path("/proc/self/mountinfo").read_text()) if f"{mine[0]}/" in line],
            "loops": [line for line in _said("losetup", "-a") if mine[0] in line],
            "links": [name for name in _links() if any(tag in name for tag in tags)],
            "tables": [line for line in _said("nft", "list", "tables") if any(tag in line for tag in tags)],
            "groups": groups,
            "processes": [*_processes(mine[0])],
            "slots": [path.name for path in (self.home / "slots").glob("*")],
            "engines": [path.name for path in (self.home / "n").glob("*")],
            "unpacking": [path.name for path in self.home.glob("layers/.arriving-*")],
            "probes": [path.name for path in self.home.glob(".probe-*")],
        }
        return {kind: what for kind, what in found.items() if what}

    def is_left_by(self, *names: str) -> None:
        """Nothing of these nodes is there; the kernel may take a moment for what nobody holds any more."""
        until(lambda: self.traces(*names) == {}, what="nothing is left", show=lambda: self.traces(*names))

    def end(self) -> None:
        """All goes, whatever a test left."""
        for node in self.nodes:
            node.end()
        try:
            for name in {node.process.name.rstrip("0123456789") for node in self.nodes}:
                shutil.rmtree(self.place / name, ignore_errors=True)  # no state is kept: an engine sweeps it
            sweeper = self.node("sweeper")
            sweeper.process.signal(signal.SIGTERM)
            sweeper.process.wait()
        finally:
            if self._small:
                until(lambda: not subprocess.run(["umount", self.home], check=False).returncode, what="it is unmounted")
            shutil.rmtree(self.place, ignore_errors=True)


def create(node: Node, vmid: int, *, start: bool = True, **options: str | int) -> None:
    """A container from the archive; waits for its tasks."""
    wanted = {
        "ostemplate": ARCHIVE,
        "rootfs": "local:1",
        "hostname": f"ct{vmid}",
        "net0": "name=eth0,bridge=vmbr0,ip=dhcp",
        "unprivileged": 1,
        "memory": 128,
        **options,
    }
    run(node, "POST", "/lxc", vmid=vmid, **wanted)
    if start:
        run(node, "POST", f"/lxc/{vmid}/status/start")


def run(node: Node, method: str, path: str, *, well: bool = True, **parameters: str | int) -> str:
    """Call, and wait for the task; returns its exit status."""
    upid = begin(node, method, path, **parameters)
    status = wait(node, upid)
    assert status == "OK" or not well, f"{method} {path}: {status}; {log(node, upid)}; {node.process.tail()}"
    return status


def begin(node: Node, method: str, path: str, **parameters: str | int) -> str:
    return str(node.admin.call(method, f"/nodes/{node.admin.node}{path}", **parameters))


def wait(node: Node, upid: str) -> str:
    def status() -> str | None:
        row = node.admin.call("GET", f"/nodes/{node.admin.node}/tasks/{upid}/status")
        return cast("str | None", cast("dict[str, object]", row).get("exitstatus"))

    return cast(str, until(status, what=f"task {upid} ends", show=node.process.tail))


def log(node: Node, upid: str) -> list[str]:
    rows = node.admin.call("GET", f"/nodes/{node.admin.node}/tasks/{upid}/log")
    return [str(row["t"]) for row in cast("list[dict[str, object]]", rows)]


def address(node: Node, vmid: int, interface: str = "eth0") -> str:
    rows = node.admin.call("GET", f"/nodes/{node.admin.node}/lxc/{vmid}/interfaces")
    (row,) = [one for one in cast("list[dict[str, str]]", rows) if one["name"] == interface]
    return row["inet"].partition("/")[0]


def is_running(node: Node, vmid: int) -> bool:
    row = node.admin.call("GET", f"/nodes/{node.admin.node}/lxc/{vmid}/status/current")
    return cast("dict[str, object]", row)["status"] == "running"


@contextmanager
def ground(*, small: bool = False) -> Iterator[Ground]:
    """Skips the test where there can be no real containers."""
    if lacking():
        pytest.skip(f"no real containers here: {lacking()}")
    found = Ground(small=small)
    try:
        yield found
    finally:
        found.end()


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def _said(*command: str) -> list[str]:
    return _lines(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def _links() -> list[str]:
    """Names alone: their state follows a moment later."""
    return [line.split()[1] for line in _said("ip", "-o", "link")]


def _processes(home: str) -> Iterator[str]:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{home}/n/" in command:
            yield command
