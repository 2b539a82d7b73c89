"""When a desktop is told that it ends, and in which words. Pure."""

from __future__ import annotations

from controller.core.guest import Told
from controller.core.model import Timestamp

LEADS = (300.0, 60.0)
"""Seconds before the end."""
LANGUAGE = "winux.dev/language"
"""The annotation of a session that says in which language it is told."""
SAME_END = 1.0
"""Seconds by which an end may be computed differently and still be the one that was told."""

_WORDS = {
    "en": (
        "Time to log out",
        "This desktop ends in one minute. Save your work elsewhere: nothing of it is kept.",
        "This desktop ends in {minutes} minutes. Save your work elsewhere: nothing of it is kept.",
    ),
    "fr": (
        "Bientôt la fin de la session",
        "Ce bureau s'arrête dans une minute. Enregistrez votre travail ailleurs : rien n'en sera conservé.",
        "Ce bureau s'arrête dans {minutes} minutes. Enregistrez votre travail ailleurs : rien n'en sera conservé.",
    ),
}
LANGUAGES = tuple(_WORDS)


def due(*, end: Timestamp, began: Timestamp, told: Told | None, now: Timestamp) -> float | None:
    """The lead of the notice that is to be given now; None where there is none, or it was given."""
    lead = min((lead for lead in LEADS if end - lead <= now < end), default=None)
    if lead is None or end - began <= lead or _was_told(told, end=end, lead=lead):
        return None
    return lead


def next_at(*, end: Timestamp, began: Timestamp, now: Timestamp) -> Timestamp | None:
    """When the next notice is due. Who has no longer than its lead in all is not given it."""
    return min((end - lead for lead in LEADS if end - lead > now and end - began > lead), default=None)


def words(*, seconds_left: float, language: str) -> tuple[str, str]:
    """Title and text; English where the language is not known."""
    title, one, several = _WORDS.get(language, _WORDS["en"])
    minutes = max(1, round(seconds_left / 60.0))
    return title, one if minutes == 1 else several.format(minutes=minutes)


def _was_told(told: Told | None, *, end: Timestamp, lead: float) -> bool:
    return told is not None and abs(told.end - end) < SAME_END and told.lead <= lead
