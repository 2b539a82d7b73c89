"""The bodies of the old API, read as it read them, with one sentence for what is wrong."""

from __future__ import annotations

from pydantic import ValidationError

from controller.web.refusals import Refused
from controller.web.seed.models import LONGEST, SHORTEST, LaunchOrder

_DURATION = f"choose a number of minutes from {SHORTEST} to {LONGEST}"
_SENTENCES = {
    "duration_minutes": ("BadDuration", f"duration_minutes cannot be used: {_DURATION}"),
    "session_id": ("BadName", "session_id has to be a text: use lower-case letters, digits and dashes"),
}


def launch_order(body: bytes) -> LaunchOrder:
    """Nothing at all, or ``null``, asks for nothing special. Raises ``Refused`` with 400."""
    if body.strip() in {b"", b"null"}:
        return LaunchOrder()
    try:
        return LaunchOrder.model_validate_json(body)
    except ValidationError as error:
        where = error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
        said = ("Malformed", 'the body cannot be read: send a JSON object such as {"duration_minutes": 30}')
        title, sentence = _SENTENCES.get(str(where[0]), said) if where else said
        raise Refused(400, title, sentence) from None
