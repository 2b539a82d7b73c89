"""Which rights a token needs, how rights are inherited, and the pveum lines that grant what is missing."""

from __future__ import annotations

import pytest

from controller.proxmox.rights import Bridge, Needs, can_observe, check_rights, grants, holds, needed_rights

TOKEN = "winux@pve!ctl"
NEEDS = Needs(
    pool="winux",
    storages=("local-zfs",),
    archives=("local:vztmpl/winux.tar.zst",),
    templates=(9000,),
    bridges=(Bridge(name="vmbr0"), Bridge(name="vmbr1", vlan=20)),
)
POOL = frozenset(
    {
        "Pool.Audit",
        "VM.Allocate",
        "VM.Audit",
        "VM.Config.CPU",
        "VM.Config.Disk",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.PowerMgmt",
    }
)
ENOUGH = {
    "/pool/winux": POOL,
    "/vms/9000": frozenset({"VM.Clone"}),
    "/storage/local-zfs": frozenset({"Datastore.AllocateSpace"}),
    "/storage/local": frozenset({"Datastore.Audit"}),
    "/sdn/zones/localnetwork/vmbr0": frozenset({"SDN.Use"}),
    "/sdn/zones/localnetwork/vmbr1": frozenset({"SDN.Use"}),
}


def missing(permissions: dict[str, frozenset[str]]) -> list[tuple[str, str]]:
    rights = check_rights(permissions, NEEDS, token_id=TOKEN)
    return [(right.path, right.privilege) for right in rights if not right.held and not right.optional]


def test_rights_on_the_pool_the_storages_and_the_bridges_are_enough() -> None:
    assert missing(ENOUGH) == []


def test_all_rights_are_enough() -> None:
    everything = POOL | {"VM.Clone", "Datastore.AllocateSpace", "SDN.Use"}
    assert missing({"/": everything}) == []


def test_no_rights_lack_each() -> None:
    lacking = missing({})
    assert len(lacking) == len(POOL) + 1 + 2 + 2
    assert ("/sdn/zones/localnetwork/vmbr1/20", "SDN.Use") in lacking


@pytest.mark.parametrize("path", ENOUGH)
def test_each_path_is_needed(path: str) -> None:
    less = {key: value for key, value in ENOUGH.items() if key != path}
    assert missing(less)


@pytest.mark.parametrize("privilege", sorted(POOL))
def test_each_right_on_the_pool_is_needed(privilege: str) -> None:
    assert missing({**ENOUGH, "/pool/winux": POOL - {privilege}}) == [("/pool/winux", privilege)]


def test_the_storage_of_the_archive_may_as_well_be_one_for_disks() -> None:
    rights = check_rights({"/storage": frozenset({"Datastore.AllocateSpace"})}, NEEDS, token_id=TOKEN)
    storage = [right for right in rights if right.path.startswith("/storage")]
    assert [(right.privilege, right.held) for right in storage] == [
        ("Datastore.AllocateSpace", True),
        ("Datastore.Audit", True),
    ]


def test_reading_all_guests_and_seeing_the_templates_is_optional() -> None:
    optional = [right for right in check_rights(ENOUGH, NEEDS, token_id=TOKEN) if right.optional]
    assert [(right.path, right.privilege, right.held) for right in optional] == [
        ("/vms/9000", "VM.Audit", False),
        ("/vms", "VM.Audit", False),
    ]


@pytest.mark.parametrize(
    ("permissions", "held"),
    [
        ({"/pool/winux": frozenset({"VM.Audit"})}, True),
        ({"/pool": frozenset({"VM.Audit"})}, True),
        ({"/": frozenset({"VM.Audit"})}, True),
        ({"/": frozenset({"VM.Audit"}), "/pool/winux": frozenset()}, False),
        ({"/": frozenset({"VM.Audit"}), "/pool": frozenset({"Pool.Audit"})}, False),
        ({"/pool/winu": frozenset({"VM.Audit"})}, False),
        ({"/pool/winux/sub": frozenset({"VM.Audit"})}, False),
        ({}, False),
    ],
    ids=["itself", "above", "root", "taken away on the path", "replaced in between", "a prefix", "below", "nowhere"],
)
def test_a_right_is_inherited_from_the_nearest_path_above(permissions: dict[str, frozenset[str]], held: bool) -> None:
    assert holds(permissions, "/pool/winux", "VM.Audit") is held


@pytest.mark.parametrize(
    ("permissions", "can"),
    [
        ({"/pool/winux": frozenset({"VM.Audit", "Pool.Audit"})}, True),
        ({"/": frozenset({"VM.Audit", "Pool.Audit"})}, True),
        ({"/vms": frozenset({"VM.Audit"}), "/pool/winux": frozenset({"Pool.Audit"})}, True),
        ({"/pool/winux": frozenset({"VM.Audit"})}, False),
        ({"/pool/winux": frozenset({"Pool.Audit"})}, False),
        ({"/pool/other": frozenset({"VM.Audit", "Pool.Audit"})}, False),
        ({}, False),
    ],
)
def test_a_list_of_guests_is_believed_only_with_the_right_to_see_them(
    permissions: dict[str, frozenset[str]], can: bool
) -> None:
    assert can_observe(permissions, "winux") is can


def test_the_lines_that_grant_one_right() -> None:
    rights = {right.privilege: right for right in needed_rights(NEEDS, token_id=TOKEN)}
    make_role, *grant = rights["VM.PowerMgmt"].pveum.splitlines()
    assert make_role == (
        'pveum role add WinuxPool --privs "VM.PowerMgmt" 2>/dev/null || '
        'pveum role modify WinuxPool --append 1 --privs "VM.PowerMgmt"'
    )
    assert grant == [
        "pveum acl modify /pool/winux --users 'winux@pve' --roles WinuxPool",
        "pveum acl modify /pool/winux --tokens 'winux@pve!ctl' --roles WinuxPool",
    ]


@pytest.mark.parametrize(("privsep", "for_token"), [(None, True), (True, True), (False, False)])
def test_a_separated_token_needs_its_own_entry(privsep: bool | None, for_token: bool) -> None:
    rights = needed_rights(NEEDS, token_id=TOKEN, privsep=privsep)
    assert all(("--tokens" in right.pveum) is for_token for right in rights)
    assert all("--users 'winux@pve'" in right.pveum for right in rights)


def test_a_role_made_for_one_kind_of_path_is_granted_on_no_other() -> None:
    kinds: dict[str, set[str]] = {}
    for right in needed_rights(NEEDS, token_id=TOKEN, privsep=False):
        role = right.pveum.rpartition("--roles ")[2]
        kinds.setdefault(role, set()).add(right.path.replace("/vms/", "/template/").split("/")[1])
    assert {role: len(paths) for role, paths in kinds.items()} == dict.fromkeys(kinds, 1)
    assert len(kinds) == 6


def test_the_script_has_one_role_and_one_entry_per_path() -> None:
    lacking = [right for right in check_rights({}, NEEDS, token_id=TOKEN) if not right.optional]
    script = grants(lacking, token_id=TOKEN, privsep=False)
    assert len(script) == 2 * len({right.path for right in lacking})
    assert all(privilege in script[0] for privilege in POOL)
    assert script[1] == "pveum acl modify /pool/winux --users 'winux@pve' --roles WinuxPool"
