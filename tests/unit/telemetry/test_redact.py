"""Secrets are found by the name of a field and by their value, wherever they stand."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.telemetry.redact import HIDDEN, Redactor, secret_looking


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "rootPassword", "root_password", "token", "tokens", "tokenSecret", "token_secret",
        "PVEAPIToken", "X-Api-Token", "Authorization", "secret", "clientSecrets", "Set-Cookie", "proxytoken",
        "credentials", "token_value", "passphrase",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert secret_looking(name)


@pytest.mark.parametrize(
    "name",
    ["token_id", "tokenId", "tokenSecretFile", "tokens_total", "session", "event", "vmid", "passed", "", "_", "author"],
)
def test_names_of_what_may_be_shown(name: str) -> None:
    assert not secret_looking(name)


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.register("s3cr3t/+x")
    redactor.register('with "quotes"\\')
    return redactor


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing to see", "nothing to see"),
        ("", ""),
        ("s3cr3t/+x", HIDDEN),
        ("is s3cr3t/+x, twice s3cr3t/+xs3cr3t/+x.", f"is {HIDDEN}, twice {HIDDEN}{HIDDEN}."),
        ("PVEAPIToken=a@pve!b=s3cr3t/+x", f"PVEAPIToken=a@pve!b={HIDDEN}"),
        ("https://h/?t=s3cr3t%2F%2Bx&n=1", f"https://h/?t={HIDDEN}&n=1"),
        ("s3cr3t/+", "s3cr3t/+"),
        (json.dumps({"p": 'with "quotes"\\'}), json.dumps({"p": HIDDEN})),
    ],
)
def test_registered_values_vanish_from_texts(redactor: Redactor, text: str, expected: str) -> None:
    assert redactor.clean(text) == expected


def test_fields_are_cleaned_by_name_and_by_value_however_deep(redactor: Redactor) -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd s3cr3t/+x"

    fields = {
        "session": "alice",
        "vmid": 30001,
        "ok": True,
        "nothing": None,
        "password": "unknown",
        "body": {"rootPassword": ["x"], "list": [1, "s3cr3t/+x", {"token": 3}], "s3cr3t/+x": 1},
        "raw": b"\xffs3cr3t/+x",
        "odd": Odd(),
    }
    assert redactor.clean_fields(fields) == {
        "session": "alice",
        "vmid": 30001,
        "ok": True,
        "nothing": None,
        "password": HIDDEN,
        "body": {"rootPassword": HIDDEN, "list": [1, HIDDEN, {"token": HIDDEN}], HIDDEN: 1},
        "raw": f"\N{REPLACEMENT CHARACTER}{HIDDEN}",
        "odd": f"odd {HIDDEN}",
    }


def test_what_is_too_deep_to_look_at_is_hidden(redactor: Redactor) -> None:
    value: object = "s3cr3t/+x"
    for _ in range(100):
        value = {"deeper": value}
    assert "s3cr3t" not in str(redactor.clean_value(value))


def test_a_value_that_is_forgotten_is_shown_again_and_others_are_not(redactor: Redactor) -> None:
    redactor.register("s3cr3t/+y")
    redactor.forget("s3cr3t/+x")
    redactor.forget("never known")
    assert redactor.clean("s3cr3t/+x s3cr3t/+y") == f"s3cr3t/+x {HIDDEN}"


def test_an_empty_secret_is_refused(redactor: Redactor) -> None:
    with pytest.raises(ValueError, match="empty"):
        redactor.register("")


@given(st.lists(st.text("abc", min_size=1, max_size=5), max_size=5), st.text("abc", max_size=40))
def test_after_cleaning_no_registered_value_is_left_between_the_marks(secrets: list[str], text: str) -> None:
    redactor = Redactor()
    for secret in secrets:
        redactor.register(secret)
    left = redactor.clean(text).replace(HIDDEN, "\0")
    assert not any(secret in left for secret in secrets)


def test_ten_thousand_passwords_of_one_length_cost_one_pass(redactor: Redactor) -> None:
    random = Random(1)
    lengths = len(redactor._by_length)
    passwords = ["".join(random.choices("abcdefghjkmnpqrstuvwxyz23456789", k=16)) for _ in range(10_000)]
    for password in passwords:
        redactor.register(password)
    assert redactor.clean(f"the password {passwords[7777]} was set") == f"the password {HIDDEN} was set"
    assert len(redactor._by_length) == lengths + 1
