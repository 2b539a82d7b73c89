"""Sessions that are created: once, in a file of their own, and to be seen at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from controller.admin.refusals import Exists, Invalid, NotWritable, Refusal
from controller.sources import writer
from tests.unit.admin.lab import TEMPLATE, Lab, session


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.world.write("template-small.yaml", TEMPLATE)
    lab.until("the manifests are read", lambda: bool(lab.service.templates()))
    return lab


def test_it_is_there_at_once_and_lives(lab: Lab) -> None:
    outcome = lab.service.create(session("alice"), name="alice", by="bob")
    assert outcome.messages == ("session alice written (alice.yaml)",)
    (view,) = lab.service.sessions()
    assert view == lab.service.session("alice")
    assert (view.phase, view.reason, view.owner) == ("Pending", "Launched", "alice@example.org")
    lab.until("it is ready", lambda: lab.phase("alice") == "Ready")
    assert lab.reasons("alice")[0] == "Launched"
    assert not list(lab.world.manifests.glob(".*")), "nothing temporary stays"


@pytest.mark.parametrize("state", ["wanted", "just created", "over", "faulty", "perhaps in a file that is no YAML"])
def test_a_name_is_taken_in_whatever_state(lab: Lab, state: str) -> None:
    if state in {"wanted", "over"}:
        lab.ready("alice", more="ttl: 1m")
    if state == "over":
        lab.until("it is over", lambda: lab.phase("alice") == "Expired", within=120)
    if state == "just created":
        lab.service.create(session("alice"), name="alice", by="bob")
    if state == "faulty":
        lab.world.write("class.yaml", session("alice", more="ttl: 1:30"))
    if state.startswith("perhaps"):
        lab.world.write("class.yaml", "]: alice")
    mistakes = state == "faulty" or state.startswith("perhaps")
    lab.until("mistakes are read", lambda: bool(lab.service.status().problems) is mistakes)
    before = sorted(path.read_text() for path in lab.world.manifests.iterdir())
    with pytest.raises(Exists, match="alice"):
        lab.service.create(session("alice"), name="alice", by="bob")
    assert sorted(path.read_text() for path in lab.world.manifests.iterdir()) == before


def test_a_file_that_no_scan_has_seen_is_not_overwritten(lab: Lab) -> None:
    (lab.world.manifests / "alice.yaml").write_text(session("bob"))
    with pytest.raises(Exists, match=r"there is a file alice\.yaml already"):
        lab.service.create(session("alice"), name="alice", by="bob")
    assert "bob" in (lab.world.manifests / "alice.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense: [",
        session("bob"),
        TEMPLATE,
        session("alice") + "---\n" + session("bob"),
        session("alice") + "---\n" + TEMPLATE,
        session("alice", more="template: none"),
        session("alice", more="ttl: 99d"),
    ],
    ids=["nothing", "no YAML", "another name", "a template", "two", "a template too", "no such template", "too long"],
)
def test_what_is_not_that_one_session_is_refused_and_nothing_written(lab: Lab, text: str) -> None:
    with pytest.raises(Invalid, match="nothing was written"):
        lab.service.create(text, name="alice", by="bob")
    assert [path.name for path in lab.world.manifests.iterdir()] == ["template-small.yaml"]


def test_a_directory_that_is_gone_is_said(lab: Lab) -> None:
    lab.world.manifests.rename(lab.directory / "elsewhere")
    with pytest.raises(NotWritable, match=r"nothing was written: the manifest directory .* cannot be"):
        lab.service.create(session("alice"), name="alice", by="bob")


def test_one_that_was_removed_before_any_scan_is_gone(lab: Lab) -> None:
    lab.service.create(session("alice"), name="alice", by="bob")
    (lab.world.manifests / "alice.yaml").unlink()
    assert lab.gone("alice")
    lab.service.create(session("alice"), name="alice", by="bob")
    lab.service.delete("alice")
    assert lab.gone("alice")
    assert not (lab.world.manifests / "alice.yaml").exists()


def test_many_at_once_get_one_each_and_one_name_only_one(lab: Lab) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(30)

    def create(name: str) -> None:
        barrier.wait(30)
        try:
            lab.service.create(session(name), name=name, by="bob")
            outcomes.append(name)
        except Refusal as refusal:
            outcomes.append(refusal.title)

    threads = [threading.Thread(target=create, args=(f"s-{min(number, 20)}",)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(set(outcomes)) == sorted({"Exists", *(f"s-{number}" for number in range(21))})
    assert outcomes.count("Exists") == 9
    assert {view.name for view in lab.service.sessions()} == {f"s-{number}" for number in range(21)}


def test_other_files_are_not_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the picture knows need not be read again for every launch."""
    lab.write(*(f"class-{number}" for number in range(20)))
    lab.until("they are read", lambda: len(lab.service.sessions()) == 20)
    opened: list[str] = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: (opened.append(self.name), real(self, *a, **k))[1])
    assert writer.create_manifest.__module__ == "controller.sources.writer"
    lab.service.create(session("alice"), name="alice", by="bob")
    assert [name for name in opened if name.startswith("class-")] == []


def test_the_key_of_the_web_stays_the_same(lab: Lab) -> None:
    key = lab.service.web_key()
    assert len(key) == 32
    lab.attach()
    assert lab.service.web_key() == key
