"""The pages for logging in and out, without a script, in English and French. Pure: texts to HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

_FRENCH = re.compile(r"fr\b", re.IGNORECASE)
_QUALITY = re.compile(r";\s*q\s*=\s*([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Of one language."""

    login: str
    login_lead: str
    token: str
    login_button: str
    wrong: str
    logout: str
    logout_lead: str
    logout_button: str
    back: str


WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "en": Words(
            login="Sign in",
            login_lead="Your administrator gave you a token, which begins with wxk_.",
            token="Token",  # noqa: S106 - a label
            login_button="Sign in",
            wrong="This token is none of those that were given out here.",
            logout="Sign out",
            logout_lead="Your desktops go on until their time is up.",
            logout_button="Sign out",
            back="Back",
        ),
        "fr": Words(
            login="Se connecter",
            login_lead="Votre administrateur vous a donné un jeton, qui commence par wxk_.",
            token="Jeton",  # noqa: S106 - a label
            login_button="Se connecter",
            wrong="Ce jeton n’est pas de ceux qui ont été donnés ici.",
            logout="Se déconnecter",
            logout_lead="Vos bureaux continuent jusqu’à la fin de leur durée.",
            logout_button="Se déconnecter",
            back="Retour",
        ),
    }
)


def language_of(accepted: str) -> str:
    """The one of ours that an Accept-Language header (RFC 9110, 12.5.4) likes best; English where it likes none."""
    best, liked = "en", 0.0
    for part in accepted[:500].split(","):
        match = _QUALITY.search(part)
        try:
            quality = float(match.group(1)) if match else 1.0
        except ValueError:
            quality = 0.0
        language = "fr" if _FRENCH.match(part.strip()) else "en" if part.strip().lower().startswith("en") else None
        if language is not None and quality > liked:
            best, liked = language, quality
    return best


def login_page(language: str, *, wrong: bool = False) -> str:
    """``wrong``: a token was tried that is none."""
    words = WORDS[language]
    problem = f'<p class="panel problem" role="alert" id="wrong">{escape(words.wrong)}</p>' if wrong else ""
    marks = 'aria-invalid="true" aria-describedby="wrong lead" ' if wrong else 'aria-describedby="lead" '
    return _page(
        language,
        words.login,
        f"""{problem}
      <p class="lead" id="lead">{escape(words.login_lead)}</p>
      <form method="post" action="login" class="access panel">
        <label>{escape(words.token)}
          <input name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false"
                 {marks}></label>
        <button type="submit" class="primary">{escape(words.login_button)}</button>
      </form>""",
    )


def logout_page(language: str) -> str:
    words = WORDS[language]
    return _page(
        language,
        words.logout,
        f"""<p class="lead">{escape(words.logout_lead)}</p>
      <form method="post" action="logout" class="access panel">
        <button type="submit" class="primary">{escape(words.logout_button)}</button>
        <a href="./">{escape(words.back)}</a>
      </form>""",
    )


def _page(language: str, title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="{language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{escape(title)} · Winux</title>
  <link rel="icon" type="image/svg+xml" href="page/icon.svg">
  <link rel="stylesheet" href="page/style.css">
</head>
<body>
  <header class="top">
    <a class="brand" href="./"><img src="page/icon.svg" alt="" width="32" height="32"><span>Winux</span></a>
  </header>
  <main id="main">
    <section class="launch">
      <h1>{escape(title)}</h1>
      {content}
    </section>
  </main>
</body>
</html>
"""
