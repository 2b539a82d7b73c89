"""The body of ``winux node``: serve until told to stop, and say how to use it."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from pydantic import ValidationError

from controller.node.config import LXC_HOME, NodeConfig
from controller.node.description import Description
from controller.node.server import NodeServer

TOKEN_FILE = "token"  # noqa: S105  # a file name
POOL_TOKEN_FILE = "pool-token"  # noqa: S105
LOCK_FILE = "lock"
STATE_FILE = "cluster.db"
WRITTEN = "# written by winux node"
"""How a configuration begins that may be written anew."""


class CannotServe(Exception):
    """``str()`` is one sentence for people."""


def serve(config: NodeConfig, *, json_line: bool, write_config: Path | None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status.

    ``json_line`` prints one JSON line on stdout when it serves, else a text for people. ``write_config`` writes a
    ``winux.yaml`` there that a controller can start with, unless a file is there that somebody else wrote.
    """
    try:
        with _alone(config):
            return _serve(config, json_line=json_line, write_config=write_config)
    except CannotServe as reason:
        print(reason, file=sys.stderr)  # noqa: T201
        return 1


def _serve(config: NodeConfig, *, json_line: bool, write_config: Path | None) -> int:
    if write_config is not None and not may_write(write_config):
        raise CannotServe(f"{write_config} is there and was not written by winux node: choose another file.")
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    server = NodeServer(config)
    if config.engine == "lxc" and not json_line:
        print("Starting; an image is unpacked the first time, which takes a while.", file=sys.stderr)  # noqa: T201
    description = _started(server)
    try:
        directory = config.directory.resolve()
        write_secret(directory / TOKEN_FILE, description.token.partition("=")[2])
        write_secret(directory / POOL_TOKEN_FILE, description.pool_token.partition("=")[2])
        if write_config is not None:
            write_controller_config(write_config, description, directory / POOL_TOKEN_FILE)
        print(description.as_json() if json_line else welcome(config, description, write_config), flush=True)  # noqa: T201
        while not end.wait(1.0):
            if not server.alive:
                return 1
    finally:
        server.stop()
    return 0


@contextmanager
def _alone(config: NodeConfig) -> Iterator[None]:
    """Two nodes in one directory would write over each other's certificates, tokens and state."""
    with ExitStack() as held:
        for directory in sorted({config.directory.resolve(), (config.state or config.directory).resolve()}):
            try:
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock = held.enter_context((directory / LOCK_FILE).open("a", encoding="utf-8"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                option = "--state" if config.state else "--directory"
                raise CannotServe(f"Another node uses {directory}: end it, or choose another {option}.") from None
            except OSError as error:
                raise CannotServe(f"The node cannot use {error.filename}: {_why(error)}.") from None
        yield


def _started(server: NodeServer) -> Description:
    config = server.config
    try:
        config.check()
        return server.start()
    except (sqlite3.Error, ValidationError):
        kept = config.state / STATE_FILE if config.state else config.directory
        raise CannotServe(f"The state in {kept} cannot be read: choose another --state, or remove it.") from None
    except ValueError as error:
        raise CannotServe(f"The node cannot start: {error}.") from None
    except OSError as error:
        if error.filename is not None:
            raise CannotServe(f"The node cannot use {error.filename}: {_why(error)}.") from None
        raise CannotServe(f"The node cannot listen on {config.listen}: {_why(error)}. Choose another port.") from None


def _why(error: OSError) -> str:
    """asyncio puts its own words around those of the system, and that a file is in the way deserves better ones."""
    if isinstance(error, FileExistsError):
        return "it is a file, not a directory"
    return os.strerror(error.errno) if error.errno else str(error)


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
    text = controller_config(description, secret, beside=path.resolve().parent)
    head = f"{WRITTEN} --write-config, which overwrites it as long as this line is there"
    write_secret(path, f"{head}\n{text}".rstrip("\n"))


def controller_config(description: Description, secret: Path, *, beside: Path) -> str:
    """YAML. The secret stays in its file."""
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
    return str(yaml.safe_dump(document, sort_keys=False))


def welcome(config: NodeConfig, description: Description, written: Path | None) -> str:
    """What a person needs to know; secrets stay in their files."""
    directory = config.directory.resolve()
    full, limited = (token.partition("=")[0] for token in (description.token, description.pool_token))
    facts = [
        ("API", description.url),
        ("page", f"{description.url}/  (read-only, for everybody on this machine)"),
        ("CA file", str(description.ca)),
        ("nodes", f"{', '.join(description.nodes)}; timing {config.profile}"),
        ("token", f"{limited}  (rights on pool {description.pool}; secret in {directory / POOL_TOKEN_FILE})"),
        ("token", f"{full}  (all rights; secret in {directory / TOKEN_FILE})"),
    ]
    if config.engine == "lxc":
        facts.insert(3, ("image", str(config.image)))
    if config.faults is not None:
        facts.append(("faults", f"{config.faults}, which began to play now"))
    return "\n".join(
        [
            f"A node that answers like Proxmox VE {config.version}. {_containers(config)}",
            "",
            *(f"  {name:<8} {value}" for name, value in facts),
            "",
            "Try it:",
            f"  curl --cacert {description.ca} \\",
            f'    -H "Authorization: PVEAPIToken={full}=$(cat {directory / TOKEN_FILE})" \\',
            f"    {description.url}/api2/json/cluster/resources",
            "",
            *_controller(description, directory / POOL_TOKEN_FILE, written),
            "",
            "Ctrl-C ends it.",
        ]
    )


def _containers(config: NodeConfig) -> str:
    """One or two sentences: what they are, and what becomes of them."""
    if config.engine == "lxc":
        after = f"run on when it ends; the cluster is kept in {config.state}" if config.state else "end with it"
        reach = "" if config.internet else " They reach nothing beyond this machine."
        return f"Its containers are real, below {config.home or LXC_HOME}, and {after}.{reach}"
    kept = f"; the cluster is kept in {config.state}" if config.state else ", and are gone when it ends"
    return f"Its containers exist in memory only{kept}."


def _controller(description: Description, secret: Path, written: Path | None) -> list[str]:
    if written is not None:
        return ["Start a controller on it:", f"  winux run --config {written}"]
    text = controller_config(description, secret, beside=Path.cwd())
    return [
        "The winux.yaml of a controller for it, which --write-config winux.yaml writes:",
        *(f"  {line}" for line in text.splitlines()),
    ]
