"""The body of ``winux check``: what the templates need is asked of Proxmox, and the answers are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from rich.text import Text

from controller.admin.site import template_defaults
from controller.api.manifest import Manifest
from controller.cli.columns import Column, table, width_of
from controller.cli.console import out, warn
from controller.cli.validate import scan
from controller.core.model import ArchiveSource, CloneSource
from controller.core.offer import Offer, TemplateDefaults, settle
from controller.daemon.endpoint import endpoint_of
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.preflight import Check, Report, Right, Verdict, run_checks
from controller.proxmox.rights import Bridge, Needs, grants

if TYPE_CHECKING:
    from controller.daemon.settings import Settings

_T = TypeVar("_T")
MARKS = {Verdict.OK: ("✓", "green"), Verdict.FAIL: ("✗", "red"), Verdict.UNKNOWN: ("?", "yellow")}


def check_site(settings: Settings) -> bool:
    """Ask, and print what was found; whether nothing failed."""
    proxmox, defaults = settings.proxmox, template_defaults(settings)
    out.print(Text.assemble("Proxmox VE at ", (proxmox.url, "bold"), " as ", (proxmox.token_id, "bold")))
    port = ProxmoxAdapter(endpoint_of(settings))
    ok = True
    for needs in needs_by_pool(_offers(settings, defaults), defaults):
        report = run_checks(port, needs, token_id=proxmox.token_id, nodes=defaults.nodes)
        for line in _lines(report, proxmox.token_id):
            out.print(line)
        ok = ok and report.ok
    port.close()
    return ok


def needs_by_pool(offers: Iterable[Offer], defaults: TemplateDefaults) -> list[Needs]:
    """What sessions of these templates are going to use, for each pool; the site's own pool first."""
    by_pool: dict[str, list[Offer]] = {defaults.pool: []}
    for offer in offers:
        by_pool.setdefault(offer.pool, []).append(offer)
    return [_needs(pool, members) for pool, members in by_pool.items() if members or pool == defaults.pool]


def _needs(pool: str, offers: list[Offer]) -> Needs:
    sources = [offer.source for offer in offers]
    return Needs(
        pool=pool,
        storages=_each(offer.storage for offer in offers if offer.storage),
        archives=_each(source.volume for source in sources if isinstance(source, ArchiveSource)),
        templates=_each(t.vmid for source in sources if isinstance(source, CloneSource) for t in source.templates),
        bridges=_each(Bridge(name=offer.network.bridge, vlan=offer.network.vlan) for offer in offers),
    )


def _each(items: Iterable[_T]) -> tuple[_T, ...]:
    """Without repetitions, in order."""
    return tuple(dict.fromkeys(items))


def _offers(settings: Settings, defaults: TemplateDefaults) -> list[Offer]:
    """What the templates of the manifest directory offer, the built-in one included."""
    snapshot = scan(settings.manifests.path, defaults=defaults)
    if snapshot.incomplete_because is not None:
        warn(f"{snapshot.incomplete_because}: only the built-in template is looked at")
    templates = [template for template in snapshot.templates.values() if isinstance(template, Manifest)]
    settled = [settle(template, defaults=defaults) for template in templates]
    return [offer for offer in settled if isinstance(offer, Offer)]


# -- showing ---------------------------------------------------------------------------------------------------


def _lines(report: Report, token_id: str) -> Iterator[Text]:
    rights = {f"right {right.privilege} on {right.path}" for right in report.rights}
    yield from _section("Reached", [check for check in report.checks if check.name in _REACHED])
    yield from _rights(report.rights)
    rest = [check for check in report.checks if check.name not in rights and check.name not in _REACHED]
    yield from _section("There", rest)
    missing = [right for right in report.rights if not right.held and not right.optional]
    if missing:
        yield Text()
        yield Text("To grant what is missing, on a Proxmox node:", style="bold")
        for line in grants(missing, token_id=token_id):
            yield Text(f"  {line}")
    yield Text()
    failed = sum(1 for check in report.checks if check.verdict is Verdict.FAIL)
    unknown = sum(1 for check in report.checks if check.verdict is Verdict.UNKNOWN)
    if failed:
        yield Text(f"{failed} of {len(report.checks)} checks failed", style="bold red")
    elif unknown:
        yield Text(f"nothing failed, but {unknown} of {len(report.checks)} could not be seen", style="bold yellow")
    else:
        yield Text(f"all {len(report.checks)} checks passed", style="bold green")


_REACHED = ("connection", "certificate", "token", "version")


def _section(title: str, checks: list[Check]) -> Iterator[Text]:
    if not checks:
        return
    yield Text()
    yield Text(title, style="bold")
    for check in checks:
        mark, style = MARKS[check.verdict]
        yield Text.assemble("  ", (mark, style), f" {check.sentence}")
        if check.todo is not None and check.verdict is not Verdict.OK:
            yield Text(f"      {check.todo}", style="dim")


def _rights(rights: tuple[Right, ...]) -> Iterator[Text]:
    if not rights:
        return
    rows: list[list[str | Text]] = []
    for right in rights:
        mark, style = MARKS[Verdict.OK if right.held else Verdict.UNKNOWN if right.optional else Verdict.FAIL]
        why = f"{right.needed_for}{' (optional)' if right.optional else ''}"
        rows.append([Text(mark, style=style), right.privilege, right.path, Text(why, style="dim")])
    columns = [Column(""), Column("RIGHT"), Column("ON"), Column("FOR", wraps=True)]
    width = width_of(out)
    yield Text()
    yield Text("Rights", style="bold")
    for line in table(columns, rows, width=None if width is None else width - 2):
        yield Text.assemble("  ", line)
