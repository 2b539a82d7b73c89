"""What the page and its APIs refuse: a status, a word for programs, and one sentence for people.

How a refusal looks as an answer is each API's own business.
"""

from __future__ import annotations


class Refused(Exception):
    """``str()`` is one sentence: what was found, what is allowed, what to do."""

    def __init__(self, status: int, title: str, detail: str, *, retry_after: float | None = None) -> None:
        """``retry_after``: seconds after which it is worth trying again; None where that changes nothing."""
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What belongs into the head of the answer whatever its form."""
        headers = {"cache-control": "no-store"}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, round(self.retry_after)))
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers


def unknown(name: str) -> Refused:
    return Refused(404, "NotFound", f"there is no session {name!a} that you may see")


def not_yours(name: str) -> Refused:
    return Refused(403, "NotYours", f"session {name} is somebody else's: only who launched it may do that")
