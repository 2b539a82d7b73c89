"""The private key is read from a file that only its owner may read; whatever is wrong is one sentence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from controller.guest.hostkeys import parse_public_key
from controller.guest.key import KeyProblem, load_key


def made(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True, timeout=60)
    return path


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_openssh_is_read(tmp_path: Path, kind: str) -> None:
    path = made(tmp_path / "key", kind=kind)
    key = load_key(path)
    assert parse_public_key(key.public) == parse_public_key(path.with_suffix(".pub").read_text(encoding="ascii"))
    listed = subprocess.run(["ssh-keygen", "-lf", str(path)], capture_output=True, text=True, check=True, timeout=60)
    assert key.fingerprint in listed.stdout
    assert "PRIVATE" not in repr(key)


def test_what_is_wrong_with_a_key_is_said(tmp_path: Path) -> None:
    open_to_all = made(tmp_path / "open")
    open_to_all.chmod(0o640)
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nzzz\n", encoding="ascii")
    rubbish.chmod(0o600)
    for path, part in (
        (open_to_all, "chmod 600"),
        (made(tmp_path / "locked", passphrase="hidden-word"), "has a passphrase"),
        (tmp_path / "nowhere", "no such file"),
        (rubbish, "is no private key"),
    ):
        with pytest.raises(KeyProblem, match=part) as error:
            load_key(path)
        assert "\n" not in str(error.value)
        assert "zzz" not in str(error.value)


@pytest.mark.parametrize("line", ["", "ssh-dss AAAA", "alice ssh-ed25519 AAAA", "ssh-ed25519"])
def test_what_is_no_public_key_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not an SSH public key"):
        parse_public_key(line)
