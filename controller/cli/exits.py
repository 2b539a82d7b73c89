"""How the command line ends: its exit statuses, and the errors that are no bug and need no traceback."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What ``winux`` returns to the shell."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    NO_DAEMON = 3
    USAGE = 64
    UNWRITTEN = 74
    INTERRUPTED = 130
    NOBODY_READS = 141


MEANING = {
    Status.OK: "all is well",
    Status.ERROR: "an error, or a check that found something wrong",
    Status.CHANGES: "plan: there are changes to come",
    Status.NO_DAEMON: "no daemon answers",
    Status.USAGE: "the command line was wrong",
    Status.UNWRITTEN: "the answer could not be written; an order is carried out all the same",
    Status.INTERRUPTED: "interrupted",
    Status.NOBODY_READS: "nobody reads on, as with `| head`",
}


class Ended(Exception):
    """The command is over and said all there is to say."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Failure(Exception):
    """The command failed as such commands do: one sentence, and perhaps more lines about it."""

    def __init__(self, sentence: str, *more: str) -> None:
        super().__init__(sentence)
        self.more = more
