"""An HTTP server in a thread of its own, on a TCP port or a unix socket. What it serves is its caller's business."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.telemetry.listen import TcpAddress, UnixAddress, parse_listen

_BACKLOG = 128
_CREDENTIALS = struct.Struct("iII")
"""``struct ucred``: pid, uid, gid (socket(7))."""
_LONGEST_SOCKET_PATH = 107
"""Bytes of ``sun_path`` without its end (unix(7))."""


class CannotListen(Exception):
    """The server could not begin; ``str()`` is one sentence."""


class HttpServer:
    """Serves ``app`` between ``start`` and ``stop``.

    ``listen`` is as ``parse_listen`` reads it; ``mode`` are the permissions of a unix socket. A socket file that
    nobody listens on is what a killed process left behind: it is replaced. ``request.client`` is ``("uid", UID)``
    where somebody asks through a unix socket.
    """

    def __init__(self, app: FastAPI, *, name: str, listen: str, mode: int = 0o600) -> None:
        self._name = name
        self._address = parse_listen(listen)
        self._mode = mode
        self._config = uvicorn.Config(
            app,
            http=_Peered,
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._running: _Running | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of a unix socket; no other file has them as long as it listens."""

    @property
    def port(self) -> int:
        """The TCP port, chosen by the system where ``listen`` says 0. Only between ``start`` and ``stop``."""
        if self._running is None or isinstance(self._address, UnixAddress):
            raise ValueError(f"{self._name} does not listen on a TCP port")
        port: int = self._running.listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """``http://127.0.0.1:9464``, or ``unix:`` and the path."""
        if isinstance(self._address, UnixAddress):
            return f"unix:{self._address}"
        return f"http://{TcpAddress(self._address.host, self.port)}"

    def start(self) -> None:
        """Returns when requests are answered. Raises ``CannotListen``."""
        if self._running is not None:
            raise RuntimeError(f"{self._name} was started before")
        self._serve(self._bind())

    def restore(self) -> bool:
        """Listen anew where the file of the unix socket was removed or replaced; returns whether it was.

        Raises:
            CannotListen: it was, and something is in the way. Connections that there are go on.
        """
        before, address = self._running, self._address
        if before is None or not isinstance(address, UnixAddress) or self._is_in_place(address.path):
            return False
        listener = self._bind()
        before.end(timeout=5.0)
        self._serve(listener)
        return True

    def stop(self, timeout: float = 5.0) -> bool:
        """End; requests in progress get two seconds. Returns whether it ended in time."""
        if self._running is None:
            return True
        ended = self._running.end(timeout)
        # A successor may have put its own socket there.
        if isinstance(self._address, UnixAddress) and self._is_in_place(self._address.path):
            self._address.path.unlink(missing_ok=True)
        return ended

    def _serve(self, listener: socket.socket) -> None:
        served = threading.Event()
        server = _Server(self._config, served)

        def run() -> None:
            try:
                # uvicorn exits where the application fails to begin; that is reported below.
                with contextlib.suppress(SystemExit):
                    server.run(sockets=[listener])
            finally:
                served.set()

        thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._running = _Running(server, listener, thread)
        thread.start()
        served.wait()
        if not server.started:
            self.stop()
            raise CannotListen(f"{self._name} could not start on {self._address}: see the log for the reason")

    def _is_in_place(self, path: Path) -> bool:
        try:
            found = path.lstat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._file

    def _bind(self) -> socket.socket:
        if isinstance(self._address, UnixAddress):
            return self._bind_unix(self._address.path)
        return self._bind_tcp(self._address)

    def _bind_tcp(self, address: TcpAddress) -> socket.socket:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        # asyncio spares connections Nagle's delay, 40 ms for each answer, only where the protocol was named.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address.host, address.port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise CannotListen(f"{self._name} cannot listen on {address}: {_explain(error)}") from error
        return listener

    def _bind_unix(self, path: Path) -> socket.socket:
        if len(str(path).encode()) > _LONGEST_SOCKET_PATH:
            raise CannotListen(
                f"{self._name} cannot listen on {path}: a socket's path has at most {_LONGEST_SOCKET_PATH} bytes"
            )
        self._remove_stale(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
            # Nobody can connect before listen(), so there is no moment at which others could.
            path.chmod(self._mode)
            found = path.lstat()
            self._file = (found.st_dev, found.st_ino)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise CannotListen(f"{self._name} cannot listen on {path}: {_explain(error)}") from error
        return listener

    def _remove_stale(self, path: Path) -> None:
        try:
            kind = path.lstat().st_mode
        except OSError:
            return  # bind() will say what is wrong, if anything is
        if not stat.S_ISSOCK(kind):
            raise CannotListen(f"{self._name} cannot listen on {path}: there is a file that is no socket; remove it")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            answer = probe.connect_ex(str(path))
        if answer in (0, errno.EAGAIN):
            raise CannotListen(f"{self._name} cannot listen on {path}: another process does; is winux running already?")
        if answer != errno.ECONNREFUSED:
            raise CannotListen(
                f"{self._name} cannot listen on {path}: {_explain(OSError(answer, os.strerror(answer)))}"
            )
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Running:
    server: _Server
    listener: socket.socket
    thread: threading.Thread

    def end(self, timeout: float) -> bool:
        """Returns whether it ended in time."""
        self.server.should_exit = True
        self.thread.join(timeout)
        self.listener.close()
        return not self.thread.is_alive()


class _Peered(H11Protocol):
    """Knows who is at the other end of a unix socket: the kernel says so, as of the moment of connecting (unix(7))."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent's
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family == socket.AF_UNIX:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            _, uid, _ = _CREDENTIALS.unpack(credentials)
            self.client = ("uid", uid)


class _Server(uvicorn.Server):
    """Says when it has begun."""

    def __init__(self, config: uvicorn.Config, served: threading.Event) -> None:
        super().__init__(config)
        self._served = served

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._served.set()


def _explain(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "the address is in use; stop the process that has it or choose another address"
        case errno.EACCES | errno.EPERM:
            return "permission denied; run as a user who may, or choose another address"
        case errno.ENOENT:
            return "its directory does not exist; create it first"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address"
        case _:
            return (error.strerror or str(error)).lower()
