"""Questions to a running controller: sessions, templates, containers, events, credentials, and how it is."""

from __future__ import annotations

import pytest

from controller.admin.refusals import Impossible, Unknown
from tests.unit.admin.lab import Lab, session


def test_sessions_are_what_is_wanted_and_what_lives(lab: Lab) -> None:
    lab.ready("alice", "bob")
    lab.world.remove("bob.yaml")
    lab.write("carol")
    lab.world.run(1)
    assert [view.name for view in lab.service.sessions()] == ["alice", "bob", "carol"]


def test_a_tombstone_stays_in_the_list_as_long_as_its_manifest(lab: Lab) -> None:
    lab.ready("alice", more="template: small, ttl: 20s")
    lab.until("it expired", lambda: lab.phase("alice") == "Expired")
    shown = lab.service.session("alice")
    assert shown.seconds_left is None
    assert shown.ended_at is not None
    lab.world.remove("alice.yaml")
    lab.until("it is forgotten", lambda: lab.gone("alice"))


def test_a_container_of_ours_that_no_life_accounts_for_is_listed(lab: Lab) -> None:
    lab.ready("alice")
    uid = lab.service.session("alice").uid
    lab.world.remove("alice.yaml")
    lab.world.lose_ledger()
    lab.attach()
    assert uid is not None
    name = f"alice.{uid[:8]}"
    lab.until("it is found", lambda: not lab.gone(name))
    assert lab.service.session(name).template == "unknown"


def test_a_name_that_only_a_faulty_manifest_mentions_can_be_described(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.write("carol.yaml", session("carol", more="ttl: 1:30"))
    lab.world.run(1)
    shown = lab.service.session("carol")
    assert shown.reason == "InvalidManifest"
    assert shown.message.startswith("carol.yaml:4:")


def test_an_unknown_name_is_refused_in_one_sentence(lab: Lab) -> None:
    lab.ready("alice")
    with pytest.raises(Unknown, match=r"^there is no session nobody: `winux get sessions` lists all$"):
        lab.service.session("nobody")


def test_templates_are_shown_with_the_sites_defaults_worked_in(lab: Lab) -> None:
    lab.ready("alice", "bob", more="template: small")
    default, small = lab.service.templates()
    assert (default.name, default.origin, default.sessions) == ("default", "(built-in)", 0)
    assert (small.name, small.origin, small.sessions) == ("small", "template-small.yaml:1", 2)
    assert (small.source, small.storage, small.ttl, small.max_ttl) == (
        lab.world.furniture.ostemplate,
        "local",
        "10m",
        "1h",
    )


def test_a_template_from_which_nothing_can_be_made_says_why(lab: Lab) -> None:
    lab.ready("alice")
    stray = "{templates: [{vmid: 9000, node: pve7}]}"
    lab.world.write(
        "template-odd.yaml",
        "apiVersion: winux.dev/v1\nkind: SessionTemplate\nmetadata: {name: odd}\n"
        f"spec: {{nodes: [pve1], source: {{clone: {stray}}}}}\n",
    )
    lab.world.run(1)
    odd = next(view for view in lab.service.templates() if view.name == "odd")
    assert odd.source is None
    assert "pve7" in odd.problems[0]


def test_containers_of_our_pool_are_told_apart_by_whose_they_are(lab: Lab) -> None:
    lab.ready("alice")
    vmid = lab.world.vmid("alice")
    lab.world.api("POST", "/nodes/pve1/lxc", {
        "vmid": "30999", "ostemplate": lab.world.furniture.ostemplate, "storage": "local", "pool": "winux",
        "hostname": "somebodys", "rootfs": "local:4",
    })  # fmt: skip
    lab.until("both are seen", lambda: len(lab.service.containers()) == 2)
    shown = {view.vmid: (view.whose, view.session) for view in lab.service.containers()}
    assert shown == {vmid: ("ours", "alice"), 30999: ("foreign", None)}


def test_the_templates_that_are_cloned_are_no_containers_to_list(lab: Lab) -> None:
    lab.ready("alice")
    assert 9000 not in {view.vmid for view in lab.service.containers()}


def test_events_are_oldest_first_and_can_be_followed(lab: Lab) -> None:
    lab.ready("alice")
    events = lab.service.events(session="alice")
    assert [event.reason for event in events] == ["Accepted", "Creating", "Created", "Ready"]
    assert lab.service.events(session="alice", after=events[-2].id) == events[-1:]
    assert lab.service.events(session="alice", limit=2) == events[-2:]


def test_the_status_counts_sessions_and_says_what_is_wrong(lab: Lab) -> None:
    lab.ready("alice", "bob")
    lab.world.write("carol.yaml", session("carol", more="ttl: 1:30"))
    lab.world.run(1)
    status = lab.service.status()
    assert status.phases == {"Ready": 2}
    assert (status.files, status.queue, status.notices) == (4, 0, ())
    assert [(one.file, one.line, one.field) for one in status.problems] == [("carol.yaml", 4, "spec.ttl")]


def test_notices_are_the_sentences_of_the_brakes(lab: Lab) -> None:
    lab.ready("a", "b", "c", "d", "e")
    for name in "abcd":
        lab.world.remove(f"{name}.yaml")
    lab.until("the brake is on", lambda: bool(lab.service.status().notices))
    (notice,) = lab.service.status().notices
    assert notice.reason == "MassDelete"
    assert notice.sentence.startswith("4 of 5 containers lost their manifest at once")


def test_a_missing_directory_is_a_notice(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.manifests.rename(lab.directory / "away")
    lab.world.hint()
    lab.world.run(1)
    assert [notice.reason for notice in lab.service.status().notices] == ["ManifestsIncomplete"]


# -- credentials -----------------------------------------------------------------------------------------------


def test_a_credential_is_what_a_person_logs_in_with(lab: Lab) -> None:
    lab.ready("alice")
    credential = lab.service.credential("alice")
    assert credential.address == lab.service.session("alice").address
    assert (credential.port, credential.username) == (3389, "winux")
    assert credential.password in lab.world.secrets
    assert credential.password not in repr(credential)


def test_no_other_answer_holds_a_password(lab: Lab) -> None:
    lab.ready("alice")
    password = lab.service.credential("alice").password
    answers = [
        lab.service.status(),
        lab.service.plan(),
        *lab.service.sessions(),
        *lab.service.events(),
        *lab.service.templates(),
        *lab.service.containers(),
    ]
    assert not [answer for answer in answers if password in answer.model_dump_json()]


def test_there_is_no_credential_before_an_address_or_after_the_end(lab: Lab) -> None:
    lab.world.run(1)
    lab.write("alice", more="template: default, ttl: 20s")
    lab.until("it is being made", lambda: lab.phase("alice") == "Creating")
    with pytest.raises(Impossible, match="has no address yet"):
        lab.service.credential("alice")
    lab.until("it expired", lambda: lab.phase("alice") == "Expired")
    with pytest.raises(Impossible, match="has ended"):
        lab.service.credential("alice")
    with pytest.raises(Unknown):
        lab.service.credential("nobody")


def test_there_is_no_credential_of_what_only_waits(lab: Lab) -> None:
    lab.ready("alice")
    lab.write("later", more="paused: true")
    lab.world.run(1)
    with pytest.raises(Impossible, match="session later was not made yet: `winux describe later` says"):
        lab.service.credential("later")
