"""Which sessions exist for whom: where people log in, what others have is nobody's business, not even that it is there.

In the open mode there is nobody to tell apart: whoever knows a name sees how it stands, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from controller.web.desk import Desk
from controller.web.desktops import Desktop
from controller.web.people import Person, may_see_all
from controller.web.refusals import Refused, unknown

OPEN = "open"


def look(desk: Desk, person: Person, mode: str, name: str) -> Desktop:
    """One session. Raises ``Refused`` with 404 where there is none for this person."""
    desktop = desk.look(person, name)
    if mode != OPEN and not (desktop.mine or desktop.may_control):
        raise unknown(name)
    return desktop


@contextmanager
def hidden(person: Person, mode: str, name: str) -> Iterator[None]:
    """Says of others' sessions that there are none, where ``look`` does."""
    try:
        yield
    except Refused as refused:
        if mode != OPEN and refused.title == "NotYours" and not may_see_all(person):
            raise unknown(name) from None
        raise
