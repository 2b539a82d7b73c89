"""Changes of a running container: taken at once, or with its next start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.node.lab import Lab


def put(lab: Lab, **options: object) -> None:
    answer = lab.root.put(lab.ct(100, "/config"), **options)
    assert answer.status == 200, answer


def now(lab: Lab) -> dict[str, Any]:
    return dict(lab.root.get(lab.ct(100, "/config"), current=1).data)


def waiting(lab: Lab) -> dict[str, dict[str, Any]]:
    """The rows that are about a change."""
    rows = lab.root.get(lab.ct(100, "/pending")).data
    return {row.pop("key"): row for row in rows if {"pending", "delete"} & set(row)}


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x"},
        {"tags": "x"},
        {"hostname": "x"},
        {"onboot": 1},
        {"protection": 1},
        {"cores": 2},
        {"memory": 128},
        {"swap": 64},
        {"cpulimit": "0.5"},
        {"cpuunits": 50},
        {"net1": "name=eth1,bridge=vmbr0"},
    ],
)
def test_what_a_running_container_takes_at_once(lab: Lab, change: dict[str, object]) -> None:
    lab.create(start=1)
    put(lab, **change)
    assert set(change) <= set(now(lab))
    assert waiting(lab) == {}


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"nameserver": "10.0.0.1"}, "10.0.0.1"),
        ({"timezone": "UTC"}, "UTC"),
        ({"tty": 4}, 4),
        ({"features": "nesting=1"}, "nesting=1"),
    ],
)
def test_what_waits_for_the_next_start(lab: Lab, change: dict[str, object], value: object) -> None:
    lab.create(start=1)
    before = now(lab)["digest"]
    put(lab, **change)
    (name,) = change
    assert name not in now(lab)
    assert lab.config(100)[name] == value
    assert waiting(lab) == {name: {"pending": value}}
    assert now(lab)["digest"] != before
    lab.done(lab.root.post(lab.ct(100, "/status/stop")))
    assert name not in now(lab)
    lab.start(100)
    assert now(lab)[name] == value
    assert waiting(lab) == {}


def test_a_reboot_takes_it_too(lab: Lab) -> None:
    lab.create(start=1)
    put(lab, timezone="UTC")
    assert lab.done(lab.root.post(lab.ct(100, "/status/reboot"))) == "OK"
    assert now(lab)["timezone"] == "UTC"


def test_a_stopped_container_takes_everything_at_once(lab: Lab) -> None:
    lab.create()
    put(lab, timezone="UTC", nameserver="10.0.0.1")
    assert (now(lab)["timezone"], waiting(lab)) == ("UTC", {})


def test_a_deletion_waits_as_well(lab: Lab) -> None:
    lab.create(timezone="UTC", tags="x", start=1)
    put(lab, delete="timezone,tags")
    assert "tags" not in now(lab)
    assert now(lab)["timezone"] == "UTC"
    assert "timezone" not in lab.config(100)
    assert waiting(lab) == {"timezone": {"value": "UTC", "delete": 1}}
    lab.done(lab.root.post(lab.ct(100, "/status/reboot")))
    assert "timezone" not in now(lab)


def test_what_waits_can_be_reverted(lab: Lab) -> None:
    lab.create(nameserver="10.0.0.1", start=1)
    before = lab.config(100)
    put(lab, timezone="UTC", nameserver="10.0.0.2")
    assert waiting(lab) == {
        "timezone": {"pending": "UTC"},
        "nameserver": {"value": "10.0.0.1", "pending": "10.0.0.2"},
    }
    put(lab, revert="timezone,nameserver")
    assert waiting(lab) == {}
    assert lab.config(100) == before
    put(lab, delete="nameserver")
    put(lab, revert="nameserver")
    assert waiting(lab) == {}


def test_setting_the_old_value_again_waits_for_nothing(lab: Lab) -> None:
    lab.create(timezone="UTC", start=1)
    before = lab.config(100)["digest"]
    put(lab, timezone="host")
    put(lab, timezone="UTC")
    assert waiting(lab) == {}
    assert lab.config(100)["digest"] == before


def test_deleting_what_only_waits_forgets_it(lab: Lab) -> None:
    lab.create(start=1)
    put(lab, timezone="UTC")
    put(lab, delete="timezone")
    assert waiting(lab) == {}
    assert "timezone" not in lab.config(100)


@pytest.mark.parametrize(
    ("params", "errors"),
    [
        ({"revert": "nonsense"}, {"revert": "unknown option 'nonsense'"}),
        ({"revert": "cores", "cores": 1}, {"revert": "you can't use '-cores' and '-revert cores' at the same time"}),
        (
            {"revert": "cores", "delete": "cores"},
            {"delete": "you can't use '-delete cores' and '-revert cores' at the same time"},
        ),
    ],
)
def test_reverts_that_are_refused(lab: Lab, params: dict[str, object], errors: dict[str, str]) -> None:
    lab.create()
    answer = lab.root.put(lab.ct(100, "/config"), **params)
    assert (answer.status, answer.document["errors"]) == (400, errors)


def test_the_list_has_every_option_and_the_digest(lab: Lab) -> None:
    lab.create(start=1)
    rows = {row["key"]: row["value"] for row in lab.root.get(lab.ct(100, "/pending")).data}
    assert rows == now(lab)


def test_the_environment_is_for_those_who_may_set_it(lab: Lab) -> None:
    lab.create(env="SECRET=1", pool="winux")
    lab.door.set_role("WinuxController", frozenset({"VM.Audit"}))
    assert "env" in {row["key"] for row in lab.root.get(lab.ct(100, "/pending")).data}
    assert "env" not in {row["key"] for row in lab.limited.get(lab.ct(100, "/pending")).data}
