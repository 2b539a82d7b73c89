"""Pages of a list that is in the order of names: a token says after which name the next page begins.

Whatever comes or goes meanwhile, no name is shown twice and none that stays is left out. Pure.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from controller.web.desktops import Desktop
from controller.web.refusals import Refused

USUAL, MOST = 50, 200
"""Items of a page."""
_BEGINNING = "after:"
_NAME = re.compile(r"[a-z0-9][-.a-z0-9]{0,252}\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    items: tuple[Desktop, ...]
    token: str | None
    """For the next page; None: this was the last."""


def page_of(desktops: Sequence[Desktop], *, limit: int, token: str) -> Page:
    """``desktops``: in the order of their names. ``token``: empty for the first page.

    Raises ``Refused`` with 400 for a token that is none.
    """
    after = _name_in(token) if token else ""
    left = [desktop for desktop in desktops if desktop.view.name > after]
    items = tuple(left[:limit])
    return Page(items=items, token=_token(items[-1].view.name) if len(left) > limit else None)


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(f"{_BEGINNING}{name}".encode()).decode().rstrip("=")


def _name_in(token: str) -> str:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    name = text.removeprefix(_BEGINNING)
    if not text.startswith(_BEGINNING) or not _NAME.match(name):
        raise Refused(400, "BadToken", "this continue token is none of ours: begin at the first page")
    return name
