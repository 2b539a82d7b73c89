"""Users, tokens, roles, access lists and pools, and the rights that follow (PVE::AccessControl, PVE::RPCEnvironment).

Who somebody is (secrets, tickets) is decided in ``authentication``; which right a call needs stands with the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from controller.node.errors import forbidden
from controller.node.journal import Journal
from controller.node.privileges import PVE9, Catalogue

ROOT = "root@pam"
_NAME = r"[\w.\-]+"
_ACL_PATH = re.compile(
    rf"/|/access(/groups(/{_NAME})?|/realm(/{_NAME})?)?|/nodes(/{_NAME})?|/pool(/{_NAME}){{0,3}}|/storage(/{_NAME})?"
    rf"|/sdn(/{_NAME}){{0,2}}|/sdn/zones/{_NAME}/{_NAME}(/[1-9]\d{{0,3}})?|/vms(/[1-9]\d{{2,8}})?"
    rf"|/mapping(/(dir|notifications|pci|usb)(/{_NAME})?)?",
    re.ASCII,
)
"""PVE::AccessControl::check_path."""
_ANY_GUEST = "/vms/*"
"""Stands for every guest that has no access list of its own, so that their rights are computed once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: a user, or one of a user's tokens."""

    user: str
    token: str | None = None

    @property
    def authid(self) -> str:
        """``user@realm`` or ``user@realm!token``, as it stands in a UPID."""
        return f"{self.user}!{self.token}" if self.token else self.user


@dataclass(slots=True)
class User:
    enabled: bool = True
    expires: int = 0
    """Unix seconds; 0 is never."""
    comment: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Token:
    secret: str = field(repr=False)
    privsep: bool = True
    expires: int = 0
    comment: str = ""


@dataclass(slots=True)
class Group:
    comment: str = ""
    users: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Pool:
    comment: str | None = None
    vmids: set[int] = field(default_factory=set)
    storages: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class AclKey:
    kind: str
    """``user``, ``token`` or ``group``."""
    name: str


class Access:
    """The content of user.cfg and what it means."""

    def __init__(self, journal: Journal | None = None, rights: Catalogue = PVE9) -> None:
        self._journal = journal or Journal()
        self.rights = rights
        """What the release knows of privileges and built-in roles."""
        self.users: dict[str, User] = {ROOT: User()}
        self.tokens: dict[str, Token] = {}
        self.groups: dict[str, Group] = {}
        self.roles: dict[str, frozenset[str]] = dict(rights.roles)
        self.pools: dict[str, Pool] = {}
        self.pool_of: dict[int, str] = {}
        self.acl: dict[str, dict[AclKey, dict[str, bool]]] = {}
        """Path → who → role → whether it is inherited below."""
        self._cache: dict[tuple[str, str], dict[str, bool]] = {}

    # changes

    def changed(self) -> None:
        """Call after any change of users, tokens, groups, roles, lists or pools; membership is read live."""
        self._journal.rights()
        self._cache.clear()

    def grant(self, path: str, key: AclKey, roles: Iterable[str], *, propagate: bool = True) -> None:
        self.acl.setdefault(normal(path), {}).setdefault(key, {}).update(dict.fromkeys(roles, propagate))
        self.changed()

    def revoke(self, path: str, key: AclKey, roles: Iterable[str]) -> None:
        entries = self.acl.get(normal(path), {})
        for role in roles:
            entries.get(key, {}).pop(role, None)
        if not entries.get(key):
            entries.pop(key, None)
        if not entries:
            self.acl.pop(normal(path), None)
        self.changed()

    def join_pool(self, vmid: int, pool: str) -> None:
        self.leave_pool(vmid)
        self.pools[pool].vmids.add(vmid)
        self.pool_of[vmid] = pool
        self._journal.rights()

    def leave_pool(self, vmid: int) -> None:
        if pool := self.pool_of.pop(vmid, None):
            self.pools[pool].vmids.discard(vmid)
            self._journal.rights()

    def forget_guest(self, vmid: int) -> None:
        """What every destroy does: the guest's own access lists and its membership go."""
        self.leave_pool(vmid)
        if self.acl.pop(f"/vms/{vmid}", None) is not None:
            self.changed()

    # questions

    def permissions(self, who: Identity, path: str) -> dict[str, bool]:
        """The privileges on a path, each with whether it is inherited below. Do not change the result."""
        path = normal(path)
        return self._both(who, lambda authid: self._of(authid, path))

    def has(self, who: Identity, path: str, *names: str, anyone: bool = False) -> bool:
        """Whether all (or any one) of the privileges are there."""
        held = self.permissions(who, path)
        return any(name in held for name in names) if anyone else all(name in held for name in names)

    def viewer(self, who: Identity, privilege: str) -> Callable[[int], bool]:
        """The same question about many guests: a function of the VMID, valid until something changes."""
        explicit = {
            int(path.removeprefix("/vms/")): self.has(who, path, privilege)
            for path in self.acl
            if path.startswith("/vms/") and path.removeprefix("/vms/").isdecimal()
        }
        everywhere = self.has(who, _ANY_GUEST, privilege)
        lends = {pool: privilege in self._both(who, self._of_member(pool)) for pool in self.pools}
        pool_of = self.pool_of

        def sees(vmid: int) -> bool:
            if vmid in explicit:
                return explicit[vmid]
            return everywhere or lends.get(pool_of.get(vmid, ""), False)

        return sees

    def need(self, who: Identity, path: str, *names: str, anyone: bool = False) -> None:
        """Refuse with 403 unless the privileges are there; the text names the path and the first that is missing."""
        if not self.has(who, path, *names, anyone=anyone):
            missing = (name for name in names if not self.has(who, path, name))
            raise forbidden(f"{path}, {'|'.join(names) if anyone else next(missing)}")

    def _both(self, who: Identity, held: Callable[[str], dict[str, bool]]) -> dict[str, bool]:
        """What a user holds; of a token with privilege separation, what it and its user both hold."""
        if who.token is None or not self.tokens[who.authid].privsep:
            return held(who.user)
        own, owner = held(who.authid), held(who.user)
        return {name: inherited and owner[name] for name, inherited in own.items() if name in owner}

    def _of(self, authid: str, path: str) -> dict[str, bool]:
        """Rights of a user or of a token's own lists, with those that a pool lends to its members."""
        if not path.startswith("/vms/"):
            return self._listed(authid, path)
        vmid = path.removeprefix("/vms/")
        pool = self.pool_of.get(int(vmid)) if vmid.isdecimal() else None
        return self._in_pool(authid, path if path in self.acl else _ANY_GUEST, pool)

    def _of_member(self, pool: str) -> Callable[[str], dict[str, bool]]:
        return lambda authid: self._in_pool(authid, _ANY_GUEST, pool)

    def _in_pool(self, authid: str, path: str, pool: str | None) -> dict[str, bool]:
        own = self._listed(authid, path)
        if pool is None or "NoAccess" in self._roles(authid, path):
            return own
        return {**self._listed(authid, f"/pool/{pool}"), **own}

    def _listed(self, authid: str, path: str) -> dict[str, bool]:
        key = (authid, path)
        if key not in self._cache:
            held: dict[str, bool] = {}
            for role, inherited in self._roles(authid, path).items():
                for name in self.roles.get(role, ()):
                    held[name] = held.get(name, False) or inherited
            self._cache[key] = held
        return self._cache[key]

    def _roles(self, authid: str, path: str) -> dict[str, bool]:
        """A deeper entry replaces what was inherited from above; on one path a user's own outdoes those of groups."""
        if authid == ROOT:
            return {"Administrator": True}
        key = AclKey("token" if "!" in authid else "user", authid)
        groups = [AclKey("group", name) for name, group in self.groups.items() if authid in group.users]
        roles: dict[str, bool] = {}
        for place in lineage(path):
            entries = self.acl.get(place)
            if entries:
                roles = (
                    self._valid(entries, [key], final=place == path)
                    or self._valid(entries, groups, final=place == path)
                    or roles
                )
        return {"NoAccess": roles["NoAccess"]} if "NoAccess" in roles else roles

    @staticmethod
    def _valid(entries: dict[AclKey, dict[str, bool]], keys: list[AclKey], *, final: bool) -> dict[str, bool]:
        """The roles of an access list that count: those that are inherited, and all of the path itself."""
        return {
            role: inherited for key in keys for role, inherited in entries.get(key, {}).items() if inherited or final
        }


def normal(path: str) -> str:
    """``/vms/100`` for ``vms//100/``."""
    return "/" + "/".join(part for part in path.split("/") if part)


def is_normal(path: str) -> bool:
    """Whether rights on it can be looked up at all; if not, a refusal names no path."""
    return re.fullmatch(r"[\w.\-/]+", path) is not None


def is_path(path: str) -> bool:
    """Whether an access list may be about it."""
    return _ACL_PATH.fullmatch(normal(path)) is not None


def lineage(path: str) -> list[str]:
    """The path and all above it, from the root down."""
    parts = [part for part in path.split("/") if part]
    return ["/"] + ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
