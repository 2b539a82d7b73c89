"""Files written into a guest that means harm: nothing outside its root is ever touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.node.lxc import guestfiles
from controller.node.lxc.guestfiles import GuestFiles
from controller.node.lxc.host import HostError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files of other users are root's to make")
FIRST = 2_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "guest").mkdir()
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "hostname").write_text("the host's")
    return tmp_path / "guest"


def _untouched(root: Path) -> bool:
    (only,) = (root.parent / "host").iterdir()
    return only.read_text() == "the host's" and only.stat().st_uid == 0


def test_a_file_and_its_directories_belong_to_the_guest_s_root(root: Path) -> None:
    GuestFiles(root, first=FIRST).write("root/.ssh/authorized_keys", "key\n", mode=0o600)

    for path in ("root", "root/.ssh", "root/.ssh/authorized_keys"):
        assert (root / path).stat().st_uid == FIRST
    assert (root / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("link", ["absolute", "relative"])
@pytest.mark.parametrize("path", ["etc", "root/.ssh"])
def test_a_link_in_place_of_a_directory_is_refused(root: Path, link: str, path: str) -> None:
    (root / path).parent.mkdir(exist_ok=True)
    up = "../" * len(Path(path).parts)
    (root / path).symlink_to(root.parent / "host" if link == "absolute" else f"{up}host")

    with pytest.raises(HostError, match="is no directory"):
        GuestFiles(root, first=FIRST).write(f"{path}/hostname", "mine")
    with pytest.raises(HostError, match="is no directory"):
        GuestFiles(root, first=FIRST).read(f"{path}/hostname")
    GuestFiles(root, first=FIRST).remove(path, prefix="host")

    assert _untouched(root)


@pytest.mark.parametrize("link", ["absolute", "relative"])
def test_a_link_in_place_of_a_file_is_replaced(root: Path, link: str) -> None:
    (root / "etc").mkdir()
    target = root.parent / "host" / "hostname" if link == "absolute" else "../../host/hostname"
    (root / "etc" / "hostname").symlink_to(target)
    files = GuestFiles(root, first=FIRST)

    with pytest.raises(HostError, match="cannot be read"):
        files.read("etc/hostname")
    guestfiles.set_names(files, "mine", nameserver=None, interfaces=["eth0"])

    assert not (root / "etc/hostname").is_symlink()
    assert (root / "etc/hostname").read_text() == "mine\n"
    assert _untouched(root)


def test_a_path_leads_nowhere_else(root: Path) -> None:
    with pytest.raises(HostError, match="leads out of the container"):
        GuestFiles(root, first=FIRST).write("../host/hostname", "mine")
    assert _untouched(root)


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(root: Path) -> None:
    (root / "etc").mkdir()
    os.mkfifo(root / "etc" / "shadow")

    with pytest.raises(HostError, match="is no file"):
        GuestFiles(root, first=FIRST).read("etc/shadow")


def test_what_cannot_be_written_leaves_nothing_half_written(root: Path) -> None:
    (root / "etc" / "hostname" / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        GuestFiles(root, first=FIRST).write("etc/hostname", "mine")

    assert [path.name for path in (root / "etc").iterdir()] == ["hostname"]


def test_a_file_that_says_the_same_is_kept(root: Path) -> None:
    files = GuestFiles(root, first=FIRST)
    files.write("etc/hostname", "mine\n")
    before = (root / "etc/hostname").stat().st_ino

    files.keep("etc/hostname", "mine\n")
    assert (root / "etc/hostname").stat().st_ino == before
    files.keep("etc/hostname", "yours\n")
    assert (root / "etc/hostname").read_text() == "yours\n"


def test_only_root_s_password_changes(root: Path) -> None:
    files = GuestFiles(root, first=FIRST)
    files.write("etc/shadow", "root:!:19000:0:99999:7:::\nwinux:!:19000:0:99999:7:::\n")

    guestfiles.set_root_password(files, "$6$salt$hash")

    assert files.read("etc/shadow") == "root:$6$salt$hash:19000:0:99999:7:::\nwinux:!:19000:0:99999:7:::\n"
    assert (root / "etc/shadow").stat().st_mode & 0o777 == 0o640
    assert (root / "etc/shadow").stat().st_gid == FIRST + guestfiles.SHADOW_GID
