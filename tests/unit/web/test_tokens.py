"""The file of tokens: what it may say, and what happens when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.web.identity.tokens import NoTokens, TokensFile, is_token, new_token, read_tokens, token_digest
from controller.web.people import Role
from controller.web.tickets import new_ticket

ALICE, BOB, NOBODY = (f"wxk_{letter * 43}" for letter in "abn")


def _write(path: Path, text: str, mode: int = 0o640) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def _entry(name: str, token: str, role: str = "user") -> str:
    return f"  - {{name: {name}, role: {role}, sha256: {token_digest(token)}}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return _write(tmp_path / "tokens.yaml", "tokens:\n" + _entry("alice", ALICE) + _entry("bob", BOB, "admin"))


def test_tokens_are_long_random_and_no_tickets() -> None:
    one, other = new_token(), new_token()
    assert is_token(one)
    assert is_token(ALICE)
    assert one != other
    assert len(one) == len("wxk_") + 43
    assert not is_token(new_ticket())


def test_a_token_says_who_and_in_which_role(path: Path) -> None:
    tokens = TokensFile(path)
    alice, bob = tokens.holder(ALICE), tokens.holder(BOB)
    assert alice is not None
    assert bob is not None
    assert (alice.name, alice.role, bob.name, bob.role) == ("alice", Role.USER, "bob", Role.ADMIN)


@pytest.mark.parametrize("token", ["", "wxk_", NOBODY, ALICE[:-1], ALICE + "A", ALICE.upper(), token_digest(ALICE)])
def test_what_is_no_token_of_the_file_is_nobodys(path: Path, token: str) -> None:
    assert TokensFile(path).holder(token) is None


def test_who_is_removed_is_out_at_once_and_who_is_added_in(path: Path) -> None:
    tokens, carol = TokensFile(path), new_token()
    assert tokens.holder(ALICE) is not None
    _write(path, "tokens:\n" + _entry("carol", carol))
    assert tokens.holder(ALICE) is None
    assert tokens.holder(carol) is not None


def test_a_file_that_was_replaced_by_another_is_noticed(path: Path, tmp_path: Path) -> None:
    tokens = TokensFile(path)
    assert tokens.holder(ALICE) is not None
    _write(tmp_path / "new", "tokens: []\n").replace(path)
    assert tokens.holder(ALICE) is None


def test_a_mistake_in_the_file_lets_nobody_in_until_it_is_mended(path: Path) -> None:
    tokens, good = TokensFile(path), path.read_text(encoding="utf-8")
    assert tokens.holder(ALICE) is not None
    _write(path, "tokens: [")
    with pytest.raises(NoTokens, match="is no YAML"):
        tokens.holder(ALICE)
    with pytest.raises(NoTokens, match="is no YAML"):
        tokens.holder(ALICE)
    _write(path, good)
    assert tokens.holder(ALICE) is not None


def test_a_file_that_is_gone_lets_nobody_in(path: Path) -> None:
    tokens = TokensFile(path)
    assert tokens.holder(ALICE) is not None
    path.unlink()
    with pytest.raises(NoTokens, match=r"cannot read the tokens in .*: no such file"):
        tokens.holder(ALICE)


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o666, 0o777])
def test_what_others_may_write_says_nothing(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(NoTokens, match="others may write it; run `chmod go-w "):
        TokensFile(path).holder(ALICE)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the document: "),
        ("[]", "the document: "),
        ("tokens: {}", "tokens: "),
        ("token: []", "tokens: field required"),
        ("tokens:\n  - {name: alice, sha256: xyz}", "tokens.0.sha256: "),
        (f"tokens:\n  - {{name: '', sha256: {token_digest(ALICE)}}}", "tokens.0.name: "),
        (f"tokens:\n  - {{name: a, role: king, sha256: {token_digest(ALICE)}}}", "tokens.0.role: "),
        ("tokens:\n" + _entry("alice", ALICE, "guest"), "alice is a guest, which is who has no token"),
        ("tokens:\n" + _entry("alice", ALICE) + _entry("bob", ALICE), "alice and bob have the same token"),
        (f"tokens:\n  - {{name: a, sha256: {token_digest(ALICE)}, password: x}}", "tokens.0.password: "),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, sentence: str) -> None:
    path = _write(tmp_path / "tokens.yaml", text)
    with pytest.raises(NoTokens) as problem:
        read_tokens(path)
    assert sentence in str(problem.value)


def test_a_token_that_stands_there_itself_is_not_repeated(tmp_path: Path) -> None:
    path = _write(tmp_path / "tokens.yaml", f"tokens:\n  - {{name: alice, sha256: {ALICE}}}\n  - {ALICE}\n")
    with pytest.raises(NoTokens) as problem:
        read_tokens(path)
    assert ALICE not in str(problem.value)


def test_what_is_kept_shows_no_digest(path: Path) -> None:
    holder = TokensFile(path).holder(ALICE)
    assert token_digest(ALICE) not in repr(holder)
