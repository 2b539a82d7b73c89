"""What is run inside a guest: shell commands for Debian's tools, and what their output means.

Every command may be run twice: after a crash nobody knows whether it was. No secret is part of a command's text.
"""

from __future__ import annotations

import re
import shlex

from controller.core.guest import SetUp
from controller.guest.credentials import Secret
from controller.guest.hostkeys import parse_public_key

LOG_LINES = 20
_LINE_AT_MOST, _LOG_AT_MOST = 200, 1500
"""Characters."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NEW_KEY = "host-key "
"""Begins the line of output that holds the guest's new host key."""

NOTHING = "true"
SET_PASSWORD = "exec chpasswd"  # noqa: S105 - the password comes by standard input
READ_LOG = f"journalctl --no-pager --quiet --boot --lines={LOG_LINES} --output=cat"

_MAKE_HOST_KEY = f"""cd /etc/ssh
if [ ! -s winux_next_key.pub ]; then
    rm -f winux_next_key winux_next_key.pub
    ssh-keygen -q -t ed25519 -N '' -C "root@$(cat /etc/hostname)" -f winux_next_key </dev/null
fi
printf '{_NEW_KEY}'
cat winux_next_key.pub"""

TAKE_HOST_KEY = """set -eu
cd /etc/ssh
[ ! -f winux_next_key ] || mv winux_next_key ssh_host_ed25519_key
[ ! -f winux_next_key.pub ] || mv winux_next_key.pub ssh_host_ed25519_key.pub
rm -f ssh_host_rsa_key* ssh_host_ecdsa_key*
systemctl --quiet try-reload-or-restart ssh.service || systemctl --quiet try-reload-or-restart sshd.service"""
"""The private key moves first: it decides. Whoever is connected stays so."""


def set_up(what: SetUp, *, user: str) -> str:
    """All of it in one go; with ``what.password`` it reads ``credentials`` from standard input."""
    parts = ["set -eu"]
    if what.password:
        parts.append("chpasswd")
    if what.sudo:
        parts.append(f"usermod -aG sudo {shlex.quote(user)}")
    if what.host_key:
        parts.append(_MAKE_HOST_KEY)
    return "\n".join(parts)


def credentials(user: str, password: str) -> Secret:
    """What ``chpasswd`` reads."""
    return Secret(f"{user}:{password}\n")


def notify(title: str, text: str) -> str:
    return f"/usr/lib/winux/notify {shlex.quote(title)} {shlex.quote(text)}"


def new_host_key(output: str) -> str | None:
    """The guest's new host key out of what ``set_up`` said; None where it said none that is one."""
    line = next((line for line in output.splitlines() if line.startswith(_NEW_KEY)), None)
    try:
        return parse_public_key(line.removeprefix(_NEW_KEY)) if line is not None else None
    except ValueError:
        return None


def printable(output: str) -> str:
    """The last lines of a guest's output as one line for people: nothing but text, and capped."""
    plain = _COLOURS.sub("", output)
    lines = ("".join(c if c.isprintable() else " " for c in line).strip() for line in plain.splitlines())
    shown = [line if len(line) <= _LINE_AT_MOST else f"{line[: _LINE_AT_MOST - 1]}…" for line in lines if line]
    text = " | ".join(shown[-LOG_LINES:])
    return text if len(text) <= _LOG_AT_MOST else f"…{text[-(_LOG_AT_MOST - 1) :]}"
