"""Tokens of people and programs that were given out beforehand, and the file that knows them.

A token is ``wxk_`` and 256 bits of chance. The file has its SHA-256 only: where there is nothing to guess, a slow hash
would slow down nobody but this server, and every request would pay for it. Nobody can choose a token, so that nobody
can choose a bad one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.api.fields import Owner
from controller.web.people import Role

PREFIX = "wxk_"
ROLES = (Role.USER, Role.OPERATOR, Role.ADMIN)
_TOKEN = re.compile(r"wxk_[A-Za-z0-9_-]{43}\Z", re.ASCII)
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_LARGEST = 1 << 20


class NoTokens(Exception):
    """The file cannot be used; ``str()`` is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a token belongs to."""

    name: str
    role: Role
    digest: str = field(repr=False)
    """The SHA-256 of the token, as hex."""


def new_token() -> str:
    return PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(text: str | None) -> bool:
    """Whether it has the form of one."""
    return text is not None and _TOKEN.match(text) is not None


class TokensFile:
    """The file, read anew when it changed. Safe to use from several threads.

    One that cannot be used any more lets nobody in: who was removed from it must not come back by a mistake in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._holders: Mapping[str, Holder] = {}
        self._problem: str | None = None

    def holder(self, token: str) -> Holder | None:
        """Raises ``NoTokens``."""
        return self.by_digest(token_digest(token)) if is_token(token) else None

    def by_digest(self, digest: str) -> Holder | None:
        """Whose token has this SHA-256. Takes as long for a wrong one as for a right one. Raises ``NoTokens``."""
        found = None
        for holder in self.holders().values():
            if hmac.compare_digest(holder.digest.encode(), digest.encode()):
                found = holder
        return found

    def holders(self) -> Mapping[str, Holder]:
        """All of them, by their digest. Raises ``NoTokens``."""
        with self._lock:
            stamp = self._now()
            if stamp is None or stamp != self._stamp:
                try:
                    self._holders, self._problem = read_tokens(self._path), None
                except NoTokens as problem:
                    self._holders, self._problem = {}, str(problem)
                self._stamp = stamp
            if self._problem is not None:
                raise NoTokens(self._problem)
            return self._holders

    def _now(self) -> tuple[int, ...] | None:
        """What changes whenever the file does: whoever replaces it, or writes into it."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Owner
    role: Role = Role.USER
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tokens: tuple[_Entry, ...]


def read_tokens(path: Path) -> dict[str, Holder]:
    """By digest. Raises ``NoTokens``; what was found is not quoted, as it may be a token after all."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise NoTokens(f"cannot read the tokens in {path}: {(error.strerror or str(error)).lower()}") from None
    if mode & _OTHERS_MAY_WRITE:
        raise NoTokens(f"{path} says who may do what and others may write it; run `chmod go-w {path}`")
    if len(raw) > _LARGEST:
        raise NoTokens(f"{path} is larger than 1 MiB; it should list tokens")
    try:
        document = _Document.model_validate(yaml.safe_load(raw.decode()))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise NoTokens(f"{path} is no YAML; `winux token new NAME` shows what an entry looks like") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise NoTokens(f"{path}: {where}: {_said(first['msg'])}") from None
    return _unique(path, document)


def _unique(path: Path, document: _Document) -> dict[str, Holder]:
    holders: dict[str, Holder] = {}
    for entry in document.tokens:
        if entry.role is Role.GUEST:
            raise NoTokens(f"{path}: {entry.name} is a guest, which is who has no token; allowed: {', '.join(ROLES)}")
        if entry.sha256 in holders:
            raise NoTokens(f"{path}: {holders[entry.sha256].name} and {entry.name} have the same token; make a new one")
        holders[entry.sha256] = Holder(name=entry.name, role=entry.role, digest=entry.sha256)
    return holders


def _said(message: str) -> str:
    return message[:1].lower() + message[1:]
