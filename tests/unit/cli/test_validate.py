"""``winux validate`` finds every mistake of every file in one run; ``winux schema`` prints what editors need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.admin.lab import TEMPLATE, session
from tests.unit.cli.conftest import Winux


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """A directory where ``winux`` looks for one."""
    directory = tmp_path / "here" / "manifests"
    directory.mkdir(parents=True)
    (directory / "template-small.yaml").write_text(TEMPLATE)
    (directory / "alice.yaml").write_text(session("alice", more="template: small"))
    return directory


def test_good_manifests_are_counted(winux: Winux, manifests: Path) -> None:
    said = winux("validate", str(manifests))
    assert (said.status, said.err) == (0, "")
    assert said.out == "2 files, 1 session, 1 template: no problems\n"


def test_the_usual_directory_needs_no_naming(winux: Winux, manifests: Path) -> None:
    assert winux("validate").status == 0
    (manifests / "bob.yaml").write_text(session("bob", more="ttl: 5"))
    assert winux("validate").status == 1


def test_all_mistakes_of_all_files_are_found_in_one_run(winux: Winux, manifests: Path) -> None:
    (manifests / "bob.yaml").write_text(session("bob", more="ttl: 1:30, colour: red"))
    (manifests / "carol.yaml").write_text(session("carol", more="template: nosuch"))
    (manifests / "dave.yaml").write_text("kind: [\n")
    said = winux("validate", "manifests")
    assert (said.status, said.out) == (1, "")
    *problems, summary = said.err.splitlines()
    assert [problem.partition(": ")[0] for problem in problems] == [
        "manifests/bob.yaml:4:37",
        "manifests/bob.yaml:4:43",
        "manifests/carol.yaml:4:44",
        "manifests/dave.yaml:2:1",
    ]
    assert summary == "4 problems in 3 of 5 files"


def test_a_single_file_is_seen_together_with_its_neighbours(winux: Winux, manifests: Path) -> None:
    assert winux("validate", "manifests/alice.yaml").out == "1 file, 1 session, 0 templates: no problems\n"
    (manifests / "zoe.yaml").write_text(session("alice"))
    (manifests / "bob.yaml").write_text(session("bob", more="ttl: 5"))
    said = winux("validate", "manifests/zoe.yaml")
    assert said.status == 1
    assert len(said.err.splitlines()) == 2
    assert said.err.startswith("manifests/zoe.yaml:3:")
    assert winux("validate", "manifests/alice.yaml").status == 0


def test_a_file_that_no_scan_would_read_can_be_validated_too(winux: Winux, tmp_path: Path) -> None:
    draft = tmp_path / "_draft.txt"
    draft.write_text(session("alice", more="ttl: 5"))
    said = winux("validate", str(draft))
    assert said.status == 1
    assert said.err.startswith(f"{draft}:4:")


def test_what_only_the_sites_settings_know_is_taken_as_given(winux: Winux, manifests: Path) -> None:
    """The template names neither archive nor storage."""
    assert "archive" not in (manifests / "template-small.yaml").read_text()
    assert winux("validate").status == 0


def test_a_directory_that_is_not_there_is_one_sentence(winux: Winux) -> None:
    said = winux("validate", "nowhere")
    assert said.status == 1
    assert said.err.startswith("error: the manifest directory nowhere does not exist")


def test_the_schema_goes_to_standard_output_or_a_file(winux: Winux) -> None:
    assert json.loads(winux("schema").out)["$schema"].endswith("2020-12/schema")
    assert winux("schema", "-o", "s.json").out == "wrote s.json\n"
    assert json.loads(Path("s.json").read_text()) == json.loads(winux("schema").out)
    said = winux("schema", "-o", "no/such/s.json")
    assert (said.status, said.err) == (1, "error: cannot write no/such/s.json: no such file or directory\n")
