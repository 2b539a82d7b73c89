"""The controller's way into real guests: by SSH with a key, with host keys that are kept, and what is done there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from controller.guest.key import load_key
from controller.guest.ssh import Call, Failed, SshRunner
from tests.e2e import desktop
from tests.e2e.conftest import SITES
from tests.e2e.daemon import Daemon
from tests.e2e.desktop import READY, SSH, DesktopSite, answers, ssh_host_key
from tests.e2e.waiting import until

pytestmark = [pytest.mark.timeout(1200), pytest.mark.usefixtures("possible")]
GOLDEN = 9500
"""The container that is made from the archive with the controller's key, and then a container template."""


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[DesktopSite]:
    sites: list[DesktopSite] = []
    request.node.stash[SITES] = sites
    with desktop.alone():
        sites.append(DesktopSite())
        try:
            yield sites[0]
        finally:
            sites[0].end()


def test_a_guest_is_known_by_its_host_key_and_gets_its_password_sudo_and_notices_over_ssh(site: DesktopSite) -> None:
    key = make_key(site.directory / "guest-key")
    daemon = site.daemon(settings={"guest": {"sshKeyFile": str(key)}}).in_sync()

    site.manifests.session("alice", ttl="1h")
    address = str(daemon.wait_for("alice", "Ready", within=READY).address)
    kept = host_key_of(daemon, "alice")
    assert kept == shown_key(address)
    assert ssh(key, address, kept, "id -un").stdout.split() == ["root"]
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in ssh(key, address, other_key(site.directory), "true").stderr

    strange = SshRunner(load_key(key))(
        Call(name="x", address=address, command="true", host_keys=(other_key(site.directory),))
    )
    assert isinstance(strange, Failed)
    assert strange.reason == "HostKeyChanged"
    slow = SshRunner(load_key(key))(Call(name="x", address=address, command="sleep 60", host_keys=(kept,), timeout=2.0))
    assert isinstance(slow, Failed)
    assert slow.reason == "Unreachable"
    site.manifests.remove("alice")
    daemon.wait_gone("alice", within=READY)

    golden = make_template(site, load_key(key).public)
    template(site, "carols", host_key=golden, sudo=True)
    site.manifests.session("carol", template="carols", ttl="1h")
    carol = daemon.wait_for("carol", "Ready", within=READY)
    first = site.login(daemon, "carol").password
    renewed = until(
        lambda: (shown := daemon.session("carol")) and shown.ssh_host_key != golden and shown.ssh_host_key,
        what="carol's own host key was seen",
        within=READY,
    )
    assert renewed == shown_key(str(carol.address))
    vmid = int(carol.vmid or 0)
    assert logs_in(site, vmid, first)
    assert not logs_in(site, vmid, f"{first}x")
    assert "sudo" in site.inside(vmid, "id -nG winux").stdout.split()
    assert site.inside(vmid, "ls /etc/ssh/ssh_host_*_key").stdout.split() == ["/etc/ssh/ssh_host_ed25519_key"]
    secrets = site.inside(vmid, "ps -eo args; journalctl --no-pager").stdout
    assert first not in secrets

    rotated = daemon.cli("rotate", "carol")
    assert rotated.returncode == 0, rotated.stderr
    until(
        lambda: "Rotated" in reasons(daemon, "carol"),
        what="the password is set",
        within=READY,
        show=lambda: told(daemon, "carol"),
    )
    second = site.login(daemon, "carol").password
    assert second != first
    assert logs_in(site, vmid, second)
    assert not logs_in(site, vmid, first)
    assert any("uid 0" in one for one in told(daemon, "carol") if "ordered" in one)

    site.manifests.session("carol", template="carols", ttl="4m")
    # What is left is less than the time of the first notice, and the life is longer than that of the second.
    site.manifests.session("carol", template="carols", ttl="6m")
    until(lambda: "Notified" in reasons(daemon, "carol"), what="the desktop is told", within=120)

    # Somebody else answers there now, or it is what somebody made of it: nothing is sent to it any more.
    changed = "rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
    site.inside(vmid, f"{changed}; systemctl restart ssh")
    assert daemon.cli("rotate", "carol").returncode == 0
    until(lambda: "HostKeyChanged" in reasons(daemon, "carol"), what="another host key is refused", within=READY)
    assert site.login(daemon, "carol").password == second
    assert logs_in(site, vmid, second)


# -- making --------------------------------------------------------------------------------------------------------


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, timeout=60)
    return path


def other_key(directory: Path) -> str:
    path = directory / "other-key"
    if not path.exists():
        make_key(path)
    return " ".join(path.with_suffix(".pub").read_text(encoding="ascii").split()[:2])


def make_template(site: DesktopSite, public_key: str) -> str:
    """As an administrator does by hand; returns the host key that all its clones show at first."""
    place, archive = f"/nodes/{site.admin.node}/lxc", "local:vztmpl/winux-desktop-debian12_1_amd64.tar.zst"
    given = {"hostname": "golden", "net0": "name=eth0,bridge=vmbr0,ip=dhcp", "unprivileged": 1, "start": 1}
    site.admin.call(
        "POST",
        place,
        vmid=GOLDEN,
        ostemplate=archive,
        rootfs="local-zfs:10",
        **{"ssh-public-keys": public_key},
        **given,
    )
    address = until(lambda: address_at(site, GOLDEN), what="the golden container has an address", within=READY)
    until(lambda: answers(address, SSH), what="its SSH server answers", within=READY)
    shown = shown_key(address)
    upid = site.admin.call("POST", f"{place}/{GOLDEN}/status/shutdown", timeout=30, forceStop=1)
    until(
        lambda: site.admin.call("GET", f"/nodes/{site.admin.node}/tasks/{upid}/status").get("exitstatus"),  # type: ignore[attr-defined]
        what="it is stopped",
        within=READY,
    )
    site.admin.call("POST", f"{place}/{GOLDEN}/template")
    site.admin.call("PUT", "/access/acl", path=f"/vms/{GOLDEN}", users="winux@pve", roles="PVETemplateUser")
    return shown


def address_at(site: DesktopSite, vmid: int) -> str | None:
    try:
        rows = site.admin.call("GET", f"/nodes/{site.admin.node}/lxc/{vmid}/interfaces")
    except AssertionError:
        return None  # it is being made
    if not isinstance(rows, list):
        return None  # it does not run yet
    found = [str(row["inet"]).partition("/")[0] for row in rows if row["name"] == "eth0" and row.get("inet")]
    return found[0] if found else None


def template(site: DesktopSite, name: str, *, host_key: str, **spec: object) -> None:
    clone = {"templates": [{"vmid": GOLDEN, "hostKey": host_key}]}
    document = {
        "apiVersion": "winux.dev/v1",
        "kind": "SessionTemplate",
        "metadata": {"name": name},
        "spec": {"source": {"clone": clone}, **spec},
    }
    site.manifests.text(f"template-{name}.yaml", yaml.safe_dump(document))


# -- looking -------------------------------------------------------------------------------------------------------


def shown_key(address: str) -> str:
    """As ``ssh-keyscan`` sees it."""
    return f"ssh-ed25519 {ssh_host_key(address)}"


def host_key_of(daemon: Daemon, session: str) -> str:
    """As the controller keeps it, as soon as it was in contact."""
    return until(
        lambda: ((shown := daemon.session(session)) and shown.ssh_host_key) or "",
        what=f"{session}'s host key is kept",
        show=lambda: told(daemon, session),
    )


def told(daemon: Daemon, session: str) -> list[str]:
    return [f"{event.reason}: {event.message}" for event in daemon.admin.events(session=session)]


def reasons(daemon: Daemon, session: str) -> set[str]:
    return {event.reason for event in daemon.admin.events(session=session)}


def ssh(key: Path, address: str, host_key: str, command: str) -> subprocess.CompletedProcess[str]:
    """OpenSSH's own client, which trusts this host key alone."""
    known = key.parent / "known_hosts"
    known.write_text(f"{address} {host_key}\n", encoding="ascii")
    options = [f"-oUserKnownHostsFile={known}", "-oGlobalKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=yes"]
    line = ["ssh", "-F", "none", "-i", str(key), "-oIdentitiesOnly=yes", "-oBatchMode=yes", *options]
    return subprocess.run([*line, f"root@{address}", command], capture_output=True, text=True, check=False, timeout=60)


def logs_in(site: DesktopSite, vmid: int, password: str) -> bool:
    """Whether PAM takes the password for the desktop user, as it does for xrdp; asked by somebody who is not root."""
    command = ["lxc-attach", "-P", str(site.place), "-n", str(vmid), "--clear-env", "--"]
    command += ["/usr/bin/setpriv", "--reuid=nobody", "--clear-groups", "/usr/bin/su", "winux", "-c", "echo inside"]
    asked = subprocess.run(
        command, input=f"{password}\n", capture_output=True, text=True, check=False, timeout=60, start_new_session=True
    )
    return asked.returncode == 0 and asked.stdout.split() == ["inside"]
