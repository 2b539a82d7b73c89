"""A template with the site's defaults worked in: what it offers to sessions, or why nothing can be made from it.

Pure. What one session gets of it is the business of ``resolve``.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.egress import Egress
from controller.api.manifest import Manifest
from controller.api.problem import Problem
from controller.api.reading import Complaint
from controller.api.template import (
    LIMIT_CORES,
    LIMIT_DISK_GIB,
    LIMIT_MEMORY_MIB,
    AddressRangeFields,
    NetworkFields,
    SessionTemplate,
    TemplateFields,
)
from controller.core.model import (
    AddressRange,
    ArchiveSource,
    CloneSource,
    CloneTemplate,
    Credentials,
    Destination,
    Network,
    Probe,
    Readiness,
    Resources,
    Source,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDefaults:
    """What only the site knows, from its settings: it stands in for whatever a template leaves out."""

    archive: str | None = None
    """Such as ``local:vztmpl/winux.tar.zst``."""
    storage: str | None = None
    bridge: str = "vmbr0"
    pool: str = "winux"
    nodes: tuple[str, ...] = ()
    """Nodes that sessions may run on; empty: any that is online."""
    guest_key: bool = True
    """Whether the controller has an SSH key for guests, as far as is known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a template gives to every session, and the most it gives to any."""

    template: Manifest
    source: Source
    storage: str
    """Empty for clones that stay on the storage of their template."""
    pool: str
    nodes: tuple[str, ...]
    resources: Resources
    limits: Resources
    network: Network
    desktop_user: str
    nesting: bool
    ttl: float
    max_ttl: float
    readiness: Readiness
    credentials: Credentials
    sudo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOffer:
    """A valid template from which nothing can be made here."""

    template: Manifest
    problems: tuple[Problem, ...]


def settle(template: Manifest, *, defaults: TemplateDefaults) -> Offer | NoOffer:
    """Work the defaults into a ``SessionTemplate`` manifest."""
    if not isinstance(template.model, SessionTemplate):
        raise TypeError(f"{template.origin} is a {template.kind}, not a SessionTemplate")
    spec = template.model.spec
    source = _source(spec, defaults)
    storage = spec.storage or defaults.storage
    nodes = spec.nodes or defaults.nodes
    flaws: list[Complaint] = []
    if source is None:
        flaws.append(_left_out(("spec", "source"), "defaults.archive"))
    if storage is None and isinstance(source, ArchiveSource):
        flaws.append(_left_out(("spec", "storage"), "defaults.storage"))
    if isinstance(source, CloneSource):
        flaws += _strays(source, nodes)
    if not defaults.guest_key:
        flaws += _without_key(spec, source)
    if source is None or flaws:
        return NoOffer(template=template, problems=tuple(template.problem(flaw.path, flaw.message) for flaw in flaws))
    ttl, max_ttl = spec.ttl.settled
    return Offer(
        template=template,
        source=source,
        storage=storage or "",
        pool=spec.pool or defaults.pool,
        nodes=nodes,
        resources=Resources(cores=spec.resources.cores, memory_mib=spec.resources.memory, disk_gib=spec.resources.disk),
        limits=_limits(spec),
        network=_network(spec.network, defaults),
        desktop_user=spec.desktop_user,
        nesting=spec.features.nesting,
        ttl=ttl,
        max_ttl=max_ttl,
        readiness=Readiness(
            probe=Probe(spec.readiness.probe), port=spec.readiness.port, timeout=spec.readiness.timeout
        ),
        credentials=Credentials(spec.credentials),
        sudo=spec.sudo,
    )


def _without_key(spec: TemplateFields, source: Source | None) -> list[Complaint]:
    """What only the controller's SSH key makes possible."""
    flaws = []
    if isinstance(source, CloneSource) and spec.credentials == "password":
        message = (
            "password, which is also the default, is set in clones over SSH: set guest.sshKeyFile in the settings, or "
            "write template for the passwords that the container template has"
        )
        flaws.append(Complaint(("spec", "credentials"), message))
    if spec.sudo:
        flaws.append(Complaint(("spec", "sudo"), "true is set over SSH: set guest.sshKeyFile in the settings"))
    return flaws


def _left_out(path: tuple[str, ...], setting: str) -> Complaint:
    return Complaint(path, f"is left out, and the settings have no {setting} either; set one of the two")


def _source(spec: TemplateFields, defaults: TemplateDefaults) -> Source | None:
    if spec.source is not None and spec.source.clone is not None:
        clone = spec.source.clone
        choices = tuple(
            CloneTemplate(vmid=choice.vmid, node=choice.node, host_key=choice.host_key) for choice in clone.templates
        )
        return CloneSource(templates=choices, full=clone.full)
    archive = (spec.source.archive if spec.source else None) or defaults.archive
    return None if archive is None else ArchiveSource(volume=archive)


def _strays(source: CloneSource, nodes: tuple[str, ...]) -> list[Complaint]:
    """Container templates on nodes where sessions may not run."""
    return [
        Complaint(
            ("spec", "source", "clone", "templates", index, "node"),
            f"{choice.vmid} is on {choice.node}, but sessions of this template may only run on {', '.join(nodes)}",
        )
        for index, choice in enumerate(source.templates)
        if nodes and choice.node is not None and choice.node not in nodes
    ]


def _limits(spec: TemplateFields) -> Resources:
    given, limits = spec.resources, spec.limits
    return Resources(
        cores=limits.cores or max(LIMIT_CORES, given.cores),
        memory_mib=limits.memory or max(LIMIT_MEMORY_MIB, given.memory),
        disk_gib=limits.disk or max(LIMIT_DISK_GIB, given.disk),
    )


def _network(spec: NetworkFields, defaults: TemplateDefaults) -> Network:
    addresses = None
    if isinstance(spec.addresses, AddressRangeFields):
        first, last = spec.addresses.ends
        addresses = AddressRange(first=first, last=last, prefix=spec.addresses.prefix, gateway=spec.addresses.gateway)
    return Network(
        bridge=spec.bridge or defaults.bridge,
        vlan=spec.vlan,
        addresses=addresses,
        nameservers=spec.nameservers,
        egress=_egress(spec.egress),
    )


def _egress(given: Egress) -> tuple[Destination, ...] | None:
    if isinstance(given, str):
        return None if given == "internet" else ()
    return tuple(
        Destination(cidr=item) if isinstance(item, str) else Destination(cidr=item.cidr, ports=item.ports)
        for item in given
    )
