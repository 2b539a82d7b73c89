"""The examples that people copy are valid, each by itself and all together, with the documented defaults."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.core.model import CloneSource, Resources
from tests.unit.sources.given import source

MANIFESTS = Path(__file__).parents[3] / "manifests"
FILES = sorted(MANIFESTS.glob("*.yaml"))


def test_all_examples_together_are_valid() -> None:
    snapshot = source(MANIFESTS).scan()
    assert (snapshot.problems, snapshot.complete, snapshot.undecided) == ((), True, frozenset())
    assert snapshot.files == len(FILES)
    assert set(snapshot.sessions) >= {"alice", "bob", "linux-101-01", "linux-101-02", "linux-101-teacher"}
    assert set(snapshot.templates) == {"default", "xfce", "xfce-clone"}


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name != "session-full.yaml"], ids=lambda path: path.name
)
def test_an_example_can_be_copied_by_itself(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path)
    snapshot = source(tmp_path).scan()
    assert (snapshot.problems, snapshot.complete) == ((), True)


def test_the_full_example_needs_the_template_that_it_names(tmp_path: Path) -> None:
    shutil.copy(MANIFESTS / "session-full.yaml", tmp_path)
    assert [problem.field for problem in source(tmp_path).scan().problems] == ["spec.template"]
    shutil.copy(MANIFESTS / "template-archive.yaml", tmp_path)
    assert source(tmp_path).scan().problems == ()


def test_the_least_example_gets_the_documented_defaults() -> None:
    spec = source(MANIFESTS).scan().sessions["alice"].spec
    assert spec.resources == Resources(cores=2, memory_mib=1024, disk_gib=10)
    assert (spec.ttl, spec.max_ttl, spec.desktop_user) == (30 * 60, 1440 * 60, "winux")


def test_the_clone_example_clones(tmp_path: Path) -> None:
    shutil.copy(MANIFESTS / "template-clone.yaml", tmp_path)
    shutil.copy(MANIFESTS / "session.yaml", tmp_path)
    text = (tmp_path / "session.yaml").read_text() + "spec: {template: xfce-clone}\n"
    (tmp_path / "session.yaml").write_text(text)
    spec = source(tmp_path).scan().sessions["alice"].spec
    assert isinstance(spec.source, CloneSource)
    assert spec.nodes == ("pve1", "pve2")
