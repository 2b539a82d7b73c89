"""A puzzle that programs cannot solve, before a launch by somebody without a name; off unless the settings name one.

Whether the answer is right is asked of whoever made the puzzle, by the form that reCAPTCHA, hCaptcha and Turnstile have
in common: ``secret``, ``response`` and ``remoteip`` are posted, and JSON with ``success`` comes back. What the page
loads for the puzzle is the page's business.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import structlog

from controller.web.backend import AGAIN_IN
from controller.web.people import Person
from controller.web.refusals import Refused

_LOG = structlog.get_logger("winux.web")
_TIMEOUT = 5.0
_LONGEST = 8192
"""Characters of an answer; those of hCaptcha have some 2,000."""


class Captcha:
    """Safe to use from several threads. ``close`` ends its connections."""

    def __init__(self, *, url: str, secret: Callable[[], str], client: httpx.Client | None = None) -> None:
        """``secret`` is asked for each time, so that a file may be replaced; it may raise ``OSError``."""
        self._url = url
        self._secret = secret
        # Nothing of the environment: a proxy of the machine's would see the secret.
        self._http = client or httpx.Client(timeout=_TIMEOUT, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def check(self, person: Person, answer: str | None) -> None:
        """Lets people with a name pass. Raises ``Refused``: 403 without a right answer, 503 where nobody can tell."""
        if person.name is not None:
            return
        if not answer or len(answer) > _LONGEST:
            raise Refused(403, "CaptchaMissing", "launching a desktop takes a solved puzzle: solve the one on the page")
        if not self._is_right(answer, person.client):
            raise Refused(403, "CaptchaWrong", "the puzzle was not solved, or too long ago: solve it again")

    def _is_right(self, answer: str, client: str) -> bool:
        try:
            form = {"secret": self._secret(), "response": answer, "remoteip": client}
            response = self._http.post(self._url, data=form)
            response.raise_for_status()
            said: object = response.json()
        except (httpx.HTTPError, ValueError, OSError) as error:
            # Never the error itself: it may quote what was sent.
            _LOG.error("web.captcha-unreachable", error=type(error).__name__)
            sentence = "whether the puzzle is solved cannot be found out at the moment: try again in a few seconds"
            raise Refused(503, "CaptchaUnavailable", sentence, retry_after=AGAIN_IN) from None
        return isinstance(said, dict) and said.get("success") is True
