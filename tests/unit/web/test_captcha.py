"""The puzzle before a launch, with a verifier that is only pretended."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest
from structlog.testing import capture_logs

from controller.web.captcha import Captcha
from controller.web.people import Person, Role
from controller.web.refusals import Refused

VISITOR = Person(client="203.0.113.9", role=Role.USER)
SECRET = "0x-the-secret"
Verifier = Callable[[httpx.Request], httpx.Response]


def _captcha(verifier: Verifier, secret: Callable[[], str] = lambda: SECRET) -> Captcha:
    client = httpx.Client(transport=httpx.MockTransport(verifier))
    return Captcha(url="https://captcha.example/siteverify", secret=secret, client=client)


def _says(success: object) -> Verifier:
    return lambda _request: httpx.Response(200, json={"success": success})


def _refusal(captcha: Captcha, answer: str | None, person: Person = VISITOR) -> Refused:
    with pytest.raises(Refused) as refused:
        captcha.check(person, answer)
    return refused.value


def test_a_right_answer_lets_pass_and_is_asked_about_in_the_common_form() -> None:
    asked: list[httpx.Request] = []

    def verifier(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"success": True})

    _captcha(verifier).check(VISITOR, "the answer")
    (request,) = asked
    form = {"secret": [SECRET], "response": ["the answer"], "remoteip": [VISITOR.client]}
    assert (request.method, parse_qs(request.content.decode())) == ("POST", form)


def test_a_person_with_a_name_needs_none() -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("nobody is asked")

    _captcha(never).check(Person(client="203.0.113.9", name="alice", role=Role.USER), None)


@pytest.mark.parametrize("answer", [None, "", "x" * 8193])
def test_without_an_answer_nobody_is_asked(answer: str | None) -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("nobody is asked")

    assert (_refusal(_captcha(never), answer).status, _refusal(_captcha(never), answer).title) == (
        403,
        "CaptchaMissing",
    )


@pytest.mark.parametrize("success", [False, None, "true", 1, []])
def test_only_true_is_right(success: object) -> None:
    refused = _refusal(_captcha(_says(success)), "x")
    assert (refused.status, refused.title) == (403, "CaptchaWrong")


def _down(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"no way to send {SECRET}")


@pytest.mark.parametrize(
    "verifier",
    [
        _down,
        lambda _request: httpx.Response(500),
        lambda _request: httpx.Response(302, headers={"location": "https://evil.example"}),
        lambda _request: httpx.Response(200, text="<html>"),
    ],
)
def test_where_nobody_can_tell_nobody_passes(verifier: Verifier) -> None:
    with capture_logs() as log:
        refused = _refusal(_captcha(verifier), "x")
    assert (refused.status, refused.title) == (503, "CaptchaUnavailable")
    assert refused.retry_after
    assert SECRET not in str(log)


def test_a_secret_that_cannot_be_read_is_the_same() -> None:
    def gone() -> str:
        raise FileNotFoundError("/etc/winux/captcha")

    assert _refusal(_captcha(_says(True), gone), "x").status == 503
