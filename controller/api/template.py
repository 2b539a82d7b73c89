"""The manifest kind ``SessionTemplate``: what sessions are made from, and what they may ask for.

What a template leaves out and only a site can know (archive, storage, bridge, pool, nodes) is filled in from the
settings when a session is resolved; the other defaults stand here.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from controller.api import fields
from controller.api.egress import Egress, egress_complaints
from controller.api.manifest import ManifestModel, Model
from controller.api.quantities import format_disk, format_duration, format_memory, shown
from controller.api.reading import Complaint
from controller.api.session import MAX_CORES

DEFAULT_CORES = 2
DEFAULT_MEMORY_MIB = 1024
DEFAULT_DISK_GIB = 10
DEFAULT_TTL = 30 * 60.0
DEFAULT_MAX_TTL = 1440 * 60.0
LIMIT_CORES = 8
LIMIT_MEMORY_MIB = 8192
LIMIT_DISK_GIB = 100


class CloneChoice(Model):
    """A container template to clone."""

    vmid: int = Field(ge=100, le=999_999_999, description="Its VMID.", examples=[9000])
    node: fields.NodeName | None = Field(
        default=None,
        description="The node it is on, for storage that is local to it. Left out: its storage is shared by all nodes.",
        examples=["pve1"],
    )
    host_key: fields.HostKey | None = Field(
        default=None,
        description=(
            "Its SSH host key, by which its clones are known when they are first contacted. "
            "Left out: whichever key they show then is taken."
        ),
        examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJr0"],
    )


class CloneFields(Model):
    """Container templates to clone; several where one per node is needed, or to clone in parallel."""

    templates: tuple[CloneChoice, ...] = Field(
        min_length=1,
        strict=False,
        description="Container templates of equal content; a template makes one clone at a time.",
        examples=[[{"vmid": 9000, "node": "pve1"}, {"vmid": 9001, "node": "pve2"}]],
    )
    full: bool = Field(
        default=False,
        description="Copy the whole disk instead of linking to the template's.",
        examples=[False],
    )


class SourceFields(Model):
    """What containers are made from: exactly one of the two."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["archive"]}, {"required": ["clone"]}]})

    archive: fields.Volume | None = Field(
        default=None,
        description="A golden tarball on a storage, as storage:vztmpl/file.",
        examples=["local:vztmpl/winux.tar.zst"],
    )
    clone: CloneFields | None = Field(
        default=None,
        description="Container templates to clone.",
        examples=[{"templates": [{"vmid": 9000}]}],
    )


class ResourceFields(Model):
    """What a session gets that asks for nothing else."""

    cores: int = Field(default=DEFAULT_CORES, ge=1, le=MAX_CORES, description="CPU cores.", examples=[2])
    memory: fields.Memory = Field(
        default=DEFAULT_MEMORY_MIB, description="Memory with its unit, Mi or Gi.", examples=["1024Mi", "2Gi"]
    )
    disk: fields.Disk = Field(
        default=DEFAULT_DISK_GIB, description="Size of the root disk with its unit, Gi or Ti.", examples=["10Gi"]
    )


class LimitFields(Model):
    """The most that a session may ask for."""

    cores: int | None = Field(
        default=None,
        ge=1,
        le=MAX_CORES,
        description=f"Most CPU cores. Left out: {LIMIT_CORES}, or resources.cores if that is more.",
        examples=[8],
    )
    memory: fields.Memory | None = Field(
        default=None,
        description=f"Most memory. Left out: {format_memory(LIMIT_MEMORY_MIB)}, or resources.memory if that is more.",
        examples=["8Gi"],
    )
    disk: fields.Disk | None = Field(
        default=None,
        description=f"Largest disk. Left out: {format_disk(LIMIT_DISK_GIB)}, or resources.disk if that is more.",
        examples=["50Gi"],
    )


class AddressRangeFields(Model):
    """Static IPv4 addresses that the controller hands out: a range, or its first and last."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["range"], "not": {"anyOf": [{"required": ["first"]}, {"required": ["last"]}]}},
                {"required": ["first", "last"]},
            ]
        }
    )

    range: fields.AddressSpan | None = Field(
        default=None,
        description="First and last address, both included.",
        examples=["10.0.0.10-10.0.0.99"],
    )
    first: fields.IPv4 | None = Field(default=None, description="The first address.", examples=["10.0.0.10"])
    last: fields.IPv4 | None = Field(default=None, description="The last address.", examples=["10.0.0.99"])
    prefix: int = Field(ge=1, le=31, description="Length of the network's prefix: 24 for a /24.", examples=[24])
    gateway: fields.IPv4 | None = Field(
        default=None, description="The network's router; outside the range.", examples=["10.0.0.1"]
    )

    @property
    def ends(self) -> tuple[str, str]:
        """First and last address, however they were written."""
        if self.range is not None:
            first, last = self.range.split("-")
            return first, last
        return self.first or "", self.last or ""


def _addresses_tag(value: object) -> str:
    return "<range>" if isinstance(value, dict | AddressRangeFields) else "<dhcp>"


def _dhcp(value: object) -> object:
    if value == "dhcp":
        return value
    raise fields.refusal(f"{shown(value)} is not known; write dhcp, or range and prefix on lines of their own below it")


class NetworkFields(Model):
    """How containers are connected."""

    bridge: fields.BridgeName | None = Field(
        default=None,
        description="Bridge or virtual network. Left out: the settings'.",
        examples=["vmbr0"],
    )
    vlan: int | None = Field(default=None, ge=1, le=4094, description="VLAN tag.", examples=[30])
    addresses: Annotated[
        Annotated[Literal["dhcp"], BeforeValidator(_dhcp), Tag("<dhcp>")]
        | Annotated[AddressRangeFields, Tag("<range>")],
        Discriminator(_addresses_tag),
    ] = Field(
        default="dhcp",
        description="dhcp, or a range of addresses that the controller hands out.",
        examples=["dhcp", {"range": "10.0.0.10-10.0.0.99", "prefix": 24, "gateway": "10.0.0.1"}],
    )
    nameservers: tuple[fields.Address, ...] = Field(
        default=(),
        strict=False,
        description="DNS servers. Left out: those of DHCP, or of the node.",
        examples=[["10.0.0.53"]],
    )
    egress: Egress = Field(
        default="internet",
        description=(
            "Where desktops may connect to: internet (anywhere), none, or a list of networks, to which the nameservers "
            "given here are added. With none or a list only RDP and SSH come in."
        ),
        examples=["internet", "none", ["10.0.0.0/8", {"cidr": "192.0.2.7", "ports": ["443/tcp"]}]],
    )


class TtlFields(Model):
    """How long sessions live."""

    default: fields.Duration | None = Field(
        default=None,
        description=f"For sessions that say nothing. Left out: {format_duration(DEFAULT_TTL)}, or max if less.",
        examples=["30m"],
    )
    max: fields.Duration | None = Field(
        default=None,
        description=(
            f"Longest life, extensions included. Left out: {format_duration(DEFAULT_MAX_TTL)}, or default if more."
        ),
        examples=["24h"],
    )

    @property
    def settled(self) -> tuple[float, float]:
        """Default and longest life in seconds, with what was left out filled in."""
        default = self.default if self.default is not None else min(DEFAULT_TTL, self.max or DEFAULT_TTL)
        return default, self.max if self.max is not None else max(DEFAULT_MAX_TTL, default)


class FeatureFields(Model):
    """Special abilities of the containers."""

    nesting: bool = Field(
        default=False,
        description="Allow containers and newer systemd features inside.",
        examples=[True],
    )


class ReadinessFields(Model):
    """When a session counts as ready."""

    probe: Literal["rdp", "none"] = Field(
        default="rdp",
        description="rdp: its RDP server answered. none: it runs and has an address.",
        examples=["rdp", "none"],
    )
    port: int = Field(default=3389, ge=1, le=65535, description="TCP port of the RDP server.", examples=[3389])
    timeout: fields.Duration = Field(
        default=300.0,
        description="Time from its start after which a desktop counts as one that will never be ready.",
        examples=["5m"],
    )


class TemplateFields(Model):
    """What sessions of this template are made from."""

    source: SourceFields | None = Field(
        default=None,
        description="What containers are made from. Left out: the settings' archive.",
        examples=[{"archive": "local:vztmpl/winux.tar.zst"}],
    )
    storage: fields.StorageId | None = Field(
        default=None,
        description="Storage of the root disks. Left out: the settings'; linked clones stay on their template's.",
        examples=["local-lvm"],
    )
    nodes: tuple[fields.NodeName, ...] = Field(
        default=(),
        strict=False,
        description="Nodes that sessions may run on. Left out: the settings', or any that is online.",
        examples=[["pve1", "pve2"]],
    )
    pool: fields.PoolId | None = Field(
        default=None,
        description="Proxmox pool of the containers. Left out: the settings'.",
        examples=["winux"],
    )
    resources: ResourceFields = Field(
        default_factory=ResourceFields,
        description="What a session gets that asks for nothing else. Left out: 2 cores, 1Gi, a disk of 10Gi.",
        examples=[{"cores": 2, "memory": "1024Mi", "disk": "10Gi"}],
    )
    limits: LimitFields = Field(
        default_factory=LimitFields,
        description="The most that a session may ask for; a session that asks for more is refused.",
        examples=[{"cores": 4, "memory": "8Gi", "disk": "20Gi"}],
    )
    network: NetworkFields = Field(
        default_factory=NetworkFields,
        description="How containers are connected. Left out: the settings' bridge, with DHCP.",
        examples=[{"bridge": "vmbr0", "addresses": "dhcp"}],
    )
    desktop_user: fields.UserName = Field(
        default="winux",
        description="The Linux user whose desktop it is.",
        examples=["winux"],
    )
    credentials: Literal["password", "template", "none"] = Field(
        default="password",
        description=(
            "password: a random one for each session; for clones it is set over SSH, with guest.sshKeyFile of the "
            "settings. template: whatever the container template of a clone has. none: nothing is set, for images "
            "that ask a directory of the site's."
        ),
        examples=["password", "template", "none"],
    )
    sudo: bool = Field(
        default=False,
        description=(
            "Whether the desktop user may become root in the container by sudo. Set over SSH, with guest.sshKeyFile of "
            "the settings."
        ),
        examples=[True],
    )
    ttl: TtlFields = Field(
        default_factory=TtlFields,
        description="How long sessions live: what they get and what they may ask for.",
        examples=[{"default": "30m", "max": "24h"}],
    )
    features: FeatureFields = Field(
        default_factory=FeatureFields,
        description="Special abilities of the containers; all are off unless asked for.",
        examples=[{"nesting": True}],
    )
    readiness: ReadinessFields = Field(
        default_factory=ReadinessFields,
        description="When a session counts as ready, and when as failed.",
        examples=[{"probe": "rdp", "timeout": "5m"}],
    )


class SessionTemplate(ManifestModel):
    """What sessions are made from, and what they may ask for."""

    kind_name: ClassVar[str] = "SessionTemplate"

    kind: Literal["SessionTemplate"] = Field(description="Always SessionTemplate.", examples=["SessionTemplate"])
    spec: TemplateFields = Field(
        default_factory=TemplateFields,
        description="What sessions are made from, and what they may ask for.",
        examples=[{"source": {"archive": "local:vztmpl/winux.tar.zst"}, "ttl": {"default": "30m"}}],
    )

    def complaints(self) -> Iterator[Complaint]:
        spec = self.spec
        if spec.source is not None:
            yield from _source_complaints(spec.source)
        yield from _limit_complaints(spec)
        if spec.credentials == "template" and (spec.source is None or spec.source.clone is None):
            message = "template is for clones; write password, or none where the image asks a directory of the site's"
            yield Complaint(("spec", "credentials"), message)
        if spec.credentials == "none" and spec.sudo:
            yield Complaint(("spec", "sudo"), "with credentials none the site's directory says who may use sudo")
        if spec.ttl.default is not None and spec.ttl.max is not None and spec.ttl.default > spec.ttl.max:
            message = f"{format_duration(spec.ttl.default)} is more than spec.ttl.max, {format_duration(spec.ttl.max)}"
            yield Complaint(("spec", "ttl", "default"), message)
        yield from egress_complaints(spec.network.egress, ("spec", "network", "egress"))
        if isinstance(spec.network.addresses, AddressRangeFields):
            yield from _range_complaints(spec.network.addresses)


def _source_complaints(source: SourceFields) -> Iterator[Complaint]:
    path = ("spec", "source")
    if (source.archive is None) == (source.clone is None):
        yield Complaint(path, "needs exactly one of archive and clone")
    seen = set()
    for index, choice in enumerate(source.clone.templates if source.clone else ()):
        if choice.vmid in seen:
            yield Complaint((*path, "clone", "templates", index, "vmid"), f"{choice.vmid} stands there twice")
        seen.add(choice.vmid)


def _limit_complaints(spec: TemplateFields) -> Iterator[Complaint]:
    given, limits = spec.resources, spec.limits
    for field, value, limit, text in (
        ("cores", given.cores, limits.cores, str),
        ("memory", given.memory, limits.memory, format_memory),
        ("disk", given.disk, limits.disk, format_disk),
    ):
        if limit is not None and value > limit:
            yield Complaint(
                ("spec", "limits", field),
                f"{text(limit)} is less than the {text(value)} that spec.resources.{field} gives every session",
            )


def _range_complaints(addresses: AddressRangeFields) -> Iterator[Complaint]:
    path = ("spec", "network", "addresses")
    by_range = addresses.range is not None
    if by_range == (addresses.first is not None or addresses.last is not None) or (
        not by_range and (addresses.first is None or addresses.last is None)
    ):
        yield Complaint(path, 'needs either range, such as "10.0.0.10-10.0.0.99", or both first and last')
        return
    first, last = (IPv4Address(end) for end in addresses.ends)
    start = (*path, "range" if by_range else "first")
    network = IPv4Interface(f"{first}/{addresses.prefix}").network
    if last < first:
        yield Complaint(start, f"ends at {last}, before it starts at {first}")
    elif last not in network:
        yield Complaint(start, f"{last} is outside the network {network} of {first}; is the prefix right?")
    elif addresses.prefix < 31 and (first == network.network_address or last == network.broadcast_address):
        yield Complaint(start, f"holds the first or the last address of {network}, which no host can have")
    if addresses.gateway is not None:
        gateway = IPv4Address(addresses.gateway)
        if gateway not in network:
            yield Complaint((*path, "gateway"), f"{gateway} is outside the network {network} of the range")
        elif first <= gateway <= last:
            yield Complaint((*path, "gateway"), f"{gateway} is inside the range; a container would get it")
