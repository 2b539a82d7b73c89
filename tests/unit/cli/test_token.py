"""``winux token new``: what it prints is what the file takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.cli.exits import Status
from controller.web.identity.tokens import read_tokens, token_digest
from controller.web.people import Role
from tests.unit.cli.conftest import Winux


@pytest.mark.parametrize("name", ["alice", "alice@example.org", 'Zoë "Z" Müller', "yes", "1"])
def test_the_entry_that_it_shows_belongs_into_the_file(winux: Winux, tmp_path: Path, name: str) -> None:
    said = winux("token", "new", name, "--role", "operator")
    assert said.status == 0
    token = said.lines[0].rpartition(" ")[2]
    path = tmp_path / "tokens.yaml"
    path.write_text("tokens:\n" + "\n".join(said.lines[2:]) + "\n", encoding="utf-8")
    path.chmod(0o600)
    holder = read_tokens(path)[token_digest(token)]
    assert (holder.name, holder.role) == (name, Role.OPERATOR)
    assert token not in path.read_text(encoding="utf-8")


def test_scripts_get_one_line_and_each_token_is_another(winux: Winux) -> None:
    first, second = (json.loads(winux("token", "new", "ci", "--json").out) for _ in range(2))
    assert (first["name"], first["role"], first["sha256"]) == ("ci", "user", token_digest(first["token"]))
    assert first["token"] != second["token"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("alice", "--role", "king"), "--role is 'king'; choose one of: user, operator, admin"),
        (("alice", "--role", "guest"), "--role is 'guest'; choose one of: "),
        ((" alice",), "NAME: "),
        (("",), "NAME: "),
        (("a\nb",), "NAME: "),
    ],
)
def test_what_it_cannot_make_is_said(winux: Winux, arguments: tuple[str, ...], sentence: str) -> None:
    said = winux("token", "new", *arguments)
    assert said.status == Status.ERROR
    assert sentence in said.err
    assert "wxk_" not in said.out
