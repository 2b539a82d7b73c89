"""The body of ``winux node``: serve until told to stop, and say how to use it."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import yaml

from controller.node.config import NodeConfig
from controller.node.description import Description
from controller.node.server import NodeServer

TOKEN_FILE = "token"  # noqa: S105  # a file name
POOL_TOKEN_FILE = "pool-token"  # noqa: S105
WRITTEN = "# written by winux node"
"""How a configuration begins that may be written anew."""


def serve(config: NodeConfig, *, json_line: bool, write_config: Path | None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status.

    ``json_line`` prints one JSON line on stdout when it serves, else a text for people. ``write_config`` writes a
    ``winux.yaml`` there that a controller can start with, unless a file is there that somebody else wrote.
    """
    if write_config is not None and not may_write(write_config):
        print(f"{write_config} is there and was not written by winux node: choose another file.", file=sys.stderr)  # noqa: T201
        return 1
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    server = NodeServer(config)
    try:
        description = server.start()
    except ValueError as error:
        print(f"The node cannot start: {error}.", file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        print(f"The node cannot listen on {config.listen}: {error.strerror}. Choose another port.", file=sys.stderr)  # noqa: T201
        return 1
    try:
        directory = config.directory.resolve()
        write_secret(directory / TOKEN_FILE, description.token.partition("=")[2])
        write_secret(directory / POOL_TOKEN_FILE, description.pool_token.partition("=")[2])
        if write_config is not None:
            write_controller_config(write_config, description, directory / POOL_TOKEN_FILE)
        print(description.as_json() if json_line else welcome(description, directory, write_config), flush=True)  # noqa: T201
        while not end.wait(1.0):
            if not server.alive:
                return 1
    finally:
        server.stop()
    return 0


def write_secret(path: Path, text: str) -> None:
    """A file that only its owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


def may_write(path: Path) -> bool:
    """Whether nothing is there, or a configuration that was written here."""
    try:
        return path.read_bytes().startswith(WRITTEN.encode())
    except FileNotFoundError:
        return not path.is_symlink()
    except OSError:
        return False


def write_controller_config(path: Path, description: Description, secret: Path) -> None:
    """A ``winux.yaml`` for a controller with the pool's token; its ledger and socket lie beside it."""
    beside = path.resolve().parent
    document: dict[str, object] = {
        "controller": {"id": "default"},
        "manifests": {"path": "./manifests"},
        "proxmox": {
            "url": description.url,
            "tokenId": description.pool_token.partition("=")[0],
            "tokenSecretFile": str(secret),
            "caFile": str(description.ca),
            "pool": description.pool,
        },
        "defaults": {
            "archive": description.ostemplate,
            "storage": description.storage,
            "bridge": description.bridge,
        },
        "ledger": {"url": f"sqlite:///{beside / 'ledger.db'}"},
        "admin": {"socket": str(beside / "admin.sock")},
    }
    head = f"{WRITTEN} --write-config, which overwrites it as long as this line is there"
    write_secret(path, f"{head}\n{yaml.safe_dump(document, sort_keys=False)}".rstrip("\n"))


def welcome(description: Description, directory: Path, written: Path | None) -> str:
    """What a person needs to know; secrets stay in their files."""
    full, limited = (token.partition("=")[0] for token in (description.token, description.pool_token))
    lines = [
        "A Proxmox-compatible node serves here; its containers exist in memory only.",
        "",
        f"  API      {description.url}",
        f"  CA file  {description.ca}",
        f"  nodes    {', '.join(description.nodes)}",
        f"  token    {limited}  (rights on pool {description.pool}; secret in {directory / POOL_TOKEN_FILE})",
        f"  token    {full}  (all rights; secret in {directory / TOKEN_FILE})",
        "",
        "Try it:",
        f"  curl --cacert {description.ca} \\",
        f'    -H "Authorization: PVEAPIToken={full}=$(cat {directory / TOKEN_FILE})" \\',
        f"    {description.url}/api2/json/cluster/resources",
    ]
    if written is not None:
        lines += ["", "Start a controller on it:", f"  winux run --config {written}"]
    return "\n".join([*lines, "", "Ctrl-C ends it."])
