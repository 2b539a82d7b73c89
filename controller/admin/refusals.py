"""Why an order or a question was refused: one sentence, a title, and the HTTP status that says it to programs."""

from __future__ import annotations

from collections.abc import Iterable


class Refusal(Exception):
    """``str()`` is one sentence for people: what was found, what is allowed, what to do."""

    status = 400
    title = "Refused"

    def __init__(self, detail: str, *, problems: Iterable[str] = ()) -> None:
        super().__init__(detail)
        self.problems = tuple(problems)


class Unknown(Refusal):
    """There is no such session."""

    status = 404
    title = "NotFound"


class Impossible(Refusal):
    """The session is not in a state in which the order makes sense."""

    status = 409
    title = "Conflict"


class Exists(Refusal):
    """There is one of that name already."""

    status = 409
    title = "Exists"


class NotYet(Refusal):
    """What it takes is not known yet."""

    status = 503
    title = "NotReady"


class Invalid(Refusal):
    """What was sent cannot be used; ``problems`` has a sentence for every mistake."""

    status = 422
    title = "Invalid"


class NotWritable(Refusal):
    """The manifest directory cannot be written from here."""

    status = 409
    title = "NotWritable"
