"""Runs a program that cannot hear how the machine's network changes: ``python deaf.py PROGRAM ARGUMENT…``

Chromium breaks off whatever it is loading when any interface of the machine comes or goes (ERR_NETWORK_CHANGED), and
tests of real containers make bridges all the time. It learns of them by a netlink socket, which it gets none of here:
then it takes the machine for online. What else it may do is as before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

_SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
"""The number of socket(2). On other machines the program runs as it is."""
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_CALL, _FAMILY = 0, 16
"""Where they stand in ``struct seccomp_data`` (seccomp(2))."""
_REFUSE, _ALLOW = 0x00050000 | errno.EAFNOSUPPORT, 0x7FFF0000


class _Programme(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def without_netlink() -> None:
    """For this process and all that come of it."""
    number = _SOCKET_CALL.get(platform.machine())
    if number is None:
        return
    steps = [
        (_LOAD, 0, 0, _CALL),
        (_EQUAL, 0, 3, number),
        (_LOAD, 0, 0, _FAMILY),
        (_EQUAL, 0, 1, socket.AF_NETLINK),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    written = b"".join(struct.pack("HBBI", *step) for step in steps)
    programme = _Programme(len(steps), written)
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp, by_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(seccomp, by_filter, ctypes.byref(programme), 0, 0):
        raise OSError(ctypes.get_errno(), "netlink sockets cannot be refused here")


if __name__ == "__main__":
    without_netlink()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - it becomes the program
