"""A life as a row of the table ``incarnations``, and back: the columns beside the document are for indexes."""

from __future__ import annotations

from pydantic import TypeAdapter

from controller.core.incarnation import Incarnation

DOCUMENT = TypeAdapter(Incarnation)


def vmid_of(life: Incarnation) -> int | None:
    """The VMID that no other life may have."""
    return life.placement.vmid if life.placement is not None and not life.ended else None


def row_of(life: Incarnation) -> dict[str, object]:
    return {
        "uid": life.uid,
        "session": life.session,
        "stage": life.stage.value,
        "vmid": vmid_of(life),
        "document": DOCUMENT.dump_json(life).decode(),
    }


def life_of(document: str) -> Incarnation:
    return DOCUMENT.validate_json(document)
