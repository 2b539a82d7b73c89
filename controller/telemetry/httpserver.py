"""An HTTP server in a thread of its own, on a TCP port or a unix socket. What it serves is its caller's business."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from controller.telemetry.listen import TcpAddress, UnixAddress, parse_listen

_BACKLOG = 128
_LONGEST_SOCKET_PATH = 107
"""Bytes of ``sun_path`` without its end (unix(7))."""


class CannotListen(Exception):
    """The server could not begin; ``str()`` is one sentence."""


class HttpServer:
    """Serves ``app`` between ``start`` and ``stop``.

    ``listen`` is as ``parse_listen`` reads it; ``mode`` are the permissions of a unix socket. A socket file that
    nobody listens on is what a killed process left behind: it is replaced.
    """

    def __init__(self, app: FastAPI, *, name: str, listen: str, mode: int = 0o600) -> None:
        self._name = name
        self._address = parse_listen(listen)
        self._mode = mode
        config = uvicorn.Config(
            app, log_config=None, access_log=False, ws="none", server_header=False, timeout_graceful_shutdown=2
        )
        self._served = threading.Event()
        self._server = _Server(config, self._served)
        self._socket: socket.socket | None = None
        self._inode: int | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The TCP port, chosen by the system where ``listen`` says 0. Only between ``start`` and ``stop``."""
        if self._socket is None or isinstance(self._address, UnixAddress):
            raise ValueError(f"{self._name} does not listen on a TCP port")
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """``http://127.0.0.1:9464``, or ``unix:`` and the path."""
        if isinstance(self._address, UnixAddress):
            return f"unix:{self._address}"
        return f"http://{TcpAddress(self._address.host, self.port)}"

    def start(self) -> None:
        """Returns when requests are answered. Raises ``CannotListen``."""
        if self._thread is not None:
            raise RuntimeError(f"{self._name} was started before")
        self._socket = self._bind()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        self._served.wait()
        if not self._server.started:
            self._clean_up()
            raise CannotListen(f"{self._name} could not start on {self._address}: see the log for the reason")

    def stop(self, timeout: float = 5.0) -> bool:
        """End; requests in progress get two seconds. Returns whether it ended in time."""
        if self._thread is None:
            return True
        self._server.should_exit = True
        self._thread.join(timeout)
        self._clean_up()
        return not self._thread.is_alive()

    def _run(self) -> None:
        assert self._socket is not None  # noqa: S101  (start() bound it)
        try:
            # uvicorn exits where the application fails to begin; start() reports it.
            with contextlib.suppress(SystemExit):
                self._server.run(sockets=[self._socket])
        finally:
            self._served.set()

    def _bind(self) -> socket.socket:
        if isinstance(self._address, UnixAddress):
            return self._bind_unix(self._address.path)
        return self._bind_tcp(self._address)

    def _bind_tcp(self, address: TcpAddress) -> socket.socket:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
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
            self._inode = path.stat().st_ino
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

    def _clean_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        # A successor may have put its own socket there.
        if isinstance(self._address, UnixAddress) and self._inode is not None:
            path = self._address.path
            if path.exists() and path.stat().st_ino == self._inode:
                path.unlink(missing_ok=True)


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
