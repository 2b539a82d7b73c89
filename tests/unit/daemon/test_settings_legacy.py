"""The old system's variable names still work, say so, and give way to the new ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.daemon.settings import SettingsError, load

SECRET = "0d1c9b1e-9e33-4c1e-9d0a-5c1f3f6c2a11"
OLD = {
    "proxmox_api_host": "pve1",
    "proxmox_api_user": "root@pam",
    "proxmox_api_token_id": "ansible",
    "proxmox_api_token_secret": SECRET,
    "proxmox_node": "pve",
}


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["lower case", "upper case"])
def test_the_old_variables_alone_are_enough(spelling: Callable[[str], str]) -> None:
    settings = load(None, {spelling(name): value for name, value in OLD.items()})
    assert settings.proxmox.url == "https://pve1:8006"
    assert settings.proxmox.token_id == "root@pam!ansible"
    assert settings.secret().get_secret_value() == SECRET
    assert settings.defaults.nodes == ("pve",)


def test_they_are_understood_in_the_file_too(tmp_path: Path) -> None:
    file = tmp_path / "winux.yaml"
    file.write_text("".join(f"{name}: {value}\n" for name, value in OLD.items()))
    file.chmod(0o600)
    settings = load(file, {})
    assert settings.proxmox.token_id == "root@pam!ansible"
    assert settings.notes[0] == (
        f"{file}:1:19: proxmox_api_host is an old name that will be dropped one day; "
        "use WINUX_PROXMOX__URL, or proxmox.url in the configuration file"
    )
    assert len(settings.notes) == len(OLD)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("pve1", "https://pve1:8006"),
        ("pve1:443", "https://pve1:443"),
        ("10.0.0.2", "https://10.0.0.2:8006"),
        ("fd00::2", "https://[fd00::2]:8006"),
        ("[fd00::2]:8443", "https://[fd00::2]:8443"),
        ("https://pve1:8006/", "https://pve1:8006"),
    ],
)
def test_a_host_becomes_a_url(host: str, url: str) -> None:
    assert load(None, OLD | {"proxmox_api_host": host}).proxmox.url == url


@pytest.mark.parametrize(
    ("user", "token", "token_id"),
    [
        ("root@pam", "ansible", "root@pam!ansible"),
        ("root@pam!ansible", None, "root@pam!ansible"),
        ("root@pam!ignored", "root@pam!ansible", "root@pam!ansible"),
        (None, "root@pam!ansible", "root@pam!ansible"),
    ],
)
def test_user_and_token_may_stand_in_one_or_in_two(user: str | None, token: str | None, token_id: str) -> None:
    given = OLD | {"proxmox_api_user": user or "", "proxmox_api_token_id": token or ""}
    assert load(None, given).proxmox.token_id == token_id


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (
            "proxmox_api_token_id",
            'proxmox_api_user: "root@pam" is a user without a token; set proxmox_api_token_id too',
        ),
        ("proxmox_api_user", 'proxmox_api_token_id: "ansible" is a token without its user; set proxmox_api_user too'),
    ],
)
def test_half_a_token_id_is_one_clear_mistake(missing: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {name: value for name, value in OLD.items() if name != missing})
    assert caught.value.problems == (f"{expected}, or write user@realm!name",)


def test_new_names_win_even_from_the_file_over_old_variables(tmp_path: Path) -> None:
    file = tmp_path / "winux.yaml"
    (tmp_path / "token").write_text("new-secret")
    (tmp_path / "token").chmod(0o600)
    file.write_text("proxmox: {url: 'https://new', tokenId: new@pve!token, tokenSecretFile: token}\n")
    settings = load(file, OLD)
    assert settings.proxmox.url == "https://new"
    assert settings.proxmox.token_id == "new@pve!token"
    assert settings.secret().get_secret_value() == "new-secret"
    assert settings.defaults.nodes == ("pve",)
    ignored = "proxmox_api_host is an old name and is ignored, because proxmox.url is given too; remove it"
    assert ignored in settings.notes


def test_a_half_token_id_does_not_matter_when_the_new_name_is_given() -> None:
    environ = {name: value for name, value in OLD.items() if name != "proxmox_api_token_id"}
    assert load(None, environ | {"WINUX_PROXMOX__TOKEN_ID": "a@pve!bc"}).proxmox.token_id == "a@pve!bc"


def test_an_old_variable_beats_an_old_name_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "winux.yaml"
    file.write_text("proxmox_node: from-file\n")
    assert load(file, OLD).defaults.nodes == ("pve",)


def test_a_wrong_value_under_an_old_name_is_reported_under_that_name() -> None:
    with pytest.raises(SettingsError, match=r"^PROXMOX_NODE: \"pve 1\" is not the name of a Proxmox node"):
        load(None, {name.upper(): value for name, value in (OLD | {"proxmox_node": "pve 1"}).items()})


def test_no_note_repeats_the_secret() -> None:
    assert SECRET not in " ".join(load(None, OLD).notes)
