"""Which commit a directory is at: by git-sync's names, and by git's own files as git itself writes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from controller.sources.revision import commit_of

COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
LONG = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
GIT = shutil.which("git")

needs_git = pytest.mark.skipif(GIT is None, reason="needs git to make repositories")


def git(*arguments: str, at: Path) -> str:
    assert GIT is not None
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": str(at)}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    done = subprocess.run([GIT, *who, *arguments], cwd=at, env=quiet, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(path: Path, *how: str) -> Path:
    """With one commit on ``main`` that has a directory ``manifests``."""
    path.mkdir()
    git("init", "-q", "-b", "main", *how, at=path)
    (path / "manifests").mkdir()
    (path / "manifests" / "a.yaml").write_text("a")
    git("add", ".", at=path)
    git("commit", "-q", "-m", "first", at=path)
    return path


@pytest.mark.parametrize("name", [COMMIT, f"rev-{COMMIT}"], ids=["git-sync 4", "git-sync 3"])
def test_git_sync_names_the_commit(tmp_path: Path, name: str) -> None:
    worktree = tmp_path / "git" / ".worktrees" / name
    (worktree / "manifests").mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to(worktree)
    assert commit_of(link) == COMMIT
    assert commit_of(link / "manifests") == COMMIT


def test_a_commit_of_sha_256_is_one_too(tmp_path: Path) -> None:
    (tmp_path / LONG).mkdir()
    assert commit_of(tmp_path / LONG) == LONG


@pytest.mark.parametrize("name", [COMMIT[:-1], COMMIT.upper(), f"v-{COMMIT}", "manifests"])
def test_another_name_is_no_commit(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert commit_of(tmp_path / name) is None


@needs_git
def test_a_checkout_is_at_what_its_branch_is_at(tmp_path: Path) -> None:
    here = repository(tmp_path / "r")
    first = git("rev-parse", "HEAD", at=here)
    assert commit_of(here) == commit_of(here / "manifests") == first
    git("commit", "-q", "--allow-empty", "-m", "second", at=here)
    assert commit_of(here) == git("rev-parse", "HEAD", at=here) != first


@needs_git
def test_a_detached_head_is_the_commit_itself(tmp_path: Path) -> None:
    here = repository(tmp_path / "r")
    first = git("rev-parse", "HEAD", at=here)
    git("commit", "-q", "--allow-empty", "-m", "second", at=here)
    git("checkout", "-q", first, at=here)
    assert commit_of(here) == first


@needs_git
def test_branches_that_were_packed_are_found(tmp_path: Path) -> None:
    here = repository(tmp_path / "r")
    git("branch", "other", at=here)
    git("tag", "-a", "-m", "x", "v1", at=here)
    git("pack-refs", "--all", at=here)
    assert not (here / ".git" / "refs" / "heads" / "main").exists()
    assert commit_of(here) == git("rev-parse", "HEAD", at=here)


@needs_git
def test_a_worktree_has_a_head_of_its_own_and_shares_the_branches(tmp_path: Path) -> None:
    here = repository(tmp_path / "r")
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "w"), at=here)
    git("commit", "-q", "--allow-empty", "-m", "second", at=tmp_path / "w")
    assert commit_of(tmp_path / "w" / "manifests") == git("rev-parse", "side", at=here) != commit_of(here)


@needs_git
def test_a_submodule_is_at_its_own_commit(tmp_path: Path) -> None:
    inner, outer = repository(tmp_path / "inner"), repository(tmp_path / "outer")
    git("submodule", "--quiet", "add", str(inner), "sub", at=outer)
    assert commit_of(outer / "sub") == git("rev-parse", "HEAD", at=inner)


@needs_git
def test_a_repository_without_a_commit_is_at_none(tmp_path: Path) -> None:
    git("init", "-q", at=tmp_path)
    assert commit_of(tmp_path) is None


def test_a_directory_that_is_not_there_or_no_checkout_is_at_none(tmp_path: Path) -> None:
    assert commit_of(tmp_path / "none") is None
    assert commit_of(tmp_path) is None


def test_a_link_in_a_circle_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")
    assert commit_of(tmp_path / "a") is None


@pytest.mark.parametrize(
    "head",
    [
        "", "ref: ", "ref: ../../secret", "ref: refs/../../secret", "ref: refs/heads/none", "not a commit",
        f"{COMMIT}0", "ref: refs/heads/loop",
    ],
)  # fmt: skip
def test_a_head_that_says_nothing_is_none(tmp_path: Path, head: str) -> None:
    (tmp_path / "secret").write_text(COMMIT)
    heads = tmp_path / "r" / ".git" / "refs" / "heads"
    heads.mkdir(parents=True)
    (heads / "loop").write_text("ref: refs/heads/loop\n")
    (tmp_path / "r" / ".git" / "HEAD").write_text(head)
    assert commit_of(tmp_path / "r") is None


@pytest.mark.parametrize("where", [".git", ".git/HEAD"])
def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(tmp_path: Path, where: str) -> None:
    path = tmp_path / "r" / where
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(commit_of(tmp_path / "r")), daemon=True)
    thread.start()
    thread.join(20)
    assert found == [None]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with (tmp_path / ".git" / "HEAD").open("w") as file:
        file.write(COMMIT + "\n")
        file.truncate(64 * 1024 * 1024)
    assert commit_of(tmp_path) is None
