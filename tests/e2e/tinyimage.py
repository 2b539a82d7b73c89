"""The smallest root file system that LXC starts: a shell of this machine as init, and the few programs tests use."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("sh", "sleep", "cat", "df", "dd", "nproc", "mkdir", "ln", "rm", "chmod", "touch")
HALT = 37
"""SIGRTMIN+3, by which LXC asks an init to end."""
INIT = f"""#!/bin/sh
[ -e /deaf ] && trap '' {HALT} || trap 'exit 0' {HALT}
while :; do sleep 1000 & wait; done
"""


def build(archive: Path, scratch: Path, *, init: str | None = INIT) -> Path:
    """A tarball; ``init`` None makes one that cannot be started."""
    root = scratch / "tiny"
    for name in ("bin", "sbin", "etc/ssh", "root", "proc", "sys", "dev", "run", "tmp", "usr"):
        (root / name).mkdir(parents=True)
    for program in PROGRAMS:
        _install(Path(shutil.which(program) or "/missing").resolve(), root, root / "bin" / program)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\nshadow:x:42:\n")
    (root / "etc" / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    (root / "sbin" / "init").write_text(init if init is not None else "#!/bin/nothing\n")
    (root / "sbin" / "init").chmod(0o755)
    subprocess.run(["tar", "--create", "--file", archive, "--directory", root, "."], check=True)
    shutil.rmtree(root)
    return archive


def _install(program: Path, root: Path, target: Path) -> None:
    shutil.copy2(program, target)
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", said):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy2(Path(library).resolve(), place)
