"""The files that are put over Debian's: scripts that a shell reads, settings that their programs read."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from controller.image import overlay_tree, recipe

OVERLAY = Path(overlay_tree.__file__).with_name("overlay")
FILES = sorted(path for path in OVERLAY.rglob("*") if path.is_file())
SCRIPTS = [path for path in FILES if path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")]


def named(path: Path) -> str:
    return path.relative_to(OVERLAY).as_posix()


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_a_shell_reads_every_script(script: Path) -> None:
    assert subprocess.run(["sh", "-n", script], capture_output=True, check=False).stderr == b""
    assert "\nset -eu\n" in script.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_the_scripts_are_those_that_others_call() -> None:
    assert [named(path) for path in SCRIPTS] == [
        f"usr/lib/winux/{name}" for name in ("customize", "first-boot", "notify")
    ]


@pytest.mark.parametrize("file", [path for path in FILES if path.suffix in {".xml", ".svg"}], ids=named)
def test_xml_is_well_formed(file: Path) -> None:
    ElementTree.parse(file)  # noqa: S314 - our own


def test_every_plugin_of_a_panel_is_described_and_installed() -> None:
    root = ElementTree.parse(OVERLAY / "etc/xdg/xfce4/panel/default.xml").getroot()  # noqa: S314 - our own
    used = [
        f"plugin-{value.get('value')}"
        for ids in root.iter("property")
        if ids.get("name") == "plugin-ids"
        for value in ids
    ]
    (plugins,) = (one for one in root if one.get("name") == "plugins")
    assert used == [plugin.get("name") for plugin in plugins]
    assert {plugin.get("value") for plugin in plugins}.isdisjoint({"pager", "pulseaudio", "power-manager-plugin"})


def test_nobody_shuts_a_desktop_down_or_saves_a_session() -> None:
    rules = configparser.ConfigParser()
    rules.read(OVERLAY / "etc/xdg/xfce4/kiosk/kioskrc")
    assert dict(rules["xfce4-session"]) == {"shutdown": "NONE", "savesession": "NONE"}


def test_the_browser_starts_without_a_page_about_itself_and_tells_nobody() -> None:
    policies = json.loads((OVERLAY / "etc/firefox/policies/policies.json").read_text(encoding="utf-8"))["policies"]
    assert policies["OverrideFirstRunPage"] == policies["OverridePostUpdatePage"] == ""
    for name in ("DisableTelemetry", "DontCheckDefaultBrowser", "DisableAppUpdate"):
        assert policies[name] is True


def test_rdp_does_not_start_before_first_boot_is_done() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # case counts
    unit.read(OVERLAY / "etc/systemd/system/winux-first-boot.service")
    assert unit["Install"]["RequiredBy"] == "xrdp.service"
    assert "xrdp.service" in unit["Unit"]["Before"].split()
    assert unit["Service"]["Type"] == "oneshot"


def test_who_logs_in_is_named_alike_everywhere() -> None:
    for name in ("first-boot", "notify"):
        text = (OVERLAY / "usr/lib/winux" / name).read_text(encoding="utf-8")
        assert re.findall(r"^user=(.*)$", text, re.MULTILINE) == [recipe.USER]


def test_the_tree_that_is_copied_is_written_by_nobody_else() -> None:
    with overlay_tree.overlay_tree() as tree:
        modes = {path.relative_to(tree).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tree.rglob("*")}
        assert len([path for path in tree.rglob("*") if path.is_file()]) == len(FILES)
    assert modes["usr/lib/winux/first-boot"] == 0o755
    assert modes["etc/systemd/journald.conf.d/winux.conf"] == 0o644
    assert modes["etc"] == 0o755
    assert set(modes.values()) == {0o755, 0o644}
