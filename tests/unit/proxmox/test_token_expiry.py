"""When the token expires, as a token with a controller's rights reads it of itself, on every release."""

from __future__ import annotations

import pytest

from controller.engine.clock import VirtualClock
from controller.node.access import AclKey
from controller.node.bootstrap import POOL_GROUP, POOL_TOKEN, POOL_USER
from controller.node.inprocess import InProcessNode
from controller.node.release import RELEASES
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.endpoint import Endpoint
from controller.proxmox.port import Forbidden

ENDS = 1_900_000_000


@pytest.fixture(params=RELEASES)
def node(request: pytest.FixtureRequest) -> InProcessNode:
    return InProcessNode(VirtualClock(), version=request.param)


@pytest.fixture
def limited(node: InProcessNode) -> ProxmoxAdapter:
    return port(node, node.description.pool_token)


def port(node: InProcessNode, token: str) -> ProxmoxAdapter:
    token_id, _, secret = token.partition("=")
    return ProxmoxAdapter(Endpoint(node.description.url, token_id, secret), transport=node.transport)


def test_a_token_without_an_end_never_expires(node: InProcessNode, limited: ProxmoxAdapter) -> None:
    assert limited.token_expiry() is None
    assert port(node, node.description.token).token_expiry() is None


def test_the_end_of_the_token_is_told(node: InProcessNode, limited: ProxmoxAdapter) -> None:
    node.cluster.access.tokens[POOL_TOKEN].expires = ENDS
    assert limited.token_expiry() == ENDS
    assert port(node, node.description.token).token_expiry() is None


@pytest.mark.parametrize(("user", "told"), [(ENDS - 1, ENDS - 1), (ENDS + 1, ENDS), (0, ENDS)])
def test_it_ends_with_its_user_if_that_is_sooner(
    node: InProcessNode, limited: ProxmoxAdapter, user: int, told: int
) -> None:
    node.cluster.access.tokens[POOL_TOKEN].expires = ENDS
    node.cluster.access.users[POOL_USER].expires = user
    assert limited.token_expiry() == told


def test_without_the_right_to_audit_its_users_group_it_is_not_told(
    node: InProcessNode, limited: ProxmoxAdapter
) -> None:
    node.cluster.access.revoke(f"/access/groups/{POOL_GROUP}", AclKey("user", POOL_USER), ["WinuxSelf"])
    with pytest.raises(Forbidden, match=r"it needs Sys\.Audit on /access/groups, or on a group that winux@pve is in"):
        limited.token_expiry()


def test_only_the_own_user_is_told_of(node: InProcessNode, limited: ProxmoxAdapter) -> None:
    node.cluster.access.groups[POOL_GROUP].users.clear()
    with pytest.raises(Forbidden):
        limited.token_expiry()
