"""The token's secret is taken from where few may read it, and shown to nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.daemon.settings import SettingsError, load

SECRET = "0d1c9b1e-9e33-4c1e-9d0a-5c1f3f6c2a11"
WITHOUT_SECRET = {"WINUX_PROXMOX__URL": "https://pve1:8006", "WINUX_PROXMOX__TOKEN_ID": "sessions@pve!controller"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, *, name: str = "winux.yaml", mode: int = 0o600) -> Path:
        file = tmp_path / name
        file.write_text(text)
        file.chmod(mode)
        return file

    return write


def problem(file: Path | None, environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(file, environ)
    (only,) = caught.value.problems
    return only


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_in_a_file_that_others_may_read_is_refused(write: Write, mode: int) -> None:
    file = write(f"proxmox: {{tokenSecret: {SECRET}}}", mode=mode)
    assert problem(file, WITHOUT_SECRET) == (
        f"{file}:1:24: proxmox.tokenSecret: a secret in a file that others may read; "
        f"run `chmod 600 {file}`, or put it into a variable"
    )
    assert "chmod 600" in problem(file, WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET": SECRET})


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_in_a_file_of_its_owner_is_taken(write: Write, mode: int) -> None:
    file = write(f"proxmox: {{tokenSecret: {SECRET}}}", mode=mode)
    assert load(file, WITHOUT_SECRET).secret().get_secret_value() == SECRET


def test_a_readable_file_is_fine_while_it_holds_no_secret(write: Write) -> None:
    environ = WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET": SECRET}
    assert load(write("ledger: {url: 'postgresql://db/winux'}", mode=0o644), environ).workers == 8


def test_the_password_of_a_database_is_such_a_secret_too(write: Write) -> None:
    file = write("ledger: {url: 'postgresql://winux:hunter2@db/winux'}", mode=0o644)
    found = problem(file, WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET": SECRET})
    assert found.startswith(f"{file}:1:15: ledger.url: a secret in a file that others may read")
    assert "hunter2" not in found


def test_the_old_name_of_the_secret_is_guarded_as_well(write: Write) -> None:
    file = write(f"proxmox_api_token_secret: {SECRET}", mode=0o644)
    assert "proxmox_api_token_secret: a secret in a file that others may read" in problem(file, WITHOUT_SECRET)


def test_it_may_stand_in_a_file_of_its_own(write: Write) -> None:
    secret_file = write(f"{SECRET}\n", name="token")
    settings = load(None, WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET_FILE": str(secret_file)})
    assert settings.secret().get_secret_value() == SECRET
    assert settings.notes == ()


def test_a_secret_file_that_everybody_may_read_is_used_and_noted(write: Write) -> None:
    secret_file = write(f"{SECRET}\n", name="token", mode=0o644)
    settings = load(None, WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET_FILE": str(secret_file)})
    assert settings.notes == (f"{secret_file} holds a secret and everybody may read it; run `chmod o-r {secret_file}`",)


@pytest.mark.parametrize("text", ["", "\n", "two words", "line one\nline two"])
def test_a_secret_that_cannot_be_one_is_refused_without_repeating_it(write: Write, text: str) -> None:
    environ = WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET_FILE": str(write(text, name="token"))}
    assert problem(None, environ) == (
        "WINUX_PROXMOX__TOKEN_SECRET_FILE: no token's secret; it is one word, as `pveum user token add` printed it"
    )


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    environ = WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET_FILE": str(tmp_path / "token")}
    assert problem(None, environ) == (
        f"WINUX_PROXMOX__TOKEN_SECRET_FILE: cannot read {tmp_path}/token: no such file or directory"
    )


def test_two_secrets_from_one_source_are_refused(write: Write) -> None:
    file = write(f"proxmox:\n  tokenSecret: {SECRET}\n  tokenSecretFile: token\n")
    assert problem(file, WITHOUT_SECRET) == (
        f"{file}:3:20: proxmox.tokenSecretFile: proxmox.tokenSecret and proxmox.tokenSecretFile are both given; "
        f"keep one of them"
    )


def test_a_variable_beats_the_file_whichever_of_both_ways_it_uses(write: Write) -> None:
    write("from-a-file\n", name="token")
    in_file = write("proxmox: {tokenSecretFile: token}")
    assert load(in_file, WITHOUT_SECRET).secret().get_secret_value() == "from-a-file"
    settings = load(in_file, WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET": SECRET})
    assert settings.secret().get_secret_value() == SECRET
    direct = write(f"proxmox: {{tokenSecret: {SECRET}}}")
    settings = load(direct, WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET_FILE": "token"})
    assert settings.secret().get_secret_value() == "from-a-file"


def test_two_ways_to_trust_the_server_are_refused_and_a_variable_replaces_the_file_s(write: Write) -> None:
    environ = WITHOUT_SECRET | {"WINUX_PROXMOX__TOKEN_SECRET": SECRET}
    pin = "ab" * 32
    file = write(f"proxmox: {{caFile: ca.pem, fingerprint: {pin}}}")
    assert problem(file, environ) == (
        f"{file}: proxmox: caFile and fingerprint are both given; keep the one by which the server is to be known"
    )
    settings = load(write("proxmox: {caFile: ca.pem}"), environ | {"WINUX_PROXMOX__FINGERPRINT": pin})
    assert settings.proxmox.ca_file is None


@pytest.mark.parametrize(
    "text",
    [
        "proxmox: {tokenSecret: 12345678}",
        "proxmox: {tokenSecret: [0d1c9b1e]}",
        "proxmox: {url: 'https://root:hunter2@pve1'}",
        "ledger: {url: [hunter2]}",
    ],
)
def test_no_complaint_repeats_what_may_be_secret(write: Write, text: str) -> None:
    environ = {name: value for name, value in WITHOUT_SECRET.items() if "url" not in text or "URL" not in name}
    with pytest.raises(SettingsError) as caught:
        load(write(text), environ)
    assert not any(secret in str(caught.value) for secret in ("12345678", "0d1c9b1e", "hunter2"))


def test_neither_secret_shows_in_the_settings_themselves(write: Write) -> None:
    file = write(f"ledger: {{url: 'postgresql://winux:hunter2@db/winux'}}\nproxmox: {{tokenSecret: {SECRET}}}")
    settings = load(file, WITHOUT_SECRET)
    for text in (repr(settings), str(settings), repr(settings.secret()), repr(settings.proxmox), repr(settings.ledger)):
        assert SECRET not in text
        assert "hunter2" not in text
