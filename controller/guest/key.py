"""The controller's SSH key for guests: read from the file that the settings name, refused where others may read it."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyProblem(Exception):
    """The key cannot be used; one sentence."""


@dataclass(frozen=True, slots=True)
class GuestKey:
    """A private key, which is hidden from ``repr``, and its public half as one line."""

    private: paramiko.PKey = field(repr=False)
    public: str
    """``ssh-ed25519 AAAA… winux``: what guests get into ``authorized_keys``."""
    fingerprint: str
    """``SHA256:…``, as ``ssh-keygen -l`` shows it."""


def load_key(path: Path) -> GuestKey:
    """An OpenSSH or PEM file without a passphrase: Ed25519, ECDSA or RSA.

    Raises:
        KeyProblem: it cannot be read, or others may read it, or it is none.
    """
    make = f"make one with `ssh-keygen -t ed25519 -N '' -f {path}`"
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            raise KeyProblem(f"{path} is a private key and others may read it; run `chmod 600 {path}`")
        key = paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError):  # the latter is how `cryptography` says so
        raise KeyProblem(f"{path} has a passphrase, which nobody could type in; {make}") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise KeyProblem(f"cannot read the private key {path}: {why}; {make}") from None
    except (paramiko.SSHException, ValueError):
        # What was found is not quoted: it may be a key after all.
        raise KeyProblem(f"{path} is no private key of OpenSSH's; {make}") from None
    return GuestKey(key, f"{key.get_name()} {key.get_base64()} winux", key.fingerprint)
