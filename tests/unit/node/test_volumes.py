"""Volumes one by one, the list of templates, downloads that fetch nothing, and one network interface."""

from __future__ import annotations

from typing import Any

import pytest

from controller.node.profile import PROFILES
from tests.unit.node.lab import Answer, Lab

LOCAL = "/nodes/pve1/storage/local"
ARCHIVE = "local:vztmpl/winux-desktop-debian12_1_amd64.tar.zst"
FILE = {"content": "vztmpl", "filename": "mine.tar.gz", "url": "https://example.invalid/mine.tar.gz"}


def held(lab: Lab, storage: str = "local", **params: object) -> dict[str, dict[str, Any]]:
    rows = lab.root.get(f"/nodes/pve1/storage/{storage}/content", **params).data
    return {row["volid"]: row for row in rows}


def errors(answer: Answer) -> dict[str, str]:
    assert answer.status == 400, answer
    return dict(answer.document["errors"])


# one volume


@pytest.mark.parametrize(
    "path", [ARCHIVE, "vztmpl/winux-desktop-debian12_1_amd64.tar.zst", ARCHIVE.replace("/", "%2F")]
)
def test_a_volume_by_its_id_or_by_its_name_in_the_storage(lab: Lab, path: str) -> None:
    size = held(lab)[ARCHIVE]["size"]
    where = "/var/lib/vz/template/cache/winux-desktop-debian12_1_amd64.tar.zst"
    assert lab.root.get(f"{LOCAL}/content/{path}").data == {"path": where, "size": size, "used": size, "format": "tzst"}


def test_the_root_disk_of_a_container(lab: Lab) -> None:
    lab.create(rootfs="local-zfs:1")
    volume = lab.root.get("/nodes/pve1/storage/local-zfs/content/subvol-100-disk-0").data
    assert (volume["path"], volume["size"], volume["format"]) == ("/rpool/data/subvol-100-disk-0", 1 << 30, "subvol")


def test_an_id_of_another_storage_is_refused(lab: Lab) -> None:
    text = "storage ID mismatch (local-zfs != local)\n"
    assert errors(lab.root.get(f"{LOCAL}/content/local-zfs:subvol-100-disk-0")) == {"volume": text}
    text = "unable to parse directory volume name 'nonsense'"
    assert lab.root.get(f"{LOCAL}/content/nonsense").refusal == (500, text)


def test_who_may_read_a_volume(lab: Lab) -> None:
    lab.create(pool="winux")
    assert lab.limited.get(f"{LOCAL}/content/{ARCHIVE}").status == 200
    disk = lab.limited.get(f"{LOCAL}/content/local:100/vm-100-disk-0.raw")
    assert disk.refusal == (403, "Permission check failed (/storage/local, Datastore.Audit)")
    lab.door.set_role("WinuxStorage", frozenset())
    text = "Permission check failed (/storage/local, Datastore.AllocateSpace|Datastore.Audit)"
    assert lab.limited.get(f"{LOCAL}/content/{ARCHIVE}").refusal == (403, text)


def test_a_deletion_is_a_task_of_its_storage(lab: Lab) -> None:
    wanted = (403, "Permission check failed (/storage/local, Datastore.Allocate)")
    assert lab.limited.delete(f"{LOCAL}/content/{ARCHIVE}").refusal == wanted
    upid = lab.root.delete(f"{LOCAL}/content/{ARCHIVE}").data
    assert upid.split(":")[5:7] == ["imgdel", "local"]
    assert lab.wait(upid) == "OK"
    assert lab.log(upid)[0] == f"Removed volume '{ARCHIVE}'"
    assert ARCHIVE not in held(lab)
    assert lab.wait(lab.begin(100)) == f"unable to create CT 100 - volume '{ARCHIVE}' does not exist"


def test_deleting_what_is_not_there_ends_well(lab: Lab) -> None:
    upid = lab.root.delete(f"{LOCAL}/content/local:iso/none.iso").data
    assert lab.wait(upid) == "OK"
    assert lab.log(upid)[0] == "disk image '/var/lib/vz/template/iso/none.iso' does not exist"


def test_a_deletion_that_ends_within_the_delay_answers_null() -> None:
    lab = Lab(profile="real")
    began = lab.clock.monotonic()
    assert lab.root.delete(f"{LOCAL}/content/{ARCHIVE}", delay=30).document == {"data": None}
    assert 0 < lab.clock.monotonic() - began < 5
    assert PROFILES["real"].tasks["imgdel"].median > 0


def test_the_disks_of_guests_stay(lab: Lab) -> None:
    lab.create()
    upid = lab.root.delete(f"{LOCAL}/content/local:100/vm-100-disk-0.raw").data
    assert upid.split(":")[6] == "100@local"
    assert "is the root disk of CT 100" in lab.wait(upid)
    lab.done(lab.root.post(lab.ct(9000, "/clone"), newid=101))
    base = lab.root.delete("/nodes/pve1/storage/local-zfs/content/basevol-9000-disk-0")
    assert lab.done(base) == "base volume 'basevol-9000-disk-0' is still in use by linked clones"


# a disk by itself


def test_a_disk_is_made_at_once_and_belongs_to_a_vmid(lab: Lab) -> None:
    made = lab.root.post(f"{LOCAL}/content", vmid=777, filename="vm-777-disk-1.raw", size="2G")
    assert made.data == "local:777/vm-777-disk-1.raw"
    row = held(lab, vmid=777)[made.data]
    assert (row["content"], row["format"], row["size"], row["vmid"]) == ("images", "raw", 2 << 30, 777)
    again = lab.root.post(f"{LOCAL}/content", vmid=777, filename="vm-777-disk-1.raw", size="2G")
    text = "disk image '/var/lib/vz/images/777/vm-777-disk-1.raw' already exists"
    assert again.refusal == (500, text)
    upid = lab.root.delete(f"{LOCAL}/content/{made.data}").data
    assert upid.split(":")[6] == "777@local"
    assert lab.wait(upid) == "OK"
    assert held(lab, vmid=777) == {}


def test_a_size_without_a_unit_is_in_kibibytes(lab: Lab) -> None:
    volume = lab.root.post(f"{LOCAL}/content", vmid=777, filename="vm-777-disk-1.raw", size="2048").data
    assert held(lab)[volume]["size"] == 2 << 20


@pytest.mark.parametrize(
    ("storage", "params", "text"),
    [
        ("local", {"filename": "nonsense"}, "unable to parse volume filename 'nonsense'"),
        ("local-zfs", {"filename": "disk"}, "illegal name 'disk' - should be 'vm-777-*'"),
        ("local-zfs", {"filename": "disk", "format": "subvol"}, "illegal name 'disk' - should be 'subvol-777-*'"),
        ("local-zfs", {"filename": "vm-777-disk-1.qcow2"}, "unsupported format 'qcow2'"),
        ("none", {"filename": "vm-777-disk-1.raw"}, "storage 'none' does not exist"),
    ],
)
def test_disks_that_are_refused(lab: Lab, storage: str, params: dict[str, object], text: str) -> None:
    answer = lab.root.post(f"/nodes/pve1/storage/{storage}/content", vmid=777, size="1G", **params)
    assert answer.refusal == (500, text)


def test_a_format_has_to_be_that_of_the_name(lab: Lab) -> None:
    answer = lab.root.post(f"{LOCAL}/content", vmid=777, size="1G", filename="a.raw", format="qcow2")
    assert errors(answer) == {"format": "different storage formats (qcow2 != raw)"}


# downloads


def test_a_template_from_the_list_is_there_when_its_task_has_ended() -> None:
    lab = Lab(profile="real")
    names = {row["template"] for row in lab.limited.get("/nodes/pve1/aplinfo").data}
    name = next(name for name in sorted(names) if name.startswith("debian-13"))
    upid = lab.root.post("/nodes/pve1/aplinfo", storage="local", template=name).data
    assert upid.split(":")[5:7] == ["download", name]
    assert f"local:vztmpl/{name}" not in held(lab)
    assert lab.wait(upid) == "OK"
    assert held(lab)[f"local:vztmpl/{name}"]["content"] == "vztmpl"
    again = lab.root.post("/nodes/pve1/aplinfo", storage="local", template=name)
    assert lab.done(again) == "OK"
    assert lab.log(again.data)[0] == "OK, got correct file already, no need to download"
    lab.create(100, ostemplate=f"local:vztmpl/{name}")


def test_templates_that_are_refused(lab: Lab) -> None:
    name = lab.root.get("/nodes/pve1/aplinfo").data[0]["template"]
    missing = lab.root.post("/nodes/pve1/aplinfo", storage="local", template="nonsense")
    assert errors(missing) == {"template": "no such template"}
    text = "storage 'local-zfs' does not support templates"
    assert lab.root.post("/nodes/pve1/aplinfo", storage="local-zfs", template=name).refusal == (500, text)
    wanted = (403, "Permission check failed (/storage/local, Datastore.AllocateTemplate)")
    assert lab.limited.post("/nodes/pve1/aplinfo", storage="local").refusal == wanted


def test_a_file_from_a_url_is_never_fetched_but_is_there(lab: Lab) -> None:
    upid = lab.root.post(f"{LOCAL}/download-url", **FILE | {"filename": "a/b/my file.tar.gz"}).data
    assert upid.split(":")[5:7] == ["download", "my_file.tar.gz"]
    assert lab.wait(upid) == "OK"
    assert held(lab)["local:vztmpl/my_file.tar.gz"]["format"] == "tgz"
    lab.create(100, ostemplate="local:vztmpl/my_file.tar.gz")


def test_a_file_that_is_there_is_not_overridden(lab: Lab) -> None:
    lab.done(lab.root.post(f"{LOCAL}/download-url", **FILE))
    text = "refusing to override existing file '/var/lib/vz/template/cache/mine.tar.gz'"
    assert lab.done(lab.root.post(f"{LOCAL}/download-url", **FILE)) == text
    known = FILE | {"checksum": "00", "checksum_algorithm": "sha256"}
    assert lab.done(lab.root.post(f"{LOCAL}/download-url", **known)) == "OK"


def test_downloads_that_are_refused(lab: Lab) -> None:
    zfs = lab.root.post("/nodes/pve1/storage/local-zfs/download-url", **FILE)
    assert zfs.refusal == (500, "can't upload to storage type 'zfspool', not a file based storage!")
    wrong = lab.root.post(f"{LOCAL}/download-url", **FILE | {"filename": "mine.exe"})
    assert errors(wrong) == {"filename": "wrong file extension"}
    content = lab.root.post(f"{LOCAL}/download-url", **FILE | {"content": "import", "filename": "a.raw"})
    assert content.refusal == (500, "storage 'local' is not configured for content-type 'import'")
    packed = lab.root.post(f"{LOCAL}/download-url", **FILE | {"compression": "gz"})
    assert lab.done(packed) == "decompression not supported for vztmpl"
    half = lab.root.post(f"{LOCAL}/download-url", **FILE | {"checksum": "00"})
    assert errors(half) == {"checksum-algorithm": "missing property - 'checksum' requires this property"}


def test_a_download_needs_the_storage_and_the_network(lab: Lab) -> None:
    wanted = (403, "Permission check failed (/storage/local, Datastore.AllocateTemplate)")
    assert lab.limited.post(f"{LOCAL}/download-url", **FILE).refusal == wanted
    lab.door.set_role("WinuxStorage", frozenset({"Datastore.AllocateTemplate"}))
    assert lab.limited.post(f"{LOCAL}/download-url").refusal == (403, "Permission check failed")
    lab.root.post("/access/roles", roleid="Net", privs="Sys.AccessNetwork")
    lab.root.put("/access/acl", path="/nodes/pve1", roles="Net", users="winux@pve")
    assert lab.done(lab.limited.post(f"{LOCAL}/download-url", **FILE)) == "OK"


# the network


def test_one_network_interface(lab: Lab) -> None:
    (row,) = lab.root.get("/nodes/pve1/network").data
    assert row.pop("iface") == "vmbr0"
    assert lab.root.get("/nodes/pve1/network/vmbr0").data == row
    assert errors(lab.root.get("/nodes/pve1/network/vmbr9")) == {"iface": "interface does not exist"}
    wanted = (403, "Permission check failed (/nodes/pve1, Sys.Audit)")
    assert lab.limited.get("/nodes/pve1/network/vmbr0").refusal == wanted
