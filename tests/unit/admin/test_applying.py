"""Applying manifests: one file for each document, all of them or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.admin.refusals import Impossible, Invalid, NotWritable
from tests.unit.admin.lab import TEMPLATE, Lab, said, session


def files(lab: Lab) -> list[str]:
    return sorted(path.name for path in lab.world.manifests.iterdir())


def test_each_document_gets_a_file_of_its_own_and_is_served(lab: Lab) -> None:
    lab.ready("alice")
    outcome = lab.service.apply(f"# two more\n{session('bob')}---\n{session('carol')}")
    assert said(outcome) == "session bob written (bob.yaml); session carol written (carol.yaml)"
    assert (lab.world.manifests / "carol.yaml").read_text() == session("carol")
    assert (lab.world.manifests / "bob.yaml").read_text() == f"# two more\n{session('bob')}"
    lab.until("both are ready", lambda: {lab.phase("bob"), lab.phase("carol")} == {"Ready"})
    assert lab.reasons("bob")[0] == "Applied"


def test_what_is_there_already_is_changed_in_its_place(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.write("someone.yaml", session("bob"))
    lab.until("bob is ready", lambda: lab.phase("bob") == "Ready")
    outcome = lab.service.apply(session("bob", more="ttl: 2h"))
    assert said(outcome) == "session bob changed (someone.yaml)"
    lab.until("it applies", lambda: lab.service.session("bob").ttl == "2h")


def test_applying_the_same_again_changes_nothing(lab: Lab) -> None:
    lab.ready("alice")
    assert said(lab.service.apply(session("alice"))) == "session alice unchanged (alice.yaml)"
    assert "Applied" not in lab.reasons("alice")


def test_a_template_is_applied_like_a_session(lab: Lab) -> None:
    lab.ready("alice")
    assert said(lab.service.apply(TEMPLATE)) == "template small unchanged (template-small.yaml)"
    text = f"{session('bob', more='template: tiny')}---\n{TEMPLATE.replace('small', 'tiny')}"
    assert said(lab.service.apply(text)) == "template tiny written (template-tiny.yaml); session bob written (bob.yaml)"


def test_nothing_is_written_where_one_of_several_has_a_mistake(lab: Lab) -> None:
    lab.ready("alice")
    before = files(lab)
    with pytest.raises(Invalid, match=r"^nothing was written, because class\.yaml has mistakes$") as refused:
        lab.service.apply(f"{session('bob')}---\n{session('carol', more='template: nosuch')}", name="class.yaml")
    (problem,) = refused.value.problems
    assert problem.startswith("class.yaml:9:")
    assert files(lab) == before


def test_an_empty_text_is_no_order(lab: Lab) -> None:
    lab.ready("alice")
    with pytest.raises(Invalid, match="there is no manifest in stdin"):
        lab.service.apply("# nothing\n")


def test_a_document_among_others_in_a_file_is_changed_by_its_author(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.write("class.yaml", f"{session('bob')}---\n{session('carol')}")
    lab.until("both are there", lambda: not lab.gone("bob") and not lab.gone("carol"))
    before = (lab.world.manifests / "class.yaml").read_text()
    with pytest.raises(NotWritable, match=r"the Session bob stands in class\.yaml"):
        lab.service.apply(f"{session('dave')}---\n{session('bob', more='ttl: 1h')}")
    assert (lab.world.manifests / "class.yaml").read_text() == before
    assert not (lab.world.manifests / "dave.yaml").exists()


def test_nothing_is_written_where_two_documents_would_go_into_one_file(lab: Lab) -> None:
    lab.ready("alice")
    before = files(lab)
    text = f"{session('template-tiny')}---\n{TEMPLATE.replace('small', 'tiny')}"
    with pytest.raises(NotWritable, match=r"^nothing was written: .* would both stand in template-tiny\.yaml: rename"):
        lab.service.apply(text)
    assert files(lab) == before


def test_a_directory_that_cannot_be_written_is_one_sentence(lab: Lab) -> None:
    lab.ready("alice")
    lab.world.manifests.rename(lab.directory / "away")
    with pytest.raises(NotWritable, match=r"^nothing was written: the manifest directory .* cannot be opened: "):
        lab.service.apply(session("bob"))


def test_before_the_first_scan_nothing_is_applied(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with pytest.raises(Impossible, match="not scanned yet"):
        lab.service.apply(session("bob"))
