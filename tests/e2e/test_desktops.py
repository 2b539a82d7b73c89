"""Real desktops on this machine: people log in, are kept apart, and leave nothing behind.

What is claimed is looked at from outside: on the screen of an RDP client, on the host, and in the containers.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.admin.models import SessionView
from controller.node.lxc.requirements import unenforced
from tests.e2e import desktop
from tests.e2e.conftest import MakeDesktops
from tests.e2e.daemon import Daemon
from tests.e2e.desktop import RDP, READY, SSH, DesktopSite, answers, rdp_fingerprint, ssh_host_key
from tests.e2e.picture import Picture, panel_height, refused
from tests.e2e.traces import of_container
from tests.e2e.waiting import until

pytestmark = [pytest.mark.timeout(1200), pytest.mark.usefixtures("possible")]


def address_of(session: SessionView) -> str:
    assert session.address is not None
    return session.address


def vmid_of(session: SessionView) -> int:
    assert session.vmid is not None
    return session.vmid


# -- one desktop -----------------------------------------------------------------------------------------------


def test_a_person_logs_in_nobody_else_does_and_at_its_end_all_of_it_is_gone(desktops: MakeDesktops) -> None:
    site = desktops()
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    alice = daemon.wait_for("alice", "Ready", within=READY)
    address, vmid = address_of(alice), vmid_of(alice)
    traces = site.traces(address)
    assert of_container(traces.now(), vmid), "its traces are found while it is there"

    login = site.login(daemon, "alice")
    assert stat.S_IMODE(login.file.stat().st_mode) == 0o600
    assert login.password not in login.file.read_text(encoding="utf-8")
    assert login.fingerprint == rdp_fingerprint(address)

    screen = site.screen("alice")
    screen.connect(login.file, login.password[:-1], fingerprint=login.fingerprint)
    screen.see(refused, what="xrdp says that the login failed")
    site.keep_picture("alice", of="refused")
    assert site.processes_of_the_user(vmid) == [], "nothing of the desktop user runs"

    screen.connect(login.file, login.password, fingerprint=login.fingerprint)
    screen.see_desktop()
    site.keep_picture("alice", of="desktop")
    assert "xfce4-panel" in site.processes_of_the_user(vmid)
    open_windows(site, vmid)
    screen.see(shows_a_terminal, what="a terminal with its text is on the screen")
    site.keep_picture("alice", of="windows")

    site.manifests.session("alice", ttl="1s")
    daemon.wait_for("alice", "Expired", within=READY)
    assert not answers(address, RDP)
    until(lambda: not of_container(traces.now(), vmid), what="nothing of it is left", show=traces.now)
    until(lambda: not screen.connected, what="the client was hung up on")
    site.stop_node()
    until(lambda: traces.now() == set(), what="the node left nothing either", show=traces.now)


def open_windows(site: DesktopSite, vmid: int) -> None:
    """A terminal with something in it, as somebody opens who has just come."""
    show = "grep PRETTY /etc/os-release; uname --nodename; nproc; git --version; df --human-readable /"
    terminal = "xfce4-terminal --geometry=86x18+330+190 --title=Terminal --hold"
    command = f"{terminal} --command 'bash -c \"{show}; exec bash\"'"
    script = (
        "cd /home/winux; DISPLAY=$(ls /tmp/.X11-unix | sed s/X/:/ | head -1);"
        f"exec setsid runuser -u winux -- env DISPLAY=$DISPLAY HOME=/home/winux {command} >/dev/null 2>&1 &"
    )
    done = site.inside(vmid, script)
    assert done.returncode == 0, done.stderr


def shows_a_terminal(seen: Picture) -> bool:
    """On a desktop: black for the most part where it is to be, with some lines of light text on it."""
    rows = [seen.row(y, start=0.3, end=0.9) for y in range(int(0.33 * seen.height), int(0.7 * seen.height), 5)]
    black = [sum(sum(pixel) < 60 for pixel in row) / len(row) for row in rows]
    light = sum(sum(pixel) > 450 for row in rows for pixel in row)
    terminal = sum(share > 0.6 for share in black) / len(rows) > 0.9 and light > 300
    return terminal and panel_height(seen) is not None


# -- five desktops ---------------------------------------------------------------------------------------------

REACH = """
reach() {{ timeout $3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null && echo "$1 $2"; }}
for address in {addresses}; do
    patience=3
    [ $address = {own} ] && patience=60  # it answers, however busy the machine is
    reach $address 3389 $patience &
    reach $address 22 $patience &
    ping -q -c 1 -W $patience $address >/dev/null 2>&1 && echo "$address ping" &
done
wait
"""


def test_five_people_at_once_each_with_keys_of_their_own_and_no_way_to_another(desktops: MakeDesktops) -> None:
    site = desktops()
    daemon = site.daemon().in_sync()
    names = ["ann", "ben", "cleo", "dan", "eve"]
    for name in names:
        site.manifests.session(name, ttl="1h")
    ready = daemon.wait_ready(*names, within=2 * READY)
    addresses = {name: address_of(session) for name, session in ready.items()}
    logins = {name: site.login(daemon, name) for name in names}
    fingerprints = {name: rdp_fingerprint(address) for name, address in addresses.items()}
    assert fingerprints == {name: login.fingerprint for name, login in logins.items()}
    for what, own in {
        "address": addresses,
        "password": {name: login.password for name, login in logins.items()},
        "fingerprint": fingerprints,
        "SSH host key": {name: ssh_host_key(address) for name, address in addresses.items()},
        "machine id": {name: site.inside(vmid_of(ready[name]), "cat /etc/machine-id").stdout for name in names},
    }.items():
        assert len(set(own.values())) == len(names), f"each has a {what} of its own"

    screens = {name: site.screen(name) for name in names}
    for name, screen in screens.items():
        login = logins[name]
        screen.connect(login.file, login.password, fingerprint=login.fingerprint)
    for screen in screens.values():
        screen.see_desktop()
    assert all(screen.connected for screen in screens.values()), "all five at once"

    def reached_from(name: str) -> set[str]:
        script = REACH.format(addresses=" ".join(addresses.values()), own=addresses[name])
        return {*site.inside(vmid_of(ready[name]), script).stdout.splitlines()}

    with ThreadPoolExecutor(len(names)) as at_once:
        reached = dict(zip(names, at_once.map(reached_from, names), strict=True))
    for name in names:
        itself = {f"{addresses[name]} {port}" for port in (RDP, SSH, "ping")}
        assert reached[name] == itself, f"{name} reaches itself, which shows that the means are right, and nobody else"
    assert all(answers(address, RDP) for address in addresses.values()), "they could have been reached"


# -- limits ----------------------------------------------------------------------------------------------------

MIB, GIB = 1 << 20, 1 << 30


def test_memory_cores_and_disk_of_the_manifest_are_what_the_guest_gets(desktops: MakeDesktops) -> None:
    site = desktops()
    daemon = site.daemon().in_sync()
    site.manifests.session("small", ttl="1h", resources={"cores": 1, "memory": "512Mi", "disk": "2Gi"})
    vmid = vmid_of(daemon.wait_for("small", "Ready", within=READY))
    told = site.node.process.output()

    checks: Mapping[str, Callable[[], None]] = {
        "memory": lambda: check_memory(site, vmid),
        "cpuset": lambda: check_cores(site, vmid),
    }
    for controller, check in checks.items():
        said = [clause for clause in unenforced() if f"'{controller}'" in clause]
        if said:
            assert said[0] in told, "the node says what this host cannot enforce"
        else:
            check()
    size = int(site.inside(vmid, "df --block-size=1 --output=size / | tail -1").stdout)
    assert 0.93 * 2 * GIB < size <= 2 * GIB
    full = site.inside(vmid, "fallocate --length 3G /var/tmp/much; rm -f /var/tmp/much")
    assert "No space left on device" in full.stderr


def check_memory(site: DesktopSite, vmid: int) -> None:
    """``tail`` keeps all that it is given."""
    take = "head -c {size}M /dev/zero | tail -c {size}M | wc -c"
    assert site.inside(vmid, take.format(size=100)).stdout.strip() == str(100 * MIB)
    assert site.inside(vmid, take.format(size=800)).stdout.strip() != str(800 * MIB), "more than its memory"


def check_cores(site: DesktopSite, vmid: int) -> None:
    assert site.inside(vmid, "nproc").stdout.strip() == "1"
    status = Path(f"/proc/{site.init(vmid)}/status").read_text(encoding="ascii")
    allowed = next(line for line in status.splitlines() if line.startswith("Cpus_allowed_list"))
    assert allowed.split(":")[1].strip().isdecimal(), allowed


# -- killed ----------------------------------------------------------------------------------------------------


def test_killed_in_the_middle_of_a_session_it_is_there_once_and_nothing_leaks(desktops: MakeDesktops) -> None:
    """SIGKILL to the node, to the daemon, to both while a container is made, and to a container's init."""
    site = desktops(kept=True)
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    alice = daemon.wait_for("alice", "Ready", within=READY)
    address, vmid, init = address_of(alice), vmid_of(alice), site.init(vmid_of(alice))
    login, screen = site.login(daemon, "alice"), site.screen("alice")
    screen.connect(login.file, login.password, fingerprint=login.fingerprint)
    screen.see_desktop()
    traces = site.traces(address)
    before = lasting(traces.now())

    site.node.process.kill()
    site.restart_node()
    daemon.wait_ticks(3)
    assert daemon.wait_for("alice", "Ready").uid == alice.uid
    assert site.admin.of() == {"alice": [vmid]}
    assert site.init(vmid) == init, "it was not even restarted"
    assert screen.connected, "and its user noticed nothing"
    assert lasting(traces.now()) == before

    daemon.kill()
    daemon = site.daemon().in_sync()
    assert daemon.wait_for("alice", "Ready").uid == alice.uid
    assert screen.connected
    assert lasting(traces.now()) == before

    site.manifests.session("bob", ttl="1h")
    until(lambda: containers(site) - {9000, vmid}, what="bob's container is being made", every=0.001)
    site.node.process.kill()
    daemon.kill()
    site.restart_node()
    daemon = site.daemon().in_sync()
    met = until(lambda: settled(daemon, "bob"), what="bob's create is whole or known to be cut off", within=READY)
    assert met is not None
    if met.reason == "CreateUnclear":
        # as on Proxmox: `pct unlock` and `pct destroy` by an administrator
        site.admin.act(vmid_of(met), "unlock")
        site.admin.act(vmid_of(met), "destroy")
    bob = daemon.wait_for("bob", "Ready", within=2 * READY)
    until(lambda: site.admin.of() == {"alice": [vmid], "bob": [bob.vmid]}, what="each has one", show=site.admin.of)
    until(
        lambda: containers(site) == {9000, vmid, vmid_of(bob)},
        what="of a container that was cut off no directory is left",
        show=lambda: containers(site),
    )

    os.kill(site.init(vmid), signal.SIGKILL)
    until(lambda: not screen.connected, what="alice's desktop went down")
    until(
        lambda: again(site, daemon, vmid, init),
        what="it is up again",
        within=READY,
        show=lambda: (daemon.session("alice"), site.admin.containers().get(vmid), traces.now()),
    )
    screen.connect(login.file, login.password, fingerprint=login.fingerprint)
    screen.see_desktop()
    assert site.admin.of() == {"alice": [vmid], "bob": [bob.vmid]}

    site.manifests.remove("alice", "bob")
    daemon.wait_gone("alice", within=READY)
    daemon.wait_gone("bob", within=READY)
    gone = (vmid, vmid_of(bob))
    until(
        lambda: not [line for one in gone for line in of_container(traces.now(), one)],
        what="nothing of them is left",
        show=traces.now,
    )
    site.end()
    until(lambda: traces.now() == set(), what="with its state gone, the next node swept the rest", show=traces.now)


def test_what_a_killed_node_without_a_state_left_is_swept_by_the_next(desktops: MakeDesktops) -> None:
    site = desktops()
    daemon = site.daemon().in_sync()
    site.manifests.session("alice", ttl="1h")
    alice = daemon.wait_for("alice", "Ready", within=READY)
    traces = site.traces(address_of(alice))
    site.node.process.kill()
    assert answers(address_of(alice), RDP), "its container goes on for the moment"
    desktop.sweep()
    until(lambda: traces.now() == set(), what="nothing is left", show=traces.now)


def lasting(traces: set[str]) -> set[str]:
    """Without processes, which come and go in a desktop."""
    return {line for line in traces if not line.startswith("process ")}


def containers(site: DesktopSite) -> set[int]:
    return {int(place.name) for place in site.place.iterdir() if place.name.isdecimal()}


def settled(daemon: Daemon, name: str) -> SessionView | None:
    """The session when it is Ready, or waits for an administrator; None while it is neither."""
    session = daemon.session(name)
    return session if session is not None and session.reason in {"Ready", "CreateUnclear"} else None


def again(site: DesktopSite, daemon: Daemon, vmid: int, init: int) -> bool:
    """Whether the same container runs with another init, and its session is Ready."""
    session = daemon.session("alice")
    if session is None or session.phase != "Ready" or session.vmid != vmid or not answers(address_of(session), RDP):
        return False
    try:
        return site.init(vmid) != init
    except (subprocess.CalledProcessError, ValueError):
        return False  # it went down between the looks
