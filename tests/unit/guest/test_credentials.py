"""Passwords can be typed on any keyboard, are long enough, and show themselves only to who asks."""

from __future__ import annotations

import copy
import json
import logging
import math
import pickle
from dataclasses import dataclass

import pytest

from controller.guest.credentials import ALPHABET, LENGTH, Secret, generate_password

US, FR, DE = (
    "qwertyuiop" + "asdfghjkl;" + "zxcvbnm,./",
    "azertyuiop" + "qsdfghjklm" + "wxcvbn,;:!",
    "qwertzuiop" + "asdfghjklö" + "yxcvbnm,.-",
)


def test_every_letter_sits_on_one_key_of_all_keyboards() -> None:
    common = {us for us, fr, de in zip(US, FR, DE, strict=True) if us == fr == de and us.isalpha()}
    assert set(ALPHABET) <= common
    assert not set(ALPHABET) & set("l")
    assert common - set(ALPHABET) == {"l"}


def test_a_password_has_at_least_80_bits() -> None:
    assert LENGTH * math.log2(len(set(ALPHABET))) >= 80
    password = generate_password().reveal()
    assert len(password) == LENGTH
    assert set(password) <= set(ALPHABET)


def test_no_two_passwords_are_alike() -> None:
    assert len({generate_password() for _ in range(1000)}) == 1000


@dataclass(frozen=True)
class Account:
    name: str
    password: Secret


def test_a_secret_does_not_show_itself(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("hunter-two")
    account = Account("alice", secret)
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("made %s %r", secret, account)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{account}", caplog.text]
    assert not any("hunter" in text for text in shown)
    assert str(secret) == "***"
    assert secret.reveal() == "hunter-two"


def test_a_secret_goes_neither_into_json_nor_into_a_pickle() -> None:
    with pytest.raises(TypeError):
        json.dumps({"password": Secret("x")})
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("x"))


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("x") == Secret("x")
    assert Secret("x") != Secret("y")
    assert Secret("x") != "x"
    assert hash(Secret("x")) == hash(Secret("x"))
    assert copy.deepcopy(Account("alice", Secret("x"))) == Account("alice", Secret("x"))
