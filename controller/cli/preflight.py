"""The body of ``winux check``: what the templates need is asked of Proxmox, and the answers are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich.text import Text

from controller.admin.site import template_defaults
from controller.api.manifest import Manifest
from controller.cli.columns import Column, table, width_of, wrapped
from controller.cli.console import out, warn
from controller.cli.validate import scan
from controller.core.model import ArchiveSource, CloneSource
from controller.core.offer import Offer, TemplateDefaults, settle
from controller.daemon.endpoint import endpoint_of
from controller.guest.key import KeyProblem, load_key
from controller.proxmox.adapter import ProxmoxAdapter
from controller.proxmox.preflight import Check, Report, Right, Verdict, run_checks
from controller.proxmox.rights import Bridge, Needs, grants

if TYPE_CHECKING:
    from controller.daemon.settings import Settings

_T = TypeVar("_T")
BESIDE = 100
"""Columns of a terminal from which what a right is for stands beside it."""
MARKS = {Verdict.OK: ("✓", "green"), Verdict.FAIL: ("✗", "red"), Verdict.UNKNOWN: ("?", "yellow")}


def check_site(settings: Settings) -> bool:
    """Ask, and print what was found; whether nothing failed."""
    proxmox, defaults = settings.proxmox, template_defaults(settings)
    out.print(Text.assemble("Proxmox VE at ", (proxmox.url, "bold"), " as ", (proxmox.token_id, "bold")))
    port = ProxmoxAdapter(endpoint_of(settings))
    way_in = guest_check(settings)
    for line in _section("Guests", [way_in]):
        out.print(line)
    ok = way_in.verdict is not Verdict.FAIL
    for needs in needs_by_pool(_offers(settings, defaults), defaults):
        report = run_checks(port, needs, token_id=proxmox.token_id, nodes=defaults.nodes)
        for line in _lines(report, proxmox.token_id):
            out.print(line)
        ok = ok and report.ok
    port.close()
    return ok


def guest_check(settings: Settings) -> Check:
    """Whether the controller has a way into guests, and what is not done without one."""
    path = settings.guest.ssh_key_file
    try:
        key = load_key(path) if path is not None else None
    except KeyProblem as error:
        return Check(name="guest key", verdict=Verdict.FAIL, sentence=f"guest.sshKeyFile: {error}")
    if key is None:
        sentence = (
            "No guest.sshKeyFile is set, which is optional: desktops are not told before they end, passwords are not "
            "rotated, clones get none of their own, and nobody gets sudo"
        )
    else:
        sentence = f"Guests are reached over SSH with the key {key.fingerprint}"
    return Check(name="guest key", verdict=Verdict.OK, sentence=sentence)


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
        firewall=any(offer.network.egress is not None for offer in offers),
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
    # One bridge may be wanted with several VLANs, and is there or not all the same.
    checks = list(dict.fromkeys(report.checks))
    rights = {f"right {right.privilege} on {right.path}" for right in report.rights}
    yield from _section("Reached", [check for check in checks if check.name in _REACHED])
    yield from _rights(report.rights)
    rest = [check for check in checks if check.name not in rights and check.name not in _REACHED]
    yield from _section("There", rest)
    missing = [right for right in report.rights if not right.held and not right.optional]
    lacking = [right for right in report.rights if not right.held and right.optional]
    for title, those in (
        ("To grant what is missing, on a Proxmox node:", missing),
        ("Optional, to grant on a Proxmox node:", lacking),
    ):
        if those:
            yield Text()
            yield Text(title, style="bold")
            yield from (Text(f"  {line}") for line in grants(those, token_id=token_id))
    yield Text()
    yield _verdict(checks, optional=len(lacking))


def _verdict(checks: Sequence[Check], *, optional: int) -> Text:
    """``optional``: how many rights are missing that count as passed."""
    failed = sum(1 for check in checks if check.verdict is Verdict.FAIL)
    unknown = sum(1 for check in checks if check.verdict is Verdict.UNKNOWN)
    if failed:
        return Text(f"{failed} of {len(checks)} checks failed", style="bold red")
    if unknown:
        return Text(f"nothing failed, but {unknown} of {len(checks)} could not be seen", style="bold yellow")
    if optional:
        rights = "1 optional right is" if optional == 1 else f"{optional} optional rights are"
        return Text(f"{len(checks) - optional} passed, {rights} missing", style="bold green")
    return Text(f"all {len(checks)} checks passed", style="bold green")


_REACHED = ("connection", "certificate", "token", "version")


def _section(title: str, checks: list[Check]) -> Iterator[Text]:
    if not checks:
        return
    yield Text()
    yield Text(title, style="bold")
    for check in checks:
        mark, style = MARKS[check.verdict]
        yield from wrapped(Text.assemble("  ", (mark, style), f" {check.sentence}"), width=width_of(out), indent=4)
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
    yield Text()
    yield Text("Rights", style="bold")
    width = width_of(out)
    # Paths and what they are for do not fit side by side into 80 columns: there each has a line.
    beside = width is None or width >= BESIDE
    reasons = [] if beside else [_reason(row.pop()) for row in rows]
    titles, *lines = table(columns if beside else columns[:-1], rows, width=width - 2 if width and beside else None)
    yield Text.assemble("  ", titles)
    if beside:
        yield from (Text.assemble("  ", line) for line in lines)
    for line, reason in zip(lines, reasons, strict=False):
        yield Text.assemble("  ", line)
        yield from wrapped(reason, width=width, indent=6)


def _reason(cell: str | Text) -> Text:
    return Text.assemble(" " * 6, cell)
