"""Sites that clean up after themselves, and logs of every process where a test fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import browser, desktop
from tests.e2e.browser import Chromium, Visitor
from tests.e2e.daemon import Daemon
from tests.e2e.desktop import DesktopSite
from tests.e2e.site import Site

HERE = Path(__file__).parent
MakeSite = Callable[..., Site]
MakeDesktops = Callable[..., DesktopSite]
Visit = Callable[..., Visitor]
SITES = pytest.StashKey[Sequence[Site]]()
"""The sites of a test, whose logs are shown where it fails."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.when == "call":
        for site in item.stash.get(SITES, []):
            report.sections += [(f"log of {name}", text) for name, text in site.logs()]
    return report


@pytest.fixture
def make_site(request: pytest.FixtureRequest) -> Iterator[MakeSite]:
    """Makes sites with arguments of ``Site``; the foreign containers in each have to be as they were at the end."""
    sites: list[Site] = []
    request.node.stash[SITES] = sites

    def make(*, foreigners: bool = True, **arguments: object) -> Site:
        site = Site(**arguments)  # type: ignore[arg-type]
        sites.append(site)
        if foreigners:
            site.foreigners.settle_in()
        return site

    try:
        yield make
        for site in sites:
            site.foreigners.check_untouched()
    finally:
        for site in sites:
            site.end()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture(scope="session")
def possible() -> None:
    """Skips, or fails where real desktops are required."""
    if why := desktop.lacking():
        if os.environ.get(desktop.REQUIRED_VARIABLE) == "required":
            pytest.fail(f"real desktops cannot be tested here: {why}")
        pytest.skip(why)


@pytest.fixture
def desktops(request: pytest.FixtureRequest) -> Iterator[MakeDesktops]:
    """Makes sites with real containers, with arguments of ``DesktopSite``; at the end nothing is left of them.

    One test at a time on this machine has it. Tests that use it need ``possible`` before.
    """
    sites: list[DesktopSite] = []
    request.node.stash[SITES] = sites

    def make(**arguments: Any) -> DesktopSite:
        sites.append(DesktopSite(**arguments))
        return sites[-1]

    with desktop.alone():
        try:
            yield make
        finally:
            for site in sites:
                site.end()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A browser; skips, or fails where one is required, if there is none to drive."""
    if why := browser.lacking():
        if os.environ.get(browser.REQUIRED_VARIABLE) == "required":
            pytest.fail(f"the page cannot be tested here: {why}")
        pytest.skip(why)
    started = Chromium()
    yield started
    started.close()


@pytest.fixture
def visit(chromium: Chromium) -> Iterator[Visit]:
    """Visitors of a daemon's page, with arguments of ``Chromium.visitor``; none may stray, nor a script fail."""
    visitors: list[Visitor] = []

    def arrive(daemon: Daemon, path: str = "/", **window: Any) -> Visitor:
        visitors.append(chromium.visitor(daemon.web, **window).open(path))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.leave()
