"""How a person calls this program in a shell of their own: as ``winux``, or what has to be said first."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "winux"


def path_line() -> str | None:
    """The shell line after which ``winux`` is found; None where it is found already, or lies nowhere."""
    if shutil.which(NAME) is not None:
        return None
    places = (Path(sys.argv[0]).absolute().parent, Path(sys.executable).parent)
    found = next((place for place in places if (place / NAME).is_file()), None)
    return f"export PATH={shlex.quote(str(found))}:$PATH" if found is not None else None


def as_called() -> str:
    """The first words of a command line that works in the same directory, as short as it was typed."""
    if shutil.which(NAME) is not None:
        return NAME
    return shlex.quote(sys.argv[0]) if Path(sys.argv[0]).name == NAME else f"{sys.executable} -m controller.cli"
