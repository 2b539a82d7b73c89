"""Write the dashboards into ``deploy/grafana/dashboards``, one file each, or with ``--check`` say which are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.grafana.source.nodes import NODES
from deploy.grafana.source.overview import OVERVIEW
from deploy.grafana.source.runbook import RUNBOOK
from deploy.grafana.source.templates import TEMPLATES

BOARDS = (OVERVIEW, TEMPLATES, NODES, RUNBOOK)
DIRECTORY = Path(__file__).resolve().parents[1] / "dashboards"


def main(*arguments: str) -> int:
    files = {board.file: board.text() for board in BOARDS}
    there = {path.name for path in DIRECTORY.glob("*.json")}
    stale = sorted(name for name, text in files.items() if name not in there or _read(name) != text)
    gone = sorted(there - set(files))
    if "--check" not in arguments:
        for name in stale:
            (DIRECTORY / name).write_text(files[name], encoding="utf-8")
        for name in gone:
            (DIRECTORY / name).unlink()
    for name in stale + gone:
        sys.stdout.write(f"{name}: {'is not' if '--check' in arguments else 'was not'} what its source makes\n")
    return int("--check" in arguments and bool(stale + gone))


def _read(name: str) -> str:
    return (DIRECTORY / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
