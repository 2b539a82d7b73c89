"""A person in front of a screen: an X server without a monitor, FreeRDP as the client, and pictures of what is seen."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.e2e.picture import Picture, panel_height
from tests.e2e.process import Process
from tests.e2e.waiting import until

NEEDED = ("Xvfb", "xfreerdp", "import", "convert")
"""Programs that somebody has to install."""
WIDTH, HEIGHT = 1280, 800
LOGIN = 90.0
"""Seconds until a desktop is whole; five that begin at once on two busy cores take their time."""


class Screen:
    """One screen, empty until ``connect``. ``end`` in any case."""

    def __init__(self, directory: Path, *, name: str) -> None:
        self._directory = directory
        self._name = name
        self._client: subprocess.Popen[bytes] | None = None
        geometry = f"{WIDTH}x{HEIGHT}x24"
        self._server = Process(
            ["Xvfb", "-displayfd", "1", "-screen", "0", geometry, "-nolisten", "tcp", "-noreset"],
            name=f"screen-{name}",
            directory=directory,
        )
        try:
            self._display = until(self._said, what="the X server starts", show=self._server.tail)
        except BaseException:
            self._server.end()
            raise

    def _said(self) -> str:
        assert self._server.status is None, self._server.tail()
        said = self._server.out.read_text(encoding="ascii")
        return f":{said.strip()}" if said.endswith("\n") else ""

    @property
    def _environment(self) -> dict[str, str]:
        # FreeRDP keeps certificates below the home directory: each screen has one of its own.
        return dict(os.environ) | {"DISPLAY": self._display, "HOME": str(self._directory)}

    # -- the person --------------------------------------------------------------------------------------------

    def connect(self, file: Path, password: str, *, fingerprint: str) -> None:
        """Open an .rdp file and give the password, as a person would. Only a server with that certificate is trusted.

        ``fingerprint`` is the SHA-256 of the certificate, ``aa:bb:…``. What the server makes of it is on the picture.
        """
        self.hang_up()
        trust = f"/cert:deny,fingerprint:sha256:{fingerprint}"
        command = ["xfreerdp", str(file), "/from-stdin:force", trust, f"/size:{WIDTH}x{HEIGHT}", "/log-level:WARN"]
        log = self._directory / f"client-{self._name}.log"
        with log.open("wb") as said:
            self._client = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=self._environment
            )
        assert self._client.stdin is not None
        self._client.stdin.write(f"{password}\n".encode())
        self._client.stdin.close()

    def hang_up(self) -> None:
        """Close the client's window, as it were; the desktop goes on in its container."""
        client, self._client = self._client, None
        if client is None:
            return
        if client.poll() is None:
            with suppress(ProcessLookupError):
                client.send_signal(signal.SIGKILL)
        client.wait()

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.poll() is None

    # -- what is seen ------------------------------------------------------------------------------------------

    def photograph(self, file: Path | None = None) -> Picture:
        """What is on the screen now."""
        file = file or self._directory / f"{self._name}.png"
        command = ["import", "-silent", "-window", "root", str(file)]
        subprocess.run(command, env=self._environment, check=True, timeout=60)
        return Picture.read(file)

    def see(self, condition: Callable[[Picture], object], *, what: str, within: float = LOGIN) -> Picture:
        """The first picture of which the condition is true."""

        def look() -> Picture | None:
            picture = self.photograph()
            return picture if condition(picture) else None

        found = until(look, what=what, within=within, every=0.3, show=self.told)
        assert found is not None
        return found

    def see_desktop(self) -> Picture:
        """Until XFCE's panel is there."""
        return self.see(panel_height, what="XFCE's panel is on the screen")

    def told(self) -> str:
        log = self._directory / f"client-{self._name}.log"
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
        return f"connected: {self.connected}; {said}"

    def end(self) -> None:
        self.hang_up()
        self._server.end()
