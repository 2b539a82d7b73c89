"""``winux plan``: like a diff, with the exit status of one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from controller.node.faults import Fault, FaultKind
from tests.unit.admin.lab import TEMPLATE, Lab, session
from tests.unit.cli.conftest import Said, Winux


@pytest.fixture
def ready(lab: Lab) -> Lab:
    lab.ready("alice", "bob")
    return lab


def signs(said: Said) -> list[str]:
    """Sign, action and session of every line but the last, which counts."""
    return [" ".join(line.split()[:3]) for line in said.lines[:-1]]


def test_nothing_pending_is_status_0(winux: Winux, ready: Lab) -> None:
    said = winux("plan")
    assert (said.status, signs(said)) == (0, ["= keep alice", "= keep bob"])
    assert said.lines[-1] == "2 kept"
    assert ready.service.sessions()


def test_a_file_is_planned_on_top_of_what_is_in_force(winux: Winux, ready: Lab) -> None:
    Path("new.yaml").write_text(f"{session('carol')}---\n{session('bob', more='ttl: 1h')}")
    said = winux("plan", "new.yaml")
    assert (said.status, signs(said)) == (2, ["+ create carol", "~ change bob"])
    assert said.lines[-1] == "1 to create, 1 to change"
    assert ready.gone("carol")


def test_a_directory_is_planned_in_place_of_the_daemons(winux: Winux, ready: Lab) -> None:
    Path("next").mkdir()
    Path("next/alice.yaml").write_text(session("alice"))
    said = winux("plan", "next")
    assert (said.status, signs(said)) == (2, ["- destroy bob", "= keep alice"])
    assert f"container {ready.world.vmid('bob')} on pve1" in said.lines[0]


def test_mistakes_make_it_status_1(winux: Winux, ready: Lab) -> None:
    Path("new.yaml").write_text(session("carol", more="ttl: 5"))
    said = winux("plan", "new.yaml")
    assert said.status == 1
    assert said.err.startswith("! new.yaml:4:39: spec.ttl: ")
    assert ready.service.sessions()


def test_with_mistakes_nothing_is_said_to_be_done(winux: Winux, lab: Lab) -> None:
    lab.ready()
    lab.world.write("carol.yaml", session("carol", more="ttl: 5"))
    lab.world.run(1)
    said = winux("plan")
    assert (said.status, said.out) == (1, "")


def test_a_new_revision_replaces(winux: Winux, ready: Lab) -> None:
    Path("new.yaml").write_text(session("bob", more='revision: "2"'))
    said = winux("plan", "new.yaml")
    assert (said.status, signs(said)) == (2, ["~ replace bob"])
    assert f"(container {ready.world.vmid('bob')} on pve1)" in said.out


def test_into_an_empty_directory_everything_is_created(winux: Winux, lab: Lab) -> None:
    lab.world.run(1)
    Path("new.yaml").write_text(session("carol"))
    said = winux("plan", "new.yaml")
    assert (said.status, signs(said)) == (2, ["+ create carol"])
    Path("next").mkdir()
    Path("next/carol.yaml").write_text(session("carol"))
    assert signs(winux("plan", "next")) == ["+ create carol"]


def test_what_is_held_counts_as_a_change(winux: Winux, ready: Lab) -> None:
    ready.service.pause("bob")
    ready.world.run(1)
    said = winux("plan")
    assert (said.status, signs(said)) == (2, ["! hold bob", "= keep alice"])


def test_a_session_that_keeps_failing_says_why(winux: Winux, ready: Lab) -> None:
    ready.world.door.add_fault(Fault(kind=FaultKind.ERROR, operation="create", status=403, text="Permission"))
    ready.write("carol")
    ready.world.run(3)
    (line,) = (line for line in winux("plan").lines if "carol" in line)
    assert line.split()[:4] == ["+", "create", "carol", "Forbidden"]
    assert "about to be made" not in line


def test_what_holds_several_is_said_once(winux: Winux, lab: Lab) -> None:
    lab.ready("a", "b", "c", "d", "e")
    Path("next").mkdir()
    Path("next/e.yaml").write_text(session("e"))
    said = winux("plan", "next")
    assert said.status == 2
    assert signs(said) == ["! hold a", "! hold b", "! hold c", "! hold d", "= keep e"]
    assert said.err.count("lost their manifest at once") == 1


def test_an_empty_directory_is_not_taken_for_nothing_is_wanted(winux: Winux, ready: Lab) -> None:
    Path("next").mkdir()
    said = winux("plan", "next")
    assert (said.status, said.out) == (1, "")
    assert ready.service.sessions()


# -- offline ---------------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose secret is nowhere: a plan without a daemon needs none."""
    path = tmp_path / "winux.yaml"
    path.write_text(
        "proxmox: {url: 'https://127.0.0.1:8006', tokenId: 'winux@pve!controller', tokenSecretFile: /nonexistent}\n"
        "defaults: {archive: 'local:vztmpl/winux.tar.zst', storage: local}\n"
        f"ledger: {{url: 'sqlite:///{tmp_path}/ledger.db'}}\n"
    )
    return path


def test_without_a_ledger_everything_counts_as_new(winux: Winux, tmp_path: Path, config: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "alice.yaml").write_text(session("alice"))
    said = winux("--config", str(config), "plan", "--offline")
    assert (said.status, signs(said)) == (2, ["+ create alice"])
    assert said.err.endswith("ledger.db yet, so every session counts as new\n")
    assert not (tmp_path / "ledger.db").exists()


def test_the_ledger_is_compared_with_and_not_written(winux: Winux, ready: Lab, config: Path, tmp_path: Path) -> None:
    ready.world.stop()
    ledger = tmp_path / "ledger.db"
    before = ledger.read_bytes()
    ready.world.remove("bob.yaml")
    ready.write("carol")
    said = winux("--config", str(config), "plan", "--offline")
    assert (said.status, signs(said)) == (2, ["+ create carol", "- destroy bob", "= keep alice"])
    assert ledger.read_bytes() == before


def test_a_file_offline_is_planned_on_top_of_the_configured_directory(winux: Winux, ready: Lab, config: Path) -> None:
    Path("new.yaml").write_text(session("carol", more="template: small"))
    said = winux("--config", str(config), "plan", "--offline", "new.yaml")
    assert (said.status, signs(said)) == (2, ["+ create carol"])
    assert ready.service.sessions()


def test_without_a_configuration_a_directory_can_be_planned_still(winux: Winux) -> None:
    Path("manifests").mkdir()
    Path("manifests/t.yaml").write_text(TEMPLATE)
    said = winux("plan", "--offline")
    assert (said.status, said.out) == (0, "there is nothing to do: no session is wanted and none lives\n")
    Path("manifests/alice.yaml").write_text(session("alice", more="template: small"))
    assert winux("plan", "--offline", "manifests").status == 2


def test_a_ledger_that_is_none_is_one_sentence(winux: Winux, tmp_path: Path, config: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "alice.yaml").write_text(session("alice"))
    (tmp_path / "ledger.db").write_text("this is no database, whatever it is called" * 40)
    said = winux("--config", str(config), "plan", "--offline")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("error: the ledger cannot be read: ")


def test_a_driver_that_is_not_installed_is_one_sentence(winux: Winux, tmp_path: Path, config: Path) -> None:
    if importlib.util.find_spec("psycopg") is not None:
        pytest.skip("the driver is installed here")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "alice.yaml").write_text(session("alice"))
    url = "postgresql://winux:s3cret@127.0.0.1:1/winux"
    config.write_text(config.read_text().replace(f"sqlite:///{tmp_path}/ledger.db", url))
    config.chmod(0o600)
    said = winux("--config", str(config), "plan", "--offline")
    assert (said.status, said.out) == (1, "")
    assert said.err.endswith("(No module named 'psycopg'): run `pip install 'psycopg[binary]'`\n")
    assert "s3cret" not in said.err
