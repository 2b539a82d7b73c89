"""What the node's containers leave on the host, read from the kernel and its tools: nothing is asked of the node."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
Row = dict[str, object]


class Traces:
    """Of one node: ``directory`` is where its containers are, ``bridge`` the name with which all its names begin."""

    def __init__(self, directory: Path, bridge: str) -> None:
        self._directory = directory
        self._bridge = bridge

    def now(self) -> set[str]:
        """Everything of it, one line each."""
        return {
            line
            for found in (
                self._mounts(),
                self._disks(),
                self._links(),
                self._rules(),
                self._groups(),
                self._processes(),
                self._files(),
            )
            for line in found
        }

    def _mine(self, path: str) -> bool:
        return path == str(self._directory) or path.startswith(f"{self._directory}/")

    def _mounts(self) -> Iterator[str]:
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            place = line.split(" ")[4]
            if self._mine(place):
                yield f"mount {place}"

    def _disks(self) -> Iterator[str]:
        for file in Path("/sys/block").glob("loop*/loop/backing_file"):
            try:
                backing = file.read_text(encoding="utf-8").strip()
            except OSError:
                continue  # it was taken off between the listing and the look
            if self._mine(backing.removesuffix(" (deleted)")):
                yield f"loop device of {backing}"

    def _links(self) -> Iterator[str]:
        for row in _json("ip", "-json", "link", "show"):
            if str(row["ifname"]).startswith(self._bridge):
                yield f"link {row['ifname']}"

    def _rules(self) -> Iterator[str]:
        """Tables, and who is admitted in them."""
        answer = json.loads(_output("nft", "--json", "list", "ruleset"))
        for item in answer["nftables"]:
            for kind in ("table", "set", "element"):
                row = item.get(kind, {})
                if row.get("table", row.get("name")) != self._bridge:
                    continue
                yield f"nftables {kind} {row['family']} {row.get('name', '')}"
                for element in row.get("elem", []):
                    yield f"nftables {row['name']} has {json.dumps(element)}"

    def _groups(self) -> Iterator[str]:
        """The node's own and those of its containers; what systemd makes in a container is inside of those."""
        # Groups of others come and go meanwhile: os.walk goes on over them, rglob fails.
        for place, names, _ in os.walk(CGROUPS):
            if Path(place).name == self._bridge:
                yield f"cgroup {place}"
                yield from (f"cgroup {place}/{name}" for name in names)

    def _processes(self) -> Iterator[str]:
        """LXC's own, and all that is in a container's control groups."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                groups = (process / "cgroup").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # it ended meanwhile
            if f"/{self._bridge}/" in groups or (str(self._directory) in command and "lxc" in command):
                yield f"process {process.name} {command}"

    def _files(self) -> Iterator[str]:
        """Directories of containers, and the ranges of ids that they claim."""
        if self._directory.exists():
            yield f"directory {self._directory}"
        yield from (f"directory {place}" for place in self._directory.glob("c/*") if place.is_dir())
        for claim in (self._directory.parent.parent / "slots").glob("*"):
            if self._mine(owner := os.path.realpath(claim)):
                yield f"range of ids {claim.name} of {owner}"


def of_container(traces: set[str], vmid: int) -> list[str]:
    """Whose line names that container: its directory, its group and its interface all do."""
    return sorted(line for line in traces if str(vmid) in line)


def bridge_towards(address: str) -> str:
    """The interface through which the host reaches an address."""
    return str(_json("ip", "-json", "route", "get", address)[0]["dev"])


def init_of(place: Path, vmid: int) -> int:
    """The host's pid of a container's init, by LXC's own tool."""
    return int(_output("lxc-info", "-P", os.fspath(place), "-n", str(vmid), "-p", "-H"))


def _json(*command: str) -> list[Row]:
    rows: list[Row] = json.loads(_output(*command) or "[]")
    return rows


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
