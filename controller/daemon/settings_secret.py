"""The API token's secret: taken from the settings or the file they name, refused where too many may read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from controller.daemon.settings_legacy import TOKEN_SECRET
from controller.daemon.settings_sources import LEAVES, Given, Source

DIRECT = "proxmox.tokenSecret"
IN_FILE = "proxmox.tokenSecretFile"

_SECRET_TEXT = re.compile(r"[!-~]+")
_URL_WITH_PASSWORD = re.compile(r"[^:/]+://[^/@]*:[^/@]+@")
_OTHERS_MAY_READ = 0o004


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSecret:
    """``value`` is None where ``problem``, one sentence, says why. ``note`` is a sentence to log."""

    value: SecretStr | None = None
    problem: str | None = None
    note: str | None = None


def read_secret(given: Mapping[str, Given]) -> TokenSecret:
    """The path in ``given`` is absolute."""
    direct, in_file = given.get(DIRECT), given.get(IN_FILE)
    if direct is not None and in_file is not None:
        return TokenSecret(problem=f"{in_file.place}: {DIRECT} and {IN_FILE} are both given; keep one of them")
    if direct is not None:
        return _checked(direct.value, direct.place)
    if in_file is None:
        variable = LEAVES[DIRECT].variable
        return TokenSecret(problem=f"the API token's secret is missing; set {variable}, or {IN_FILE} in the file")
    path = Path(str(in_file.value))
    try:
        text = path.read_text(encoding="utf-8")
        exposed = path.stat().st_mode & _OTHERS_MAY_READ
    except OSError as error:
        return TokenSecret(problem=f"{in_file.place}: cannot read {path}: {(error.strerror or str(error)).lower()}")
    except UnicodeDecodeError:
        return TokenSecret(problem=f"{in_file.place}: {path} is no text file")
    note = f"{path} holds a secret and everybody may read it; run `chmod o-r {path}`" if exposed else None
    return _checked(text.strip(), in_file.place, note=note)


def exposed_secrets(file: Path | None, document: Source) -> list[str]:
    """A sentence for every secret in a configuration file that more than its owner may read."""
    if not document.readable_by_others:
        return []
    found = [document.values.get(DIRECT), document.old.get(TOKEN_SECRET)]
    ledger = document.values.get("ledger.url")
    if ledger is not None and _URL_WITH_PASSWORD.match(str(ledger.value)):
        found.append(ledger)
    return [
        f"{given.place}: a secret in a file that others may read; run `chmod 600 {file}`, or put it into a variable"
        for given in found
        if given is not None
    ]


def _checked(text: object, place: str, *, note: str | None = None) -> TokenSecret:
    if not isinstance(text, str) or not _SECRET_TEXT.fullmatch(text):
        return TokenSecret(problem=f"{place}: no token's secret; it is one word, as `pveum user token add` printed it")
    return TokenSecret(value=SecretStr(text), note=note)
