"""``python -m controller.cli``: the command line where ``winux`` is on no path."""

from __future__ import annotations

import sys

from controller.cli import main

if __name__ == "__main__":
    sys.exit(main())
