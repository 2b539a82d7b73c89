"""The old system's names, ``proxmox_api_host`` and the like, in terms of the settings of today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.api.quantities import shown
from controller.daemon.settings_sources import LEAVES, Given

HOST = "proxmox_api_host"
USER = "proxmox_api_user"
TOKEN_ID = "proxmox_api_token_id"  # noqa: S105  (a name)
TOKEN_SECRET = "proxmox_api_token_secret"  # noqa: S105  (a name)
NODE = "proxmox_node"

SUCCESSORS = {
    HOST: "proxmox.url",
    USER: "proxmox.tokenId",
    TOKEN_ID: "proxmox.tokenId",
    TOKEN_SECRET: "proxmox.tokenSecret",
    NODE: "defaults.nodes",
}
OLD_NAMES = frozenset(SUCCESSORS)
_API_PORT = 8006


@dataclass(slots=True)
class Translation:
    """``values`` by today's keys. ``notes`` are sentences to log, one for each old name that was used."""

    values: dict[str, Given] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def translate(old: Mapping[str, Given], *, superseded: frozenset[str]) -> Translation:
    """``superseded``: today's keys that are given as well, and win."""
    result = Translation()
    for name, given in sorted(old.items()):
        key = SUCCESSORS[name]
        use = f"use {LEAVES[key].variable}, or {key} in the configuration file"
        if key in superseded:
            result.notes.append(f"{given.place} is an old name and is ignored, because {key} is given too; remove it")
        else:
            result.notes.append(f"{given.place} is an old name that will be dropped one day; {use}")
    wanted = {name: given for name, given in old.items() if SUCCESSORS[name] not in superseded}
    if host := wanted.get(HOST):
        result.values["proxmox.url"] = Given(_url(host.value), host.place)
    for name in (TOKEN_SECRET, NODE):
        if name in wanted:
            result.values[SUCCESSORS[name]] = wanted[name]
    _join_token_id(wanted, result)
    return result


def _url(host: object) -> object:
    """``pve1``, ``pve1:8006`` or an address, to a URL. What is none is left for the validation to refuse."""
    if not isinstance(host, str) or host.startswith(("https://", "http://")):
        return host
    if host.count(":") > 1 and not host.startswith("["):
        return f"https://[{host}]:{_API_PORT}"
    has_port = ":" in host.rpartition("]")[2]
    return f"https://{host}" if has_port else f"https://{host}:{_API_PORT}"


def _join_token_id(wanted: Mapping[str, Given], result: Translation) -> None:
    """``user@realm`` and the token's name, in one or in two."""
    user, token = wanted.get(USER), wanted.get(TOKEN_ID)
    whole = next(
        (given for given in (token, user) if given and isinstance(given.value, str) and "!" in given.value), None
    )
    if whole is not None:
        result.values["proxmox.tokenId"] = whole
    elif user is not None and token is not None:
        result.values["proxmox.tokenId"] = Given(f"{user.value}!{token.value}", token.place)
    elif user is not None:
        result.problems.append(
            f"{user.place}: {shown(user.value)} is a user without a token; set {TOKEN_ID} too, or write user@realm!name"
        )
    elif token is not None:
        result.problems.append(
            f"{token.place}: {shown(token.value)} is a token without its user; set {USER} too, or write user@realm!name"
        )
