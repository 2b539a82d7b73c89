"""Orders to a running controller, and what becomes of them."""

from __future__ import annotations

import pytest

from controller.admin.refusals import Impossible, Unknown
from tests.unit.admin.lab import Lab, said, session


def seconds_left(lab: Lab, name: str) -> float:
    left = lab.service.session(name).seconds_left
    assert left is not None
    return left


# -- extend ----------------------------------------------------------------------------------------------------


def test_an_extension_moves_the_end(lab: Lab) -> None:
    lab.ready("alice", more="template: small")
    before = seconds_left(lab, "alice")
    assert said(lab.service.extend("alice", 900)).endswith(", 15m later")
    assert seconds_left(lab, "alice") == pytest.approx(before + 900)
    assert lab.reasons("alice")[-1] == "Extended"


def test_an_extended_session_outlives_its_first_end(lab: Lab) -> None:
    lab.ready("alice", more="template: small, ttl: 30s")
    lab.service.extend("alice", 60)
    lab.world.run(50)
    assert lab.phase("alice") == "Ready"
    lab.until("it expired", lambda: lab.phase("alice") == "Expired")


def test_no_extension_passes_the_templates_maximum(lab: Lab) -> None:
    lab.ready("alice", more="template: small")
    with pytest.raises(
        Impossible, match=r"^session alice can be extended by 49m\d+s at most: .* small allows 1h in all$"
    ):
        lab.service.extend("alice", 7200)
    assert lab.service.session("alice").extension == 0


def test_what_is_not_ready_has_no_time_to_extend(lab: Lab) -> None:
    lab.world.run(1)
    lab.write("alice")
    lab.until("it is being made", lambda: lab.phase("alice") == "Creating")
    with pytest.raises(Impossible, match="not ready yet"):
        lab.service.extend("alice", 60)


@pytest.mark.parametrize("order", ["extend", "pause", "resume"])
def test_what_ended_or_never_was_takes_no_orders(lab: Lab, order: str) -> None:
    def give(name: str) -> None:
        if order == "extend":
            lab.service.extend(name, 60)
        else:
            getattr(lab.service, order)(name)

    lab.ready("alice", more="template: small, ttl: 20s")
    lab.until("it expired", lambda: lab.phase("alice") == "Expired")
    with pytest.raises(Impossible, match=r"^session alice has ended and cannot be \w+: its time was up$"):
        give("alice")
    with pytest.raises(Unknown, match="there is no session nobody"):
        give("nobody")


# -- delete ----------------------------------------------------------------------------------------------------


def test_a_deleted_session_ends_and_its_manifest_is_removed(lab: Lab) -> None:
    lab.ready("alice", "bob")
    vmid = lab.world.vmid("alice")
    assert said(lab.service.delete("alice")) == "session alice is ending; its manifest was removed from alice.yaml"
    assert not (lab.world.manifests / "alice.yaml").exists()
    lab.until("its container is gone", lambda: vmid not in lab.world.containers())
    lab.until("it is forgotten", lambda: lab.gone("alice"))
    assert lab.phase("bob") == "Ready"
    assert "Deleted" in lab.reasons("alice")


def test_the_last_manifest_may_be_deleted_though_that_empties_the_directory(lab: Lab) -> None:
    lab.write("alice")
    lab.until("alice is ready", lambda: lab.phase("alice") == "Ready")
    lab.service.delete("alice")
    lab.until("it is forgotten", lambda: lab.gone("alice"))
    assert lab.service.status().notices == ()


def test_the_other_documents_of_a_file_stay_when_one_is_deleted(lab: Lab) -> None:
    lab.ready()
    lab.world.write("class.yaml", f"{session('alice')}---\n{session('bob')}")
    lab.until("both are ready", lambda: {lab.world.phase("alice"), lab.world.phase("bob")} == {"Ready"})
    lab.service.delete("alice")
    assert (lab.world.manifests / "class.yaml").read_text().strip().removeprefix("---\n") == session("bob").strip()


def test_a_session_whose_manifest_cannot_be_removed_stays_ended(lab: Lab) -> None:
    """As in a git checkout whose files are links to a commit."""
    lab.ready()
    home = lab.directory / "commit.yaml"
    home.write_text(session("alice"), encoding="utf-8")
    (lab.world.manifests / "alice.yaml").symlink_to(home)
    lab.world.hint()
    lab.until("it is ready", lambda: lab.world.phase("alice") == "Ready")
    vmid = lab.world.vmid("alice")
    outcome = lab.service.delete("alice")
    assert said(outcome) == "session alice is ending"
    (warning,) = outcome.warnings
    assert warning.startswith("its manifest could not be removed: alice.yaml:1 is a link")
    assert warning.endswith("; session alice stays ended as long as its manifest does not change")
    lab.until("its container is gone", lambda: vmid not in lab.world.containers())
    lab.world.run(120)
    assert lab.world.containers() == {}


def test_deleting_twice_says_that_it_is_ending_already(lab: Lab) -> None:
    lab.ready("alice")
    lab.service.delete("alice")
    assert said(lab.service.delete("alice")).startswith("session alice is ending already: an administrator deleted it")


def test_a_faulty_manifest_can_be_deleted_by_the_name_in_it(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.write("carol.yaml", session("carol", more="ttl: 1:30"))
    lab.world.run(1)
    assert said(lab.service.delete("carol")) == "its manifest was removed from carol.yaml"
    assert not (lab.world.manifests / "carol.yaml").exists()


def test_what_never_was_cannot_be_deleted(lab: Lab) -> None:
    lab.ready("alice")
    with pytest.raises(Unknown):
        lab.service.delete("nobody")


# -- pause -----------------------------------------------------------------------------------------------------


def test_a_paused_session_is_left_as_it_is_until_it_is_resumed(lab: Lab) -> None:
    lab.ready("alice")
    lab.service.pause("alice")
    lab.world.run(1)
    assert lab.phase("alice") == "Held"
    lab.world.door.stop(lab.world.vmid("alice"))
    lab.world.run(60)
    assert "Started" not in lab.reasons("alice")
    lab.service.resume("alice")
    lab.until("it is ready again", lambda: lab.phase("alice") == "Ready")
    assert "Started" in lab.reasons("alice")


def test_a_paused_session_ends_on_time(lab: Lab) -> None:
    lab.ready("alice", more="template: small, ttl: 30s")
    lab.service.pause("alice")
    lab.until("it expired", lambda: lab.phase("alice") == "Expired")


def test_pausing_is_noted_once(lab: Lab) -> None:
    lab.ready("alice")
    lab.service.pause("alice")
    assert "already" in said(lab.service.pause("alice"))
    assert said(lab.service.resume("alice")) == "session alice goes on"
    assert said(lab.service.resume("alice")) == "session alice was not paused"
    noted = [reason for reason in lab.reasons("alice") if reason in {"Paused", "Resumed"}]
    assert noted == ["Paused", "Resumed"]


def test_a_paused_controller_makes_nothing_until_it_goes_on(lab: Lab) -> None:
    lab.ready("alice")
    lab.service.pause(None)
    lab.write("bob")
    lab.world.run(30)
    assert lab.phase("bob") == "Held"
    assert [notice.reason for notice in lab.service.status().notices] == ["Paused"]
    lab.service.resume(None)
    lab.until("bob is ready", lambda: lab.phase("bob") == "Ready")


def test_what_was_not_made_yet_is_paused_in_its_manifest(lab: Lab) -> None:
    lab.ready("alice")
    lab.write("later", more="paused: true")
    lab.world.run(1)
    with pytest.raises(Impossible, match="edit its manifest instead"):
        lab.service.pause("later")


# -- confirm ---------------------------------------------------------------------------------------------------


def test_without_a_brake_there_is_nothing_to_confirm(lab: Lab) -> None:
    lab.ready("alice")
    assert said(lab.service.confirm()) == "nothing was held"


def test_confirming_releases_the_brake_on_mass_deletion(lab: Lab) -> None:
    lab.ready("a", "b", "c", "d", "e")
    for name in "abcd":
        lab.world.remove(f"{name}.yaml")
    lab.world.run(60)
    assert len(lab.world.containers()) == 5
    assert said(lab.service.confirm()) == "4 orphans may be destroyed"
    lab.until("they are destroyed", lambda: len(lab.world.containers()) == 1)


def test_confirming_takes_an_empty_directory_at_its_word(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.remove("alice.yaml")
    lab.world.remove("template-small.yaml")
    lab.world.run(120)
    assert lab.phase("alice") == "Ready"
    assert "empty" in said(lab.service.confirm())
    lab.until("it is destroyed", lambda: lab.world.containers() == {})
