"""Config: what comes back of what was written, digests, locks, deletion, the waiting for the file's lock."""

from __future__ import annotations

import pytest

from tests.unit.node.lab import Lab

STALE = "detected modified configuration - file changed by other user? Try again."


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("one", "one\n"),
        ("a\nb", "a\nb\n"),
        ("\n  key: value\n#c", "\n  key: value\n#c\n"),
        ("100% %41 ü € 💻 = & + ? \\ \"'", "100% %41 ü € 💻 = & + ? \\ \"'\n"),
        ("ends with lines\n\n", "ends with lines\n"),
    ],
)
def test_a_description_comes_back_exactly_with_one_newline_at_its_end(lab: Lab, text: str, read: str) -> None:
    lab.create()
    assert lab.root.put(lab.ct(100, "/config"), description=text).document == {"data": None}
    assert lab.config(100)["description"] == read


def test_an_empty_description_is_none(lab: Lab) -> None:
    lab.create(description="x")
    lab.root.put(lab.ct(100, "/config"), description="")
    assert "description" not in lab.config(100)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Zeta,alpha;beta alpha", "alpha;beta;zeta"), ("a", "a"), ("", " "), ("b c_d-e.f+g", "b;c_d-e.f+g")],
)
def test_tags_are_lowered_sorted_and_kept_once(lab: Lab, given: str, kept: str) -> None:
    lab.create()
    lab.root.put(lab.ct(100, "/config"), tags=given)
    assert lab.config(100)["tags"] == kept


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({}, (500, "no options specified")),
        ({"delete": "memory"}, (500, "unable to delete required option 'memory'")),
        ({"delete": "unprivileged"}, (500, "unable to delete read-only option: 'unprivileged'")),
        ({"unprivileged": 0}, (500, "unable to modify read-only option: 'unprivileged'")),
        ({"memory": 65, "digest": "0" * 40}, (500, STALE)),
    ],
)
def test_changes_that_are_refused_change_nothing(lab: Lab, params: dict[str, object], refusal: tuple[int, str]) -> None:
    before = lab.config(lab.create())
    assert lab.root.put(lab.ct(100, "/config"), **params).refusal == refusal
    assert lab.config(100) == before


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"delete": "foo"}, "unknown option 'foo'"),
        ({"delete": "onboot", "onboot": 1}, "you can't use '-onboot' and -delete onboot' at the same time"),
    ],
)
def test_deletions_that_make_no_sense(lab: Lab, params: dict[str, object], text: str) -> None:
    answer = lab.root.put(lab.ct(lab.create(), "/config"), **params)
    assert answer.document["errors"] == {"delete": text}


def test_options_are_deleted_and_an_absent_one_is_no_error(lab: Lab) -> None:
    lab.create(tags="a", description="x", protection=1)
    assert lab.root.put(lab.ct(100, "/config"), delete="tags,description,protection,onboot").status == 200
    assert not {"tags", "description", "protection", "onboot"} & set(lab.config(100))


def test_the_digest_is_that_of_the_content(lab: Lab) -> None:
    lab.create(100, description="same", hostname="same")
    first = lab.config(100)["digest"]
    assert lab.config(100)["digest"] == first
    lab.root.put(lab.ct(100, "/config"), onboot=1)
    assert lab.config(100)["digest"] != first
    lab.root.put(lab.ct(100, "/config"), delete="onboot")
    assert lab.config(100)["digest"] == first


def test_of_several_who_write_with_one_digest_the_first_wins(lab: Lab) -> None:
    digest = lab.config(lab.create())["digest"]
    answers = [lab.root.put(lab.ct(100, "/config"), description=f"claim {n}", digest=digest) for n in range(3)]
    assert [answer.refusal for answer in answers] == [(200, "OK"), (500, STALE), (500, STALE)]


def test_a_write_that_changes_nothing_keeps_the_digest(lab: Lab) -> None:
    digest = lab.config(lab.create(description="same"))["digest"]
    answers = [lab.root.put(lab.ct(100, "/config"), description="same", digest=digest) for _ in range(3)]
    assert {answer.status for answer in answers} == {200}


def test_a_locked_config_cannot_be_written_and_no_token_unlocks_it(lab: Lab) -> None:
    lab.create()
    assert lab.root.put(lab.ct(100, "/config"), lock="backup").status == 200
    assert lab.root.put(lab.ct(100, "/config"), delete="lock").refusal == (500, "CT is locked (backup)")
    lab.door.unlock(100)
    assert lab.root.put(lab.ct(100, "/config"), onboot=1).status == 200


def test_a_change_during_a_create_waits_for_it(slow: Lab) -> None:
    slow.begin()
    assert slow.root.put(slow.ct(100, "/config"), tags="late").status == 200
    config = slow.config(100)
    assert (config["tags"], config["memory"]) == ("late", 64)


def test_without_quorum_nothing_is_written(lab: Lab) -> None:
    lab.create()
    lab.door.set_quorum(quorate=False)
    answer = lab.root.put(lab.ct(100, "/config"), onboot=1)
    assert answer.status == 500
    assert answer.reason.startswith("unable to open file '/etc/pve/nodes/pve1/lxc/100.conf.tmp.")
    assert answer.reason.endswith("' - Permission denied")


def test_a_network_keeps_its_mac_when_it_is_written_without(lab: Lab) -> None:
    lab.create(net0="name=eth0,bridge=vmbr0,ip=dhcp")
    before = lab.config(100)["net0"].split("hwaddr=")[1][:17]
    lab.root.put(lab.ct(100, "/config"), net0="name=eth0,bridge=vmbr0,ip=10.0.0.9/24")
    assert lab.config(100)["net0"] == f"name=eth0,bridge=vmbr0,hwaddr={before},ip=10.0.0.9/24,type=veth"


@pytest.mark.parametrize(
    ("params", "privilege"),
    [
        ({"cores": 2}, "VM.Config.CPU"),
        ({"memory": 128}, "VM.Config.Memory"),
        ({"hostname": "other"}, "VM.Config.Network"),
        ({"description": "x"}, "VM.Config.Options"),
        ({"tags": "x"}, "VM.Config.Options"),
        ({"delete": "onboot"}, "VM.Config.Options"),
    ],
)
def test_each_option_wants_its_privilege(lab: Lab, params: dict[str, object], privilege: str) -> None:
    lab.create(client=lab.limited, pool="winux")
    roles = lab.node.cluster.access.roles
    lab.door.set_role("WinuxController", roles["WinuxController"] - {privilege})
    answer = lab.limited.put(lab.ct(100, "/config"), **params)
    assert answer.refusal == (403, f"Permission check failed (/vms/100, {privilege})")


def test_a_disk_grows_and_never_shrinks(lab: Lab) -> None:
    lab.create()
    assert lab.done(lab.root.put(lab.ct(100, "/resize"), disk="rootfs", size="3G")) == "OK"
    assert lab.config(100)["rootfs"].endswith(",size=3G")
    assert lab.done(lab.root.put(lab.ct(100, "/resize"), disk="rootfs", size="+1G")) == "OK"
    assert lab.config(100)["rootfs"].endswith(",size=4G")
    assert lab.root.put(lab.ct(100, "/resize"), disk="rootfs", size="2G").refusal == (500, "unable to shrink disk size")


@pytest.mark.parametrize(("length", "status"), [(8192, 200), (8193, 400)])
def test_a_description_has_its_limit(lab: Lab, length: int, status: int) -> None:
    answer = lab.root.put(lab.ct(lab.create(), "/config"), description="é" * length)
    assert answer.status == status
    if status == 400:
        assert answer.document["errors"] == {"description": "value may only be 8192 characters long"}


def test_a_change_is_looked_at_under_the_lock_and_in_this_order(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    path, params = lab.ct(100, "/config"), {"delete": "foo", "digest": "0" * 40, "hookscript": "local:snippets/x"}
    lab.door.lock(100, "backup")
    assert lab.limited.put(path, **params).refusal == (500, "CT is locked (backup)")
    lab.door.unlock(100)
    conflict = "detected modified configuration - file changed by other user? Try again."
    assert lab.limited.put(path, **params).refusal == (500, conflict)
    del params["digest"]
    assert lab.limited.put(path, **params).document["errors"] == {"delete": "unknown option 'foo'"}
    del params["delete"]
    assert lab.limited.put(path, **params).status == 403


def test_the_environment_is_hidden_from_those_who_may_not_change_it(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux")
    assert lab.root.put(lab.ct(100, "/config"), env="A=1\0B=two words").status == 200
    assert lab.limited.get(lab.ct(100, "/config")).data["env"] == "A=1\0B=two words"
    held = lab.node.cluster.access.roles["WinuxController"]
    lab.door.set_role("WinuxController", held - {"VM.Config.Options"})
    assert "env" not in lab.limited.get(lab.ct(100, "/config")).data


def test_the_way_to_a_safe_destroy_with_rights_on_a_pool(lab: Lab) -> None:
    lab.create(client=lab.limited, pool="winux", protection=1, start=1)
    path, digest = lab.ct(100, "/config"), lab.limited.get(lab.ct(100, "/config")).data["digest"]
    lab.root.put(path, description="somebody else was here")
    conflict = "detected modified configuration - file changed by other user? Try again."
    assert lab.limited.put(path, protection=0, digest=digest).refusal == (500, conflict)
    assert lab.limited.delete(lab.ct(100), force=1).refusal == (500, "can't remove CT 100 - protection mode enabled")
    digest = lab.limited.get(path).data["digest"]
    assert lab.limited.put(path, protection=0, digest=digest).status == 200
    assert lab.done(lab.limited.delete(lab.ct(100), force=1, purge=1)) == "OK"
