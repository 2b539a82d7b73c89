"""``winux check`` against a node over HTTPS: what is there, right by right, and how to grant what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from controller.api.builtin import BUILT_IN_TEMPLATES
from controller.api.load import parse
from controller.cli import preflight
from controller.cli.preflight import needs_by_pool
from controller.core.offer import Offer, TemplateDefaults, settle
from controller.node.config import NodeConfig
from controller.node.serve import write_controller_config, write_secret
from controller.node.server import NodeServer
from controller.proxmox.rights import Bridge
from tests.unit.cli.conftest import Winux

DEFAULTS = TemplateDefaults(archive="local:vztmpl/w.tar.zst", storage="ssd", pool="winux")


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """The configuration of a controller of a node that serves."""
    server = NodeServer(NodeConfig(profile="instant", directory=tmp_path / "node"))
    description = server.start()
    write_secret(tmp_path / "secret", description.pool_token.partition("=")[2])
    write_controller_config(tmp_path / "winux.yaml", description, tmp_path / "secret")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "t.yaml").write_text(template("xfce", "features: {nesting: true}"))
    yield tmp_path / "winux.yaml"
    server.stop()


def template(name: str, spec: str) -> str:
    return f"apiVersion: winux.dev/v1\nkind: SessionTemplate\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


def offer(text: str) -> Offer:
    (manifest,) = parse(text.encode(), "t.yaml").manifests
    settled = settle(manifest, defaults=DEFAULTS)
    assert isinstance(settled, Offer)
    return settled


def test_a_token_that_may_do_all_that_is_needed_passes(winux: Winux, config: Path) -> None:
    said = winux("check", "--config", str(config))
    assert said.status == 0, said.out
    assert "  ✓ Its certificate is trusted" in said.lines
    assert any(line.split()[:3] == ["✓", "VM.Allocate", "/pool/winux"] for line in said.lines)
    assert said.lines[-1] == "21 passed, 1 optional right is missing"
    optional = said.lines.index("Optional, to grant on a Proxmox node:")
    assert said.lines[optional + 1].startswith('  pveum role add WinuxAudit --privs "VM.Audit"')
    assert "✗" not in said.out


def test_a_bridge_with_two_vlans_is_looked_for_once(winux: Winux, config: Path) -> None:
    (config.parent / "manifests" / "lab.yaml").write_text(template("lab", "network: {vlan: 30}"))
    said = winux("--config", str(config), "check")
    assert said.lines.count("  ✓ Bridge vmbr0 is on pve1") == 1
    assert "/sdn/zones/localnetwork/vmbr0/30" in said.out


def test_on_a_narrow_terminal_what_a_right_is_for_has_a_line_of_its_own(
    winux: Winux, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "width_of", lambda _console: 80)
    said = winux("--config", str(config), "check")
    rights = said.lines[said.lines.index("Rights") : said.lines.index("There")]
    assert max(map(len, rights)) <= 80
    (line,) = (number for number, line in enumerate(rights) if "SDN.Use" in line)
    assert rights[line].split() == ["✓", "SDN.Use", "/sdn/zones/localnetwork/vmbr0"]
    assert rights[line + 1].strip() == "connecting containers to vmbr0"


def test_a_right_that_is_missing_is_shown_with_the_line_that_grants_it(winux: Winux, config: Path) -> None:
    (config.parent / "manifests" / "lab.yaml").write_text(template("lab", "network: {bridge: vmbr7}"))
    said = winux("--config", str(config), "check")
    assert said.status == 1
    path = "/sdn/zones/localnetwork/vmbr7"
    assert any(line.split()[:3] == ["✗", "SDN.Use", path] for line in said.lines)
    assert any(line.startswith(f"  pveum acl modify {path} --tokens 'winux@pve!controller'") for line in said.lines)
    assert said.lines[-1].endswith("checks failed")


def test_the_secret_is_shown_nowhere(winux: Winux, config: Path) -> None:
    secret = (config.parent / "secret").read_text().strip()
    for command in (["check"], ["plan", "--offline"], ["validate"]):
        said = winux("--config", str(config), *command)
        assert secret not in said.out + said.err


def test_a_proxmox_that_does_not_answer_is_a_failed_check(winux: Winux, config: Path) -> None:
    settings = yaml.safe_load(config.read_text())
    settings["proxmox"]["url"] = "https://127.0.0.1:1"
    config.write_text(yaml.safe_dump(settings))
    said = winux("--config", str(config), "check")
    assert said.status == 1
    assert said.lines[-1] == "1 of 1 checks failed"


def test_what_is_needed_is_what_the_templates_use() -> None:
    clones = "source: {clone: {templates: [{vmid: 9000, node: pve1}, {vmid: 9001, node: pve2}]}}"
    offers = [
        offer(template("a", "network: {bridge: vmbr1, vlan: 30}")),
        offer(template("b", "storage: hdd")),
        offer(template("c", f"{clones}, pool: other")),
    ]
    own, other = needs_by_pool(offers, DEFAULTS)
    assert (own.pool, own.storages, own.archives) == ("winux", ("ssd", "hdd"), ("local:vztmpl/w.tar.zst",))
    assert own.bridges == (Bridge(name="vmbr1", vlan=30), Bridge(name="vmbr0"))
    assert (other.pool, other.templates) == ("other", (9000, 9001))


def test_without_any_template_the_sites_own_pool_is_looked_at() -> None:
    (own,) = needs_by_pool([], DEFAULTS)
    assert own.pool == "winux"
    assert BUILT_IN_TEMPLATES
