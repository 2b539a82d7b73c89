"""Debian's Chromium, driven by Playwright: visitors with a browser of their own, who reach nothing but loopback."""

from __future__ import annotations

import importlib.util
import ipaddress
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.e2e import deaf

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route

REQUIRED_VARIABLE = "BROWSER_TESTS"
"""``required``: where no browser can be driven that is a failure and no reason to skip."""
PATIENCE = 45.0
START = 120.0
"""Seconds for the browser itself, on a machine that does much else."""
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
REFUSAL = "Failed to load resource"
"""What Chromium writes about each answer that is an error, whatever the page makes of it."""
GRAVE = frozenset({"serious", "critical"})


def chromium() -> str | None:
    return shutil.which("chromium")


def lacking() -> str:
    """Why no browser can be driven here; empty when one can."""
    missing = [name for name in ("playwright", "axe_playwright_python") if importlib.util.find_spec(name) is None]
    if chromium() is None:
        missing.append("chromium")
    return f"{', '.join(missing)} missing" if missing else ""


class Chromium:
    """One browser process; each visitor has a context of their own in it, with no cookie of another."""

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may not be installed

        self._stack = ExitStack()
        scratch = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="wxb")))
        playwright = self._stack.enter_context(sync_playwright())
        self._browser: Browser = playwright.chromium.launch(
            executable_path=_deaf(scratch / "chromium"), args=list(OPTIONS), timeout=START * 1000
        )
        self._stack.callback(self._browser.close)

    def visitor(
        self, url: str, *, language: str = "en-GB", width: int = 1100, height: int = 800, dark: bool = False
    ) -> Visitor:
        """Somebody who has the page at ``url`` and has not opened it yet."""
        context = self._browser.new_context(
            base_url=url,
            locale=language,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE * 1000)
        return Visitor(context.new_page())

    def close(self) -> None:
        self._stack.close()


class Visitor:
    """A person with the page before them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.strayed: list[str] = []
        """Addresses beyond loopback that the page asked for: none of them was reached."""
        self.complaints: list[str] = []
        """What the browser wrote to its console as an error or a warning, and exceptions of scripts."""
        page.context.route("**/*", self._pass)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _pass(self, route: Route) -> None:
        host = urlsplit(route.request.url).hostname or ""
        if _is_loopback(host):
            route.fallback()
            return
        self.strayed.append(route.request.url)
        route.abort()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    # -- what they do ------------------------------------------------------------------------------------------

    def open(self, path: str = "/") -> Visitor:
        self.page.goto(path)
        return self

    def press(self, what: str, *, within: str = "") -> None:
        """A control, by what it does."""
        self.page.locator(f"{within} [data-do={what}]".strip()).first.click()

    def launch(self) -> str:
        """Press the button; returns the name of the desktop that this makes."""
        before = set(self.names())
        self.press("launch")
        self.page.wait_for_function("known => document.querySelectorAll('.card').length > known", arg=len(before))
        (name,) = set(self.names()) - before
        return name

    # -- what they see -----------------------------------------------------------------------------------------

    def names(self) -> Sequence[str]:
        found = self.page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.session)")
        return [str(name) for name in found]

    def listed(self) -> Sequence[str]:
        """Theirs, as the server tells this browser: the page may not have asked yet."""
        ask = "fetch('api/v1/sessions').then(answer => answer.json()).then(({items}) => items.map(one => one.name))"
        return [str(name) for name in self.page.evaluate(ask)]

    def card(self, name: str) -> Locator:
        return self.page.locator(f'.card[data-session="{name}"]')

    def wait_step(self, name: str, *steps: str, within: float = PATIENCE) -> None:
        """Until the desktop is shown at one of these steps."""
        selector = ", ".join(f'.card[data-session="{name}"][data-step="{step}"]' for step in steps)
        self.page.wait_for_selector(selector, timeout=within * 1000)

    def text(self, selector: str = "main") -> str:
        return self.page.locator(selector).first.inner_text()

    def seconds_left(self, name: str) -> int:
        """As its countdown shows them."""
        text = self.card(name).locator(".timer").inner_text()
        seconds = 0
        for part in text.split(":"):
            seconds = seconds * 60 + int(part)
        return seconds

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def barriers(self) -> list[str]:
        """What axe-core finds that keeps people out, in a sentence each."""
        source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
        # By the debugger: the page's own policy lets no script in.
        session = self.page.context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": source})
        found: dict[str, Any] = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", list(RULES))
        session.detach()
        return [
            f"{rule['id']}: {rule['help']}: {[node['html'] for node in rule['nodes']]}"
            for rule in found["violations"]
            if rule["impact"] in GRAVE
        ]

    def leave(self) -> None:
        """Close the browser, which had nothing to complain of but answers that were refusals."""
        self.page.context.close()
        assert self.strayed == []
        assert [said for said in self.complaints if not said.startswith(REFUSAL)] == []


def _deaf(script: Path) -> Path:
    """The browser as a program that interfaces which other tests make and remove do not disturb."""
    command = shlex.join([sys.executable, deaf.__file__, chromium() or ""])
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return script


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
