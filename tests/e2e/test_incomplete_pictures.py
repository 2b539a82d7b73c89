"""Nothing is destroyed from an incomplete picture; people are told why in one sentence, and it recovers by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from controller.daemon.daemon import RETRY_CAP
from tests.e2e.conftest import MakeSite
from tests.e2e.daemon import Daemon
from tests.e2e.forwarder import Forwarder
from tests.e2e.site import Site
from tests.e2e.waiting import PATIENCE, until

NAMES = ("alice", "bob")
SCANNING = {"manifests": {"grace": "1s", "rescan": "1s"}, "proxmox": {"tick": "500ms"}}
"""For what nothing tells of but the next scan."""


@contextmanager
def two_that_stay(site: Site, daemon: Daemon) -> Iterator[None]:
    """Two desktops that are the same before and after, and nothing was deleted or created meanwhile."""
    for name in NAMES:
        site.manifests.session(name, ttl="1h")
    before = daemon.wait_ready(*NAMES)
    calls = len(site.admin.writes("create", "delete"))
    yield
    after = daemon.wait_ready(*NAMES)
    assert {n: (s.uid, s.vmid) for n, s in after.items()} == {n: (s.uid, s.vmid) for n, s in before.items()}
    assert site.admin.writes("create", "delete")[calls:] == []
    assert sorted(site.admin.of()) == sorted(NAMES)


def check_people_are_told(daemon: Daemon, sentence: str) -> None:
    """``winux get`` and ``winux describe`` say it, in one sentence."""
    assert "\n" not in sentence
    flat = " ".join(sentence.split())
    for command in (["get", "sessions"], ["describe", "alice"]):
        said = daemon.cli(*command)
        assert said.returncode == 0, said.stderr
        assert flat in " ".join((said.stdout + said.stderr).split()), f"winux {' '.join(command)} does not say it"


# -- the directory ---------------------------------------------------------------------------------------------


@contextmanager
def emptied(path: Path) -> Iterator[None]:
    kept = path.with_name("kept")
    kept.mkdir()
    for file in path.glob("*.yaml"):
        file.rename(kept / file.name)
    yield
    for file in kept.iterdir():
        file.rename(path / file.name)


@contextmanager
def renamed_away(path: Path) -> Iterator[None]:
    path.rename(path.with_name("elsewhere"))
    yield
    path.with_name("elsewhere").rename(path)


@contextmanager
def replaced_by_an_empty_mount_point(path: Path) -> Iterator[None]:
    """As an unmounted directory looks from above: the mount point is there and has nothing in it."""
    path.rename(path.with_name("elsewhere"))
    path.mkdir()
    yield
    path.rmdir()
    path.with_name("elsewhere").rename(path)


MISFORTUNES: list[tuple[Callable[[Path], AbstractContextManager[None]], str]] = [
    (emptied, 'is empty and held 3 manifest files before, which is not taken for "nothing is wanted"'),
    (renamed_away, "does not exist"),
    (replaced_by_an_empty_mount_point, "is empty"),
]


@contextmanager
def at_once(daemon: Daemon, misfortune: AbstractContextManager[None]) -> Iterator[None]:
    """It comes and goes between two scans: one in the midst of it would rightly tell of something else."""
    with ExitStack() as stack:
        with daemon.frozen():
            stack.enter_context(misfortune)
        yield
        with daemon.frozen():
            stack.close()


def test_a_directory_that_is_not_whole_ends_nothing(site: Site) -> None:
    daemon = site.daemon().in_sync()
    with two_that_stay(site, daemon):
        for misfortune, says in MISFORTUNES:
            with at_once(daemon, misfortune(site.manifests.path)):
                sentence = daemon.wait_notice("ManifestsIncomplete")
                assert says in sentence
                check_people_are_told(daemon, sentence)
                daemon.wait_ticks(3)
            daemon.wait_no_notices()
    check_that_removal_counts_again(site, daemon)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount and unmount a file system")
def test_an_unmounted_directory_ends_nothing(make_site: MakeSite) -> None:
    site = make_site(settings=SCANNING)
    path, below = site.manifests.path, site.directory / "below"
    path.rename(below)
    path.mkdir()
    if not mount(path):
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        shutil.copytree(below, path, dirs_exist_ok=True)
        daemon = site.daemon().in_sync()
        with two_that_stay(site, daemon):
            shutil.copytree(path, below, dirs_exist_ok=True)
            unmount(path)
            assert "is empty" in daemon.wait_notice("ManifestsIncomplete")
            daemon.wait_ticks(3)
            with daemon.frozen():
                assert mount(path)
                shutil.copytree(below, path, dirs_exist_ok=True)
            daemon.wait_no_notices()
    finally:
        unmount(path)


def mount(path: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def unmount(path: Path) -> None:
    subprocess.run(["umount", "-l", str(path)], check=False, capture_output=True)


def test_a_directory_or_file_that_may_not_be_read_ends_nothing(make_site: MakeSite) -> None:
    site = make_site(settings=SCANNING)
    daemon = site.daemon(mortal=True).in_sync()
    with two_that_stay(site, daemon):
        site.manifests.path.chmod(0o000)
        sentence = daemon.wait_notice("ManifestsIncomplete")
        assert "cannot be" in sentence
        assert "Permission denied" in sentence
        daemon.wait_ticks(3)
        site.manifests.path.chmod(0o755)
        daemon.wait_no_notices()

        file = site.manifests.path / "alice.yaml"
        file.chmod(0o000)
        problems = until(lambda: daemon.admin.status().problems, what="the file is reported")
        assert [problem.sentence for problem in problems] == [
            "alice.yaml: cannot be read: Permission denied; what it held last counts on: "
            "fix its permissions or remove it"
        ]
        daemon.wait_ticks(3)
        file.chmod(0o644)
        until(lambda: not daemon.admin.status().problems, what="the problem is gone")


HALVES = ["", "apiVersion: winux.dev/v1\nkind: Sess", "{", "# only a comment\n", "---\n"]


def test_a_half_written_file_ends_nothing(site: Site) -> None:
    daemon = site.daemon().in_sync()
    with two_that_stay(site, daemon):
        for half in HALVES:
            (site.manifests.path / "alice.yaml").write_text(half, encoding="utf-8")
            problems = until(lambda: daemon.admin.status().problems, what=f"{half!r} is reported")
            assert [problem.file for problem in problems] == ["alice.yaml"]
            until(
                lambda: (s := daemon.session("alice")) and s.problems == sentences(daemon),
                what="its session has the same problem",
                show=lambda: daemon.session("alice"),
            )
            daemon.wait_ticks(3)
            site.manifests.session("alice", ttl="1h")
            until(lambda: not daemon.admin.status().problems, what="the problem is gone")
        (site.manifests.path / "alice.yaml").write_text(HALVES[1], encoding="utf-8")
        problems = until(lambda: daemon.admin.status().problems, what="it is reported")
        check_people_are_told(daemon, problems[0].sentence)
        site.manifests.session("alice", ttl="1h")
        until(lambda: not daemon.admin.status().problems, what="the problem is gone")


def sentences(daemon: Daemon) -> tuple[str, ...]:
    return tuple(problem.sentence for problem in daemon.admin.status().problems)


def check_that_removal_counts_again(site: Site, daemon: Daemon) -> None:
    site.manifests.remove("alice")
    daemon.wait_gone("alice")
    assert sorted(site.admin.of()) == ["bob"]


# -- Proxmox ---------------------------------------------------------------------------------------------------


def test_a_node_that_hangs_ends_nothing(make_site: MakeSite) -> None:
    site = make_site(settings={"manifests": {"grace": "1s"}, "proxmox": {"tick": "500ms", "timeout": "1s"}})
    daemon = site.daemon().in_sync()
    with two_that_stay(site, daemon):
        with site.node.frozen():
            sentence = daemon.wait_notice("NotObserved")
            assert "Proxmox cannot be observed" in sentence
            check_people_are_told(daemon, sentence)
        daemon.wait_no_notices()
    check_that_removal_counts_again(site, daemon)


def test_a_node_that_refuses_connections_ends_nothing(site: Site) -> None:
    with Forwarder(site.node.port) as way:
        daemon = site.daemon(settings={"proxmox": {"url": f"https://127.0.0.1:{way.port}"}}).in_sync()
        with two_that_stay(site, daemon):
            way.close()
            # A call that was just under way tells of a lost answer first.
            until(
                lambda: "Connection refused" in daemon.notices().get("NotObserved", ""),
                what="it says that connections are refused",
                show=daemon.notices,
            )
            sentence = daemon.wait_notice("NotObserved")
            # A wish that cannot be followed now, and one that ends meanwhile.
            site.manifests.session("carol", ttl="1h")
            held = daemon.wait_for("carol", "Held")
            assert held.reason == "NotObserved"
            check_people_are_told(daemon, sentence)
            site.manifests.remove("carol")
            daemon.wait_gone("carol")
            way.open()
            daemon.wait_no_notices()


def test_a_node_that_was_down_starts_its_desktops_again(site: Site) -> None:
    daemon = site.daemon().in_sync()
    with two_that_stay(site, daemon):
        site.admin.door("POST", f"nodes/{site.admin.node}", online=False)
        daemon.wait_notice("NotObserved")
        site.admin.door("POST", f"nodes/{site.admin.node}", online=True)
        daemon.wait_no_notices()
        until(
            lambda: all(site.admin.containers()[vmids[0]].running for vmids in site.admin.of().values()),
            what="both run again",
            within=90,
        )


def test_without_quorum_nothing_is_lost(site: Site) -> None:
    daemon = site.daemon().in_sync()
    site.manifests.session("bob", ttl="1h")
    site.manifests.session("alice", ttl="1h")
    before = daemon.wait_ready("alice", "bob")
    site.admin.door("POST", "quorum", quorate=False)
    site.manifests.remove("alice")
    site.manifests.session("carol", ttl="1h")
    alice = until(
        lambda: (s := daemon.session("alice")) and s.phase == "Terminating" and s.reason == "NoQuorum" and s,
        what="it is said why alice's container is still there",
        show=lambda: daemon.session("alice"),
    )
    until(lambda: (s := daemon.session("carol")) and s.reason == "NoQuorum" and s, what="carol waits")
    sentence = daemon.wait_notice("NoQuorum")
    assert "the Proxmox cluster has no quorum: 2 sessions wait" in sentence
    check_people_are_told(daemon, sentence)
    assert alice.vmid == before["alice"].vmid
    assert sorted(site.admin.of()) == ["alice", "bob"]
    site.admin.door("POST", "quorum", quorate=True)
    # What was refused often is asked for seldom.
    daemon.wait_ready("carol", within=RETRY_CAP + PATIENCE)
    daemon.wait_gone("alice", within=RETRY_CAP + PATIENCE)
    daemon.wait_no_notices()
    assert daemon.wait_ready("bob")["bob"].uid == before["bob"].uid


def test_a_token_without_its_audit_right_sees_an_empty_list_and_ends_nothing(site: Site) -> None:
    rights = {*("VM.Allocate", "VM.Audit", "VM.Clone", "VM.PowerMgmt", "Pool.Audit")}
    rights |= {f"VM.Config.{kind}" for kind in ("CPU", "Memory", "Disk", "Network", "Options")}
    daemon = site.daemon().in_sync()
    with two_that_stay(site, daemon):
        blind = sorted(rights - {"VM.Audit", "Pool.Audit"})
        site.admin.door("POST", "roles/WinuxController", privileges=blind)
        sentence = daemon.wait_notice("NotObserved")
        assert "the token has no right to see the containers of pool winux" in sentence
        assert "`winux check`" in sentence
        check_people_are_told(daemon, sentence)
        site.manifests.session("carol", ttl="1h")
        assert daemon.wait_for("carol", "Held").reason == "NotObserved"
        site.manifests.remove("carol")
        daemon.wait_gone("carol")
        site.admin.door("POST", "roles/WinuxController", privileges=sorted(rights))
        daemon.wait_no_notices()
    check_that_removal_counts_again(site, daemon)


# -- the brake -------------------------------------------------------------------------------------------------


def test_removing_most_manifests_at_once_engages_the_brake_and_confirm_releases_it(site: Site) -> None:
    daemon = site.daemon().in_sync()
    names = [f"s{n}" for n in range(10)]
    for name in names:
        site.manifests.session(name, ttl="1h")
    daemon.wait_ready(*names)
    with daemon.frozen():
        site.manifests.remove(*names[:6])
    sentence = daemon.wait_notice("MassDelete")
    assert sentence.startswith("6 of 10 containers lost their manifest at once (allowed: 3)")
    for name in names[:6]:
        assert daemon.wait_for(name, "Held").message == sentence
    daemon.wait_ticks(4)
    assert site.admin.writes("delete") == []
    assert daemon.metric('winux_guard_engaged{guard="MassDelete"}') == 1
    shown = daemon.cli("get", "sessions")
    assert sentence in " ".join((shown.stdout + shown.stderr).split())

    confirmed = daemon.cli("confirm")
    assert confirmed.returncode == 0, confirmed.stderr
    for name in names[:6]:
        daemon.wait_gone(name)
    assert sorted(site.admin.of()) == names[6:]
    assert len(site.admin.writes("delete")) == 6
    daemon.wait_no_notices()


def test_the_brake_lets_go_when_the_manifests_come_back(site: Site) -> None:
    daemon = site.daemon().in_sync()
    names = [f"s{n}" for n in range(5)]
    for name in names:
        site.manifests.session(name, ttl="1h")
    before = daemon.wait_ready(*names)
    with daemon.frozen():
        site.manifests.remove(*names[:4])
    daemon.wait_notice("MassDelete")
    daemon.wait_for("s0", "Held")
    with daemon.frozen():
        for name in names[:4]:
            site.manifests.session(name, ttl="1h")
    daemon.wait_no_notices()
    after = daemon.wait_ready(*names)
    assert {n: s.uid for n, s in after.items()} == {n: s.uid for n, s in before.items()}
    assert site.admin.writes("delete") == []
