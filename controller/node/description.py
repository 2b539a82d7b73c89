"""How to reach a node: what ``winux node --json`` prints, and what tests ask a server for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.node.bootstrap import Furniture


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """How to reach a node that serves. The tokens hold their secrets; ``repr`` hides them."""

    url: str
    ca: Path
    node: str
    nodes: tuple[str, ...]
    storage: str
    ostemplate: str
    bridge: str
    pool: str
    token: str
    """``user@realm!id=secret`` with all rights."""
    pool_token: str
    """The same with a controller's rights on the pool only."""
    templates: tuple[int, ...]
    """VMIDs of container templates that can be cloned, one on each node."""
    fingerprint: str
    """SHA-256 of the server's certificate, ``AA:BB:…``."""

    def __repr__(self) -> str:
        return f"Description(url={self.url!r}, node={self.node!r})"

    def as_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), default=str)


def describe(
    furniture: Furniture, *, url: str, ca: Path, nodes: tuple[str, ...], pool: str, fingerprint: str
) -> Description:
    return Description(
        url=url,
        ca=ca,
        node=nodes[0],
        nodes=nodes,
        storage=furniture.storage,
        ostemplate=furniture.ostemplate,
        bridge=furniture.bridge,
        pool=pool,
        token=furniture.token,
        pool_token=furniture.pool_token,
        templates=furniture.templates,
        fingerprint=fingerprint,
    )
