"""Building as a process, with a stand-in for mmdebstrap that says what it says and takes no time."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from controller.image.build import BuildError, build
from controller.image.cache import current
from controller.image.manifest import read_manifest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root builds images")

STAND_IN = """\
#!/bin/sh
echo 'I: automatically chosen format: tar' >&2
echo 'I: running apt-get update...' >&2
for word in "$@"; do
    case $word in
    */image.tar.zst) tarball=$word ;;
    *dpkg-query*) listing=${word##*> } ;;
    esac
done
echo "I: running --customize-hook in shell: $*" >&2
test -z "$FAILS" || { echo 'E: Unable to locate package xfce4-panel' >&2; exit 25; }
printf 'xrdp\\t0.9.21.1-1\\nxfce4-panel\\t4.18.2-1\\n' > "$listing"
echo 'I: creating tarball...' >&2
printf '%s in %s' "$SOURCE_DATE_EPOCH" "$LC_ALL" > "$tarball"
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "bin"
    place.mkdir()
    for name in ("mmdebstrap", "zstd"):
        (place / name).write_text(STAND_IN)
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    return place


@needs_root
@pytest.mark.usefixtures("stand_in")
def test_a_build_puts_the_image_and_its_manifest_there(tmp_path: Path) -> None:
    image, steps = tmp_path / "images/winux.tar.zst", list[str]()
    manifest = build(image, progress=steps.append)
    assert steps == ["reading Debian's package lists", "packing the image"]
    assert image.read_text() == "1767225600 in C.UTF-8"
    assert manifest == read_manifest(image) == current(image)
    assert manifest.sha256 == hashlib.sha256(image.read_bytes()).hexdigest()
    assert manifest.size == image.stat().st_size
    assert manifest.packages == {"xfce4-panel": "4.18.2-1", "xrdp": "0.9.21.1-1"}
    assert sorted(path.name for path in image.parent.iterdir()) == ["winux.json", "winux.tar.zst"]


@needs_root
@pytest.mark.usefixtures("stand_in")
def test_a_build_that_fails_leaves_the_old_image_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "winux.tar.zst"
    build(image, progress=lambda _: None)
    before = image.read_bytes(), current(image)
    monkeypatch.setenv("FAILS", "yes")
    with pytest.raises(BuildError, match="mmdebstrap ended with status 25") as failed:
        build(image, progress=lambda _: None)
    assert failed.value.said == ("E: Unable to locate package xfce4-panel",)
    assert (image.read_bytes(), current(image)) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "winux.json", "winux.tar.zst"]


@needs_root
@pytest.mark.usefixtures("stand_in")
def test_who_ends_a_build_half_way_leaves_nothing(tmp_path: Path) -> None:
    def end(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "images/winux.tar.zst", progress=end)
    assert [*(tmp_path / "images").iterdir()] == []


@needs_root
def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="not installed: mmdebstrap, util-linux, zstd; run"):
        build(tmp_path / "winux.tar.zst", progress=lambda _: None)


@needs_root
@pytest.mark.usefixtures("stand_in")
def test_a_place_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match=r"cannot make .*/file/winux.tar.zst: not a directory|file exists"):
        build(tmp_path / "file/winux.tar.zst", progress=lambda _: None)
