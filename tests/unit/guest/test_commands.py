"""What is run in a guest: no secret in its text, harmless when run twice, and its output is not believed."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from controller.core.guest import SetUp
from controller.guest import commands


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        (SetUp(password=True), ["chpasswd"]),
        (SetUp(sudo=True), ["usermod -aG sudo winux"]),
        (SetUp(password=True, host_key=True), ["chpasswd", "ssh-keygen"]),
    ],
)
def test_the_set_up_is_one_command_of_its_parts(what: SetUp, parts: list[str]) -> None:
    command = commands.set_up(what, user="winux")
    assert all(part in command for part in parts)
    assert ("chpasswd" in command) is what.password


@pytest.mark.parametrize(
    "command",
    [
        commands.set_up(SetUp(password=True, sudo=True, host_key=True), user="o'brien; reboot"),
        commands.TAKE_HOST_KEY,
        commands.READ_LOG,
        commands.SET_PASSWORD,
        commands.notify("It's over", '$(reboot) `reboot` "now"'),
    ],
)
def test_every_command_is_a_shell_script(command: str) -> None:
    assert subprocess.run(["sh", "-n", "-c", command], check=False, timeout=60).returncode == 0


def test_what_comes_from_outside_is_quoted() -> None:
    assert shlex.split(commands.notify("It's over", "$(reboot)")) == ["/usr/lib/winux/notify", "It's over", "$(reboot)"]
    assert shlex.split(commands.set_up(SetUp(sudo=True), user="a; b"))[-1] == "a; b"


def test_credentials_are_for_standard_input_and_hidden_otherwise() -> None:
    given = commands.credentials("winux", "s3cret")
    assert given.reveal() == "winux:s3cret\n"
    assert "s3cret" not in f"{given} {given!r}"


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("host-key ssh-ed25519 AAAA root@x\n", "ssh-ed25519 AAAA"),
        ("warning\nhost-key ssh-ed25519 AAAA", "ssh-ed25519 AAAA"),
        ("host-key rubbish", None),
        ("", None),
    ],
)
def test_the_new_host_key_is_read_out_of_the_output(output: str, key: str | None) -> None:
    assert commands.new_host_key(output) == key


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("", ""),
        ("one\n\ntwo\n", "one | two"),
        ("\x1b[31mred\x1b[0m and \x07bell", "red and  bell"),
        ("x" * 300, "x" * 199 + "…"),
        ("\n".join(map(str, range(30))), " | ".join(map(str, range(10, 30)))),
    ],
)
def test_a_log_is_shown_as_text_and_capped(output: str, shown: str) -> None:
    assert commands.printable(output) == shown


def test_a_long_log_keeps_its_end() -> None:
    shown = commands.printable("\n".join(f"{number} {'y' * 190}" for number in range(20)))
    assert len(shown) == 1500
    assert "19 y" in shown
