"""Idmapped bind mounts: files that belong to 0, 1, 2 … on the disk appear as those of a container's own range.

``mount(8)`` of Debian 12 has no option for it, so the system calls are made here: open_tree(2), mount_setattr(2) and
move_mount(2), which Linux has since 5.12. A user namespace says what is mapped to what; it needs a process only while
it is opened.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

UIDS = 65536
"""How many ids a container has."""

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_ATTR_RDONLY, _ATTR_IDMAP = 0x1, 0x100000

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    """struct mount_attr."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def mount_idmapped(source: Path, target: Path, first: int) -> None:
    """Bind ``source`` read-only on ``target``, its ids moved up by ``first``.

    Raises:
        OSError: the kernel or the file system of ``source`` cannot do it, or the caller is not root.
    """
    namespace = _user_namespace(first)
    try:
        tree = _check(
            _LIBC.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(source), _OPEN_TREE_CLONE | os.O_CLOEXEC),
            f"open_tree {source}",
        )
        try:
            wanted = _Attributes(_ATTR_IDMAP | _ATTR_RDONLY, 0, 0, namespace)
            size = ctypes.sizeof(wanted)
            done = _LIBC.syscall(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(wanted), size)
            _check(done, f"mount_setattr {source}")
            place = os.fsencode(target)
            _check(
                _LIBC.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, place, _MOVE_MOUNT_F_EMPTY_PATH),
                f"move_mount {target}",
            )
        finally:
            os.close(tree)
    finally:
        os.close(namespace)


def _user_namespace(first: int) -> int:
    """A file descriptor of a user namespace that maps 0 … UIDS-1 to ``first`` and on."""
    command = ("unshare", "--user", "sh", "-c", "echo in; read -r _")
    with subprocess.Popen(  # noqa: S603  # the constant above
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        if holder.stdout is None or holder.stdout.readline() != "in\n":
            raise OSError("this kernel does not let root make a user namespace")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text(f"0 {first} {UIDS}", encoding="ascii")
        namespace = os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        holder.communicate("\n")
    return namespace


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
