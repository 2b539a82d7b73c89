"""What a change of the config does to a container that runs: taken at once, or kept for its next start.

PVE::LXC::Config::vmconfig_hotplug_pending and vmconfig_apply_pending. Which changes may be made at all is decided in
``config``; the start that takes them is in ``power``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from controller.node.calls import options as opt
from controller.node.context import Context
from controller.node.guest import Guest

_AT_ONCE = frozenset(
    {
        *("cores", "description", "hookscript", "hostname", "lock", "onboot", "protection", "startup", "tags"),
        *("cpulimit", "cpuunits", "memory", "swap"),
    }
)
_PLUGGED = re.compile(r"(mp|dev)\d+")


def change(
    context: Context, guest: Guest, *, changes: Mapping[str, str], delete: Iterable[str], revert: Iterable[str] = ()
) -> bool:
    """Write changes into the config, or among those that wait. Returns whether anything changed."""
    before = (dict(guest.options), dict(guest.pending), set(guest.pending_deletes))
    options, waiting, leaving = (dict(guest.options), dict(guest.pending), set(guest.pending_deletes))
    for name in revert:
        waiting.pop(name, None)
        leaving.discard(name)
    wanted: dict[str, str] = dict(options)
    opt.apply(context, wanted, changes)
    for name in delete:
        waiting.pop(name, None)
        if guest.running and name in options and not _leaves_at_once(name):
            leaving.add(name)
        else:
            options.pop(name, None)
            leaving.discard(name)
    for name in changes:
        waiting.pop(name, None)
        leaving.discard(name)
        if name not in wanted:
            options.pop(name, None)
        elif guest.running and wanted[name] != options.get(name) and not _taken_at_once(name, options):
            waiting[name] = wanted[name]
        else:
            options[name] = wanted[name]
    if (options, waiting, leaving) == before:
        return False
    guest.pending, guest.pending_deletes = waiting, leaving
    guest.write(options)
    return True


def _taken_at_once(name: str, options: Mapping[str, str]) -> bool:
    """A mount point or a device can be plugged in, but not changed."""
    if _PLUGGED.fullmatch(name):
        return name not in options
    return name in _AT_ONCE or re.fullmatch(r"net\d+", name) is not None


def _leaves_at_once(name: str) -> bool:
    return name in _AT_ONCE or re.fullmatch(r"net\d|unused\d+", name) is not None


def list_pending(context: Context) -> list[dict[str, object]]:
    """Every option with its value now, and with what it will be; ``delete`` is 1 where it will be gone."""
    guest = context.guest
    now, later = guest.config(current=True), guest.config()
    rows: list[dict[str, object]] = []
    for name in {**now, **dict.fromkeys(guest.pending)}:
        row: dict[str, object] = {"key": name}
        if name in now:
            row["value"] = now[name]
        if name in guest.pending:
            row["pending"] = later[name]
        if name in guest.pending_deletes:
            row["delete"] = 1
        rows.append(row)
    if context.may(f"/vms/{guest.vmid}", "VM.Config.Options"):
        return rows
    return [row for row in rows if row["key"] != "env"]
