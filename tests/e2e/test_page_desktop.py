"""From the button of the page to a real desktop: by nothing but what the page gives, and gone when the page ends it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.browser import Visitor
from tests.e2e.conftest import MakeDesktops, Visit
from tests.e2e.desktop import RDP, READY, answers, rdp_fingerprint
from tests.e2e.oldclient import OPEN
from tests.e2e.traces import of_container
from tests.e2e.waiting import until

pytestmark = [pytest.mark.timeout(1200), pytest.mark.usefixtures("possible")]


def test_a_press_of_the_button_gives_a_desktop_that_one_logs_in_to_by_what_the_page_gives(
    desktops: MakeDesktops, visit: Visit, tmp_path: Path
) -> None:
    site = desktops(settings=OPEN)
    daemon = site.daemon().in_sync()
    alice = visit(daemon)
    name = alice.launch()
    alice.wait_step(name, "ready", within=READY)

    alice.press("reveal")
    alice.page.wait_for_selector("[data-do=hide]")
    address, user, password = (way_in(alice, what) for what in ("Address", "User", "Password"))
    fingerprint = certificate_of(alice)
    file = download(alice, tmp_path / "desktop.rdp")
    told = file.read_text(encoding="utf-8")
    assert (address in told, user in told, password in told) == (True, True, False)
    assert fingerprint == rdp_fingerprint(address), "what the page says of the certificate is so"

    screen = site.screen("alice")
    screen.connect(file, password, fingerprint=fingerprint)
    screen.see_desktop()
    site.keep_picture("alice", of="desktop-by-the-page")
    ((_, (vmid,)),) = site.admin.of().items()
    assert "xfce4-panel" in site.processes_of_the_user(vmid)

    traces = site.traces(address)
    assert of_container(traces.now(), vmid), "its traces are found while it is there"
    alice.press("end")
    alice.page.click("#confirm-yes")
    alice.wait_step(name, "ended", within=READY)
    assert not answers(address, RDP)
    until(lambda: not screen.connected, what="the client was hung up on")
    until(lambda: not of_container(traces.now(), vmid), what="nothing of it is left", show=traces.now)


def way_in(visitor: Visitor, what: str) -> str:
    """A value of the list that a person copies from."""
    return (
        visitor.page.locator(".ways > div", has=visitor.page.locator(f"dt:text-is('{what}')"))
        .locator(".value")
        .inner_text()
    )


def certificate_of(visitor: Visitor) -> str:
    """Its SHA-256, out of the command that the page shows to people on Linux."""
    command = visitor.page.locator("details[data-system=linux] code").inner_text()
    found = re.search(r"fingerprint:sha256:([0-9a-f:]{95})\b", command)
    assert found is not None, command
    return found[1]


def download(visitor: Visitor, file: Path) -> Path:
    with visitor.page.expect_download() as begun:
        visitor.press("rdp")
    begun.value.save_as(file)
    return file
