"""When the token and the certificate of a node that serves over HTTPS end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.engine.clock import SystemClock
from controller.node.config import NodeConfig
from controller.node.server import NodeServer
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.certificate import certificate_expiry
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.outlook import Outlook

DAY = 86_400.0
Lab = Any
"""The lab of conftest.py, which tests cannot import."""


def test_the_certificate_of_a_node_ends_when_it_was_told_to(tmp_path: Path) -> None:
    server = NodeServer(NodeConfig(profile="instant", directory=tmp_path, rdp=False, certificate_days=5))
    server.start()
    try:
        about = server.description
        token_id, _, secret = about.pool_token.partition("=")
        by_authority = Endpoint(about.url, token_id, secret, ca_file=about.ca)
        by_fingerprint = Endpoint(about.url, token_id, secret, fingerprint=about.fingerprint)
        ends = {certificate_expiry(by_authority), certificate_expiry(by_fingerprint)}
        assert len(ends) == 1
        assert ends.pop() - SystemClock().now() == pytest.approx(5 * DAY, abs=DAY / 12)
        assert server.behind(lambda door: door.stats())["calls"] == {}
    finally:
        server.stop()


def test_an_outlook_over_https_sees_nodes_and_both_ends(
    lab: Lab, full: ProxmoxAdapter, limited: ProxmoxAdapter
) -> None:
    endpoint = lab.endpoint(lab.about.pool_token)
    outlook = Outlook(limited, clock=SystemClock(), certificate=lambda: certificate_expiry(endpoint))
    token = lab.server.behind(lambda door: door.cluster.access.tokens["winux@pve!controller"])
    token.expires = 1_900_000_000
    try:
        outlook.look()
    finally:
        token.expires = 0
    assert outlook.nodes == {"pve1": True, "pve2": True}
    assert outlook.token_expires == 1_900_000_000
    assert (outlook.certificate_expires or 0) - SystemClock().now() == pytest.approx(730 * DAY, abs=DAY)
    assert full.token_expiry() is None
