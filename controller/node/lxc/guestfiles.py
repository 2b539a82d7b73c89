"""Files inside a container's root, written from outside as Proxmox does: passwords, keys, names, the network.

A guest may have put symbolic links where these files belong, and the writer is root: so every directory on the way is
opened by itself and a link is refused, and a file is replaced, never written through.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from controller.node.lxc import host

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without waiting, for a guest may have put a pipe there."""
_LONGEST = 1 << 20
SHADOW_GID = 42


class GuestFiles:
    """The files below ``root``, a mounted root file system whose ids begin at ``first``."""

    def __init__(self, root: Path, *, first: int) -> None:
        self._root = root
        self._first = first

    def write(self, path: str, text: str, *, mode: int = 0o644, gid: int = 0) -> None:
        """Replace a file of the guest's root; its directory is made when it is not there.

        Raises:
            HostError: a part of the path is a symbolic link or no directory.
        """
        name = PurePosixPath(path).name
        with self._directory(PurePosixPath(path).parent, make=True) as directory:
            passing = f".{name}.{secrets.token_hex(4)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(passing, flags, mode, dir_fd=directory)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    os.fchown(descriptor, self._first, self._first + gid)
                    os.fchmod(descriptor, mode)
                    file.write(text)
                os.rename(passing, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                os.unlink(passing, dir_fd=directory)
                raise

    def keep(self, path: str, text: str) -> None:
        """Write a file only if it says something else: a guest whose disk is full still starts."""
        try:
            same = self.read(path) == text
        except host.HostError:
            same = False
        if not same:
            self.write(path, text)

    def read(self, path: str) -> str:
        """The text of a file, at most a megabyte of it.

        Raises:
            HostError: it is not there, or no regular file, or a part of its path is a symbolic link.
        """
        with self._directory(PurePosixPath(path).parent) as directory:
            try:
                descriptor = os.open(PurePosixPath(path).name, _OPEN_FILE, dir_fd=directory)
            except OSError as error:
                raise host.HostError(f"/{path} of the container cannot be read: {error.strerror}") from error
            with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise host.HostError(f"/{path} of the container is no file")
                return file.read(_LONGEST)

    def remove(self, directory: str, *, prefix: str) -> None:
        """The files of one directory whose names begin so; a directory that is not there has none."""
        try:
            with self._directory(PurePosixPath(directory)) as place:
                for name in os.listdir(place):  # noqa: PTH208  # of a descriptor
                    if name.startswith(prefix):
                        os.unlink(name, dir_fd=place)
        except host.HostError:
            return

    @contextmanager
    def _directory(self, path: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        descriptor = os.open(self._root, _OPEN_DIRECTORY)
        try:
            for part in path.parts:
                if part in {"/", ".."}:
                    raise host.HostError(f"{path} leads out of the container")
                if make:
                    self._make(part, descriptor)
                try:
                    following = os.open(part, _OPEN_DIRECTORY, dir_fd=descriptor)
                except OSError as error:
                    raise host.HostError(f"/{path} of the container is no directory: {error.strerror}") from error
                os.close(descriptor)
                descriptor = following
            yield descriptor
        finally:
            os.close(descriptor)

    def _make(self, name: str, parent: int) -> None:
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            return
        os.chown(name, self._first, self._first, dir_fd=parent, follow_symlinks=False)


def set_root_password(files: GuestFiles, password: str) -> None:
    """Plain, or a ``$6$…`` that is stored as it is (PVE::LXC::Setup::Base)."""
    hashed = password if password.startswith("$") else _hash(password)
    _change_root(files, hashed)


def lock_root(files: GuestFiles) -> None:
    """No password opens it."""
    _change_root(files, "*")


def _change_root(files: GuestFiles, field: str) -> None:
    lines = files.read("etc/shadow").splitlines()
    changed = [f"root:{field}:{line.split(':', 2)[2]}" if line.startswith("root:") else line for line in lines]
    files.write("etc/shadow", "\n".join(changed) + "\n", mode=0o640, gid=SHADOW_GID)


def _hash(password: str) -> str:
    """SHA-512 crypt; the password goes through standard input."""
    return host.run("openssl", "passwd", "-6", "-stdin", text=password + "\n").strip()


def set_authorized_keys(files: GuestFiles, keys: str) -> None:
    files.write("root/.ssh/authorized_keys", keys.rstrip("\n") + "\n", mode=0o600)


def renew_host_keys(files: GuestFiles, scratch: Path) -> None:
    """SSH host keys of its own; ``scratch`` is a private directory outside the guest."""
    files.remove("etc/ssh", prefix="ssh_host_")
    key = scratch / "ssh_host_ed25519_key"
    for old in (key, key.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "root@winux", "-f", os.fspath(key))
    files.write(f"etc/ssh/{key.name}", key.read_text(encoding="ascii"), mode=0o600)
    files.write(f"etc/ssh/{key.name}.pub", key.with_suffix(".pub").read_text(encoding="ascii"))
    key.unlink()
    key.with_suffix(".pub").unlink()


def set_names(files: GuestFiles, hostname: str, *, nameserver: str | None, interfaces: list[str]) -> None:
    """What Proxmox writes before each start. The addresses themselves are set from outside."""
    files.keep("etc/hostname", hostname + "\n")
    files.keep("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost ip6-localhost ip6-loopback\n")
    files.keep("etc/resolv.conf", "".join(f"nameserver {name}\n" for name in (nameserver or "").split()))
    stanzas = ["auto lo\niface lo inet loopback\n", *(f"iface {name} inet manual\n" for name in interfaces)]
    files.keep("etc/network/interfaces", "\n".join(stanzas))
