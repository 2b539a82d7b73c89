"""``winux get``, ``describe`` and ``events``: tables for people, data for programs."""

from __future__ import annotations

import json

import pytest
import yaml

from controller.node.faults import Fault, FaultKind
from tests.unit.admin.lab import TEMPLATE, Lab, session
from tests.unit.cli.conftest import Winux


@pytest.fixture
def ready(lab: Lab) -> Lab:
    lab.ready("alice", "bob", more="template: small")
    return lab


def test_sessions_are_a_table(winux: Winux, ready: Lab) -> None:
    said = winux("get")
    assert (said.status, said.err) == (0, "")
    titles, alice, bob = said.lines
    assert titles.split() == ["NAME", "PHASE", "ADDRESS", "TIME-LEFT", "AGE", "OWNER"]
    address = ready.service.session("alice").address
    assert alice.split()[:3] == ["alice", "Ready", address]
    assert alice.split()[-1] == "alice@example.org"
    assert bob.startswith("bob ")


def test_wide_has_the_container_and_the_reason(winux: Winux, ready: Lab) -> None:
    titles, alice, _ = winux("get", "sessions", "-o", "wide").lines
    assert titles.split()[-4:] == ["VMID", "NODE", "TEMPLATE", "REASON"]
    assert alice.split()[-4:] == [str(ready.world.vmid("alice")), "pve1", "small", "Ready"]


def test_a_session_that_is_not_ready_shows_what_time_it_will_have(winux: Winux, ready: Lab) -> None:
    ready.write("carol", more="paused: true, ttl: 45m")
    ready.world.run(1)
    (carol,) = (line for line in winux("get").lines if line.startswith("carol"))
    assert carol.split()[1:4] == ["Held", "-", "(45m)"]


def test_one_session_and_the_singular_will_do(winux: Winux, ready: Lab) -> None:
    assert [line.split()[0] for line in winux("get", "session", "bob").lines] == ["NAME", "bob"]
    said = winux("get", "sessions", "nobody")
    assert (said.status, said.out) == (1, "")
    assert said.err == "error: there is no session nobody: `winux get sessions` lists all\n"
    assert ready.service.sessions()


def test_json_and_yaml_say_the_same(winux: Winux, ready: Lab) -> None:
    as_json = json.loads(winux("get", "sessions", "-o", "json").out)
    as_yaml = yaml.safe_load(winux("get", "sessions", "-o", "yaml").out)
    assert (
        [item["name"] for item in as_json["items"]] == [item["name"] for item in as_yaml["items"]] == ["alice", "bob"]
    )
    one = json.loads(winux("get", "sessions", "alice", "-o", "json").out)
    assert (one["name"], one["vmid"]) == ("alice", ready.world.vmid("alice"))


def test_a_live_view_is_a_table(winux: Winux, ready: Lab) -> None:
    assert ready.service.sessions()
    said = winux("get", "-w", "-o", "json")
    assert (said.status, said.out) == (1, "")


def test_templates_and_containers_are_tables_too(winux: Winux, ready: Lab) -> None:
    assert [line.split()[0] for line in winux("get", "templates").lines] == ["NAME", "default", "small"]
    vmid = str(ready.world.vmid("alice"))
    ready.world.run(30)
    assert winux("get", "containers", "alice").lines[1].split() == [vmid, "pve1", "alice", "running", "ours", "alice"]
    assert winux("get", "containers", "nobody").status == 1


def test_brakes_and_mistakes_are_said_first_and_apart_from_the_data(winux: Winux, ready: Lab) -> None:
    ready.world.write("carol.yaml", session("carol", more="ttl: 1:30"))
    ready.service.pause(None)
    ready.world.run(1)
    said = winux("get", "-o", "json")
    paused, mistake = said.err.splitlines()
    assert paused.startswith("! an administrator paused the controller")
    assert mistake.startswith("! carol.yaml:4:39: spec.ttl: 1:30 is the number 90")
    assert json.loads(said.out)["items"]


def test_many_mistakes_do_not_push_the_table_off_the_screen(winux: Winux, ready: Lab) -> None:
    for number in range(15):
        ready.world.write(f"bad-{number:02}.yaml", "kind: [")
    ready.world.run(1)
    *_, last = winux("get").err.splitlines()
    assert last == f"! and 5 more: `winux validate {ready.world.manifests}` lists all"


def test_why_sessions_do_not_get_on_is_said_above_the_table(winux: Winux, ready: Lab) -> None:
    ready.world.door.add_fault(Fault(kind=FaultKind.ERROR, operation="create", status=403, text="Permission"))
    ready.write(*(f"c{number}" for number in range(7)))
    ready.world.run(5)
    first, *_, fifth, last = winux("get").err.splitlines()
    assert first.startswith("! c0: ")
    assert "Permission" in first
    assert fifth.startswith("! c4: ")
    assert last == "! and 2 more: `winux describe NAME` says why"
    assert len(winux("get", "sessions", "c6").err.splitlines()) == 1
    assert winux("get", "sessions", "alice").err == ""


def test_nothing_at_all_is_said_in_words(winux: Winux, lab: Lab) -> None:
    lab.ready()
    lab.world.run(1)
    assert winux("get").out == "there are no sessions\n"
    assert winux("get", "containers").out == "there are no containers\n"


# -- describe --------------------------------------------------------------------------------------------------


def test_a_description_has_all_of_it(winux: Winux, ready: Lab) -> None:
    said = winux("describe", "alice")
    assert said.status == 0
    shown = {line.partition(":")[0]: line.partition(":")[2].strip() for line in said.lines}
    assert (shown["Name"], shown["Phase"], shown["Owner"]) == ("alice", "Ready", "alice@example.org")
    assert shown["Container"] == f"{ready.world.vmid('alice')} on pve1"
    assert shown["Lives"] == "10m from Ready; 1h at most"
    assert "Conditions" in said.lines
    events = said.lines[said.lines.index("Events") + 2 :]
    assert [line.split("Normal")[1].split()[0] for line in events] == ["Accepted", "Creating", "Created", "Ready"]


def test_a_description_tells_the_certificate_that_clients_can_check(winux: Winux, ready: Lab) -> None:
    said = winux("describe", "alice").out.split()
    assert "".join(said[said.index("SHA-256") + 1 :]).startswith(f"{ready.service.session('alice').fingerprint}")


def test_a_description_says_why_the_last_container_was_given_up(winux: Winux, lab: Lab) -> None:
    lab.world.engine.withhold(silent=True)
    lab.world.write("template-small.yaml", TEMPLATE)
    lab.write("alice")
    lab.until("alice is known", lambda: lab.phase("alice") == "Starting")
    lab.until("a container is given up", lambda: lab.service.session("alice").attempts == 1, within=400)
    text = " ".join(winux("describe", "alice").out.split())
    assert "Attempts: 1 container was given up before; the last one: container " in text
    assert "was not ready within 300 s (the guest has no address)" in text


def test_a_name_that_only_a_faulty_manifest_mentions_is_described(winux: Winux, ready: Lab) -> None:
    ready.world.write("carol.yaml", session("carol", more="ttl: 1:30"))
    ready.world.run(1)
    said = winux("describe", "carol")
    assert said.status == 0
    assert "Phase:       Pending (InvalidManifest)" in said.lines
    assert said.out.count("1:30 is the number 90") == 1


def test_why_a_session_is_held_is_said_once(winux: Winux, ready: Lab) -> None:
    ready.service.pause(None)
    ready.world.run(1)
    said = winux("describe", "alice")
    assert said.err == ""
    assert said.lines[1:3] == [
        "Phase:       Held (Paused)",
        "Message:     an administrator paused the controller: `winux resume` goes on",
    ]


# -- events ----------------------------------------------------------------------------------------------------


def test_events_are_oldest_first(winux: Winux, ready: Lab) -> None:
    titles, *events = winux("events").lines
    assert titles.split() == ["TIME", "TYPE", "REASON", "SESSION", "MESSAGE"]
    assert len(events) == len(ready.service.events())
    last_two = [line.split() for line in winux("events", "-n", "2").lines[1:]]
    assert last_two == [line.split() for line in events[-2:]]


def test_the_events_of_one_session_need_no_column_for_it(winux: Winux, ready: Lab) -> None:
    titles, *events = winux("events", "bob").lines
    assert titles.split() == ["TIME", "TYPE", "REASON", "MESSAGE"]
    assert len(events) == len(ready.service.events(session="bob"))


def test_the_events_of_a_name_that_never_was_are_an_error(winux: Winux, ready: Lab) -> None:
    assert ready.service.events()
    assert winux("events", "nobody").status == 1
