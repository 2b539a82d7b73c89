"""Runs one command as root in a guest, over SSH, with the controller's key and with the guest's host key checked.

Secrets travel on the command's standard input and never in its text, which the guest's processes can read. Names are
not looked up, no agent and no file of the user's is asked. When what is done is the business of others.

What a first contact without a known host key does not protect from: whoever can answer for the guest's address at that
very moment (another machine on its network that took the address) is taken for the guest from then on, and is sent a
password. A pinned ``hostKey`` of a clone's template excludes those who do not have the template's private key; who was
root in a container that still had it does. From the second contact on only the kept key counts.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from dataclasses import dataclass
from typing import Protocol

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from controller.engine.clock import Clock, SystemClock
from controller.guest.credentials import Secret
from controller.guest.hostkeys import KINDS, kind_of
from controller.guest.key import GuestKey

USER = "root"
MOST_OUTPUT = 64 * 1024
"""Bytes of a command's output that are read."""
_CHUNK = 4096
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")
"""What is negotiated for a host key ``ssh-rsa`` since SHA-1 is out of use (RFC 8332)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One command for one guest."""

    name: str
    """What it is for; a call of the same name and address is the same call."""
    address: str
    command: str
    """For the guest's shell; without secrets."""
    stdin: Secret | None = None
    host_keys: tuple[str, ...] = ()
    """One of these it has to be. Empty: the first contact, at which any is taken and told."""
    timeout: float = 10.0
    """Seconds for all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The command ran. Its output is of the guest: what it says is not to be believed."""

    status: int
    output: str
    """Standard output and error, as they came."""
    host_key: str
    """By which the guest showed itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It did not run, or what became of it is not known. ``message`` is one sentence."""

    reason: str
    """``Unreachable``, ``HostKeyChanged`` or ``KeyRefused``."""
    message: str


Answer = Done | Failed


class Run(Protocol):
    """How a call is carried out."""

    def __call__(self, call: Call) -> Answer: ...


class SshRunner:
    """Carries calls out, each on a connection of its own. Safe to use from several threads."""

    def __init__(self, key: GuestKey, *, port: int = 22, clock: Clock | None = None) -> None:
        self._key = key
        self._port = port
        self._clock = clock or SystemClock()
        # Whatever it would say at each connection, and with tracebacks, is in the answers.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    def __call__(self, call: Call) -> Answer:
        """Blocks for ``call.timeout`` seconds at most. Raises ``ValueError`` for an address that is none."""
        ip, where = ipaddress.ip_address(call.address), f"{call.address} port {self._port}"
        family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
        deadline = self._clock.monotonic() + call.timeout
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(call.timeout)
                connection.connect((call.address, self._port))
                return self._over(connection, call, where, deadline)
        except TimeoutError:
            return Failed(reason="Unreachable", message=f"{where}: no answer over SSH within {call.timeout:g} s")
        except paramiko.AuthenticationException:
            message = f"{where}: the guest refuses the controller's SSH key: put it into root's authorized_keys there"
            return Failed(reason="KeyRefused", message=message)
        except IncompatiblePeer:
            return Failed(reason="HostKeyChanged", message=_another(where, call))
        except (paramiko.SSHException, EOFError) as error:
            return Failed(reason="Unreachable", message=f"{where}: SSH failed: {error or type(error).__name__}")
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            return Failed(reason="Unreachable", message=f"{where}: no SSH connection: {why}")

    def _over(self, connection: socket.socket, call: Call, where: str, deadline: float) -> Answer:
        transport = paramiko.Transport(connection)
        transport.daemon = True
        left = self._left(deadline)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = left
        transport.get_security_options().key_types = _negotiable(call.host_keys)
        try:
            transport.start_client(timeout=left)
            key = transport.get_remote_server_key()
            shown = f"{key.get_name()} {key.get_base64()}"
            if call.host_keys and shown not in call.host_keys:
                return Failed(reason="HostKeyChanged", message=_another(where, call))
            transport.auth_publickey(USER, self._key.private)
            channel = transport.open_session(timeout=self._left(deadline))
            status, output = self._execute(channel, call, deadline)
        finally:
            transport.close()
        return Done(status=status, output=output.decode("utf-8", "replace"), host_key=shown)

    def _execute(self, channel: paramiko.Channel, call: Call, deadline: float) -> tuple[int, bytes]:
        channel.set_combine_stderr(True)
        channel.settimeout(self._left(deadline))
        channel.exec_command(call.command)
        if call.stdin is not None:
            channel.sendall(call.stdin.reveal().encode())
        channel.shutdown_write()
        output = b""
        while True:
            channel.settimeout(self._left(deadline))
            part = channel.recv(_CHUNK)
            if not part:
                break
            output = (output + part)[-MOST_OUTPUT:]
        if not channel.status_event.wait(self._left(deadline)) or channel.exit_status < 0:
            raise paramiko.SSHException("it hung up before the command had ended")
        return channel.exit_status, output

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _negotiable(host_keys: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of host keys to ask for: a guest with several has to show the one by which it is known."""
    kinds = [kind_of(key) for key in host_keys] or list(KINDS)
    wanted: list[str] = []
    for kind in dict.fromkeys(kinds):
        wanted += _RSA_SIGNATURES if kind == "ssh-rsa" else (kind,)
    return tuple(wanted)


def _another(where: str, call: Call) -> str:
    known = " or ".join(f"{kind_of(key)} …{key[-12:]}" for key in call.host_keys)
    return (
        f"{where}: its SSH host key is not the one it is known by ({known}), so it may be somebody else: nothing was "
        "sent; a new spec.revision gives a new desktop"
    )
