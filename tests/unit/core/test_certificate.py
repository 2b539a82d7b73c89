"""The first certificate of a container is the one that it has to go on showing."""

from __future__ import annotations

from dataclasses import replace

from controller.core.certificate import CONDITION, another_certificate, showing
from controller.core.incarnation import Incarnation
from controller.core.model import ConditionStatus
from tests.unit.core.given import NOW, created

FIRST, OTHER = "aa:bb", "ee:ff"
LIFE = created(fingerprint=FIRST)


def status(life: Incarnation) -> ConditionStatus | None:
    found = life.condition(CONDITION)
    return found.status if found is not None else None


def test_the_first_one_is_kept_without_a_word() -> None:
    life = showing(created(), FIRST, now=NOW)
    assert (life.fingerprint, status(life)) == (FIRST, None)
    assert another_certificate(created(), FIRST) is None


def test_the_same_again_is_no_news() -> None:
    assert showing(LIFE, FIRST, now=NOW) == LIFE
    assert another_certificate(LIFE, FIRST) is None


def test_another_one_is_said_once_and_the_first_one_goes_on_counting() -> None:
    said = another_certificate(LIFE, OTHER)
    assert said is not None
    assert "shows the certificate ee:ff instead of aa:bb" in said
    life = showing(LIFE, OTHER, now=NOW)
    assert (life.fingerprint, status(life)) == (FIRST, ConditionStatus.FALSE)
    assert another_certificate(life, OTHER) is None
    assert another_certificate(life, "00:11") is not None


def test_a_server_that_had_tls_and_has_none_now_is_another_one_too() -> None:
    said = another_certificate(LIFE, None)
    assert said is not None
    assert "shows no certificate instead of aa:bb" in said
    assert status(showing(LIFE, None, now=NOW)) is ConditionStatus.FALSE


def test_a_server_without_tls_may_get_it() -> None:
    assert another_certificate(created(), None) is None
    assert showing(showing(created(), None, now=NOW), FIRST, now=NOW).fingerprint == FIRST


def test_the_first_one_may_come_back() -> None:
    assert status(showing(showing(LIFE, OTHER, now=NOW), FIRST, now=NOW)) is ConditionStatus.TRUE


def test_a_new_container_has_a_new_certificate() -> None:
    anew = replace(showing(LIFE, OTHER, now=NOW), fingerprint=None)
    life = showing(anew, "00:11", now=NOW)
    assert (life.fingerprint, status(life)) == ("00:11", ConditionStatus.TRUE)
