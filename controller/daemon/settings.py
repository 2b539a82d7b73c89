"""The settings of the daemon: variables over the file over the old system's names over the defaults.

The fields and their limits are in ``settings_model``; ``load`` reads, checks everything at once and says what is
wrong in one sentence each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, PrivateAttr, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from controller.api.quantities import shown
from controller.daemon import settings_legacy as legacy
from controller.daemon.settings_model import AllSections
from controller.daemon.settings_secret import DIRECT, IN_FILE, exposed_secrets, read_secret
from controller.daemon.settings_sources import LEAVES, Given, Leaf, Source, from_file, from_variables

_PATHS = frozenset(
    {
        *("manifests.path", "proxmox.caFile", "admin.socket", "guest.sshKeyFile", IN_FILE),
        *("events.file", "events.webhook.secretFile", "events.webhook.caFile"),
        *("web.tokensFile", "web.oidc.clientSecretFile", "web.oidc.caFile", "web.captcha.secretFile"),
    }
)
_HIDDEN = frozenset({"ledger.url", "events.webhook.url", DIRECT})
_ALTERNATIVES = ((DIRECT, IN_FILE), ("proxmox.caFile", "proxmox.fingerprint"))
"""Of each pair one is given; a stronger source's one takes the place of a weaker one's other."""
_RELATIVE_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")
_RELOADABLE_GROUPS = ("defaults.", "events.", "guards.", "web.quotas.", "web.rate.")
_RELOADABLE = frozenset(
    {
        "guest.language",
        "log.level",
        "log.levels",
        "manifests.grace",
        "manifests.rescan",
        "proxmox.inFlightPerNode",
        "proxmox.tick",
        "web.keep",
        "web.maxDuration",
        "web.templates",
        "web.wait",
        DIRECT,
    }
)

_Section = TypeVar("_Section", bound=BaseModel)


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` has one sentence for every mistake, ``str()`` one line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(AllSections):
    """Checked settings. Paths are absolute."""

    _secret: SecretStr = PrivateAttr()
    _notes: tuple[str, ...] = PrivateAttr(default=())

    def secret(self) -> SecretStr:
        """The API token's secret, as ``load`` found it in a variable or a file."""
        return self._secret

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences to log at the start: old names that were used, a secret that too many may read."""
        return self._notes

    def complete(self, *, secret: SecretStr, notes: Iterable[str]) -> Settings:
        """Add what stands in no field; for ``load``."""
        self._secret = secret
        self._notes = tuple(notes)
        return self


def load(file: Path | None, environ: Mapping[str, str]) -> Settings:
    """Raises ``SettingsError``. Relative paths are relative to the file's directory, or to the working directory."""
    variables = from_variables(environ, old_names=legacy.OLD_NAMES)
    document = Source() if file is None else from_file(file, old_names=legacy.OLD_NAMES)
    today = _merge(document.values, variables.values)
    translation = legacy.translate(document.old | variables.old, superseded=_superseded(today))
    base = Path.cwd() if file is None else file.absolute().parent
    given = _resolve_paths(_merge(translation.values, today), base)
    problems = [*variables.problems, *document.problems, *translation.problems, *exposed_secrets(file, document)]
    # While a file is not understood, what is missing proves nothing.
    understood = not document.problems and not translation.problems
    secret = read_secret(given)
    if secret.problem is not None and (understood or given.keys() & {DIRECT, IN_FILE}):
        problems.append(secret.problem)
    settings = None
    try:
        settings = Settings.model_validate(_nested(given))
    except ValidationError as error:
        mistakes = [one for one in error.errors(include_url=False) if understood or one["type"] != "missing"]
        problems += [_sentence(mistake, given, file) for mistake in mistakes]
    if problems or settings is None or secret.value is None:
        raise SettingsError(dict.fromkeys(problems))
    notes = translation.notes if secret.note is None else [*translation.notes, secret.note]
    return settings.complete(secret=secret.value, notes=notes)


def reloadable_changes(old: Settings, new: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What differs: the keys that take effect on a reload, and those that need a restart (``proxmox.url`` …)."""
    changed = {leaf.key for leaf in LEAVES.values() if _value(old, leaf) != _value(new, leaf)}
    # The secret counts by what it is, not by where it stands.
    changed -= {DIRECT, IN_FILE}
    if old.secret() != new.secret():
        changed.add(DIRECT)
    reloadable = {key for key in changed if _is_reloadable(key)}
    return tuple(sorted(reloadable)), tuple(sorted(changed - reloadable))


def reloaded(old: Settings, new: Settings) -> Settings:
    """The old ones with all that can change while running taken from the new: the rest waits for a restart."""
    after = old
    for leaf in LEAVES.values():
        if _is_reloadable(leaf.key):
            after = _replaced(after, leaf.path, _value(new, leaf))
    return after.complete(secret=new.secret(), notes=new.notes)


def _is_reloadable(key: str) -> bool:
    return key in _RELOADABLE or key.startswith(_RELOADABLE_GROUPS)


def _replaced(section: _Section, path: tuple[str, ...], value: object) -> _Section:
    name, *below = path
    return section.model_copy(update={name: _replaced(getattr(section, name), tuple(below), value) if below else value})


def _value(settings: Settings, leaf: Leaf) -> object:
    value: object = settings
    for name in leaf.path:
        value = getattr(value, name)
    return value


def _merge(weaker: Mapping[str, Given], stronger: Mapping[str, Given]) -> dict[str, Given]:
    hidden = _superseded(stronger)
    return {key: given for key, given in weaker.items() if key not in hidden} | dict(stronger)


def _superseded(given: Mapping[str, Given]) -> frozenset[str]:
    """Keys for which weaker sources no longer count: those given, and their alternatives."""
    return frozenset(given).union(*(pair for pair in _ALTERNATIVES if any(key in given for key in pair)))


def _resolve_paths(given: Mapping[str, Given], base: Path) -> dict[str, Given]:
    resolved = {"manifests.path": Given("manifests", "manifests.path"), **given}
    for key, one in resolved.items():
        if not isinstance(one.value, str) or not one.value:
            continue
        if key in _PATHS:
            resolved[key] = Given(str(base / one.value), one.place)
        elif key == "ledger.url" and (match := _RELATIVE_SQLITE.fullmatch(one.value)):
            resolved[key] = Given(f"{match.group(1)}{base / match.group(2)}", one.place)
    return resolved


def _nested(given: Mapping[str, Given]) -> dict[str, object]:
    """As the models want them, and name them in their errors: a mapping of sections, by camelCase names."""
    top: dict[str, object] = {"proxmox": {}}
    for key, one in given.items():
        *above, name = key.split(".")
        section = top
        for part in above:
            section = cast("dict[str, object]", section.setdefault(part, {}))
        section[name] = one.value
    return top


def _sentence(mistake: ErrorDetails, given: Mapping[str, Given], file: Path | None) -> str:
    # The number of a list's item stands behind its key.
    key = ".".join(part for part in mistake["loc"] if isinstance(part, str))
    if mistake["type"] == "missing":
        place = f"{file}: {key}" if file is not None else key
        return f"{place} is missing; set it in the configuration file or as {LEAVES[key].variable}"
    place = given[key].place if key in given else f"{file}: {key}" if file is not None else key
    if mistake["type"] == "string_type":
        found = "a value" if key in _HIDDEN else shown(mistake["input"])
        return f"{place}: found {found}, which is no text; put it in quotes"
    error = mistake.get("ctx", {}).get("error")
    return f"{place}: {mistake['msg'] if error is None else error}"
