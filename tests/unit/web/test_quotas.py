"""How many sessions people may have at once."""

from __future__ import annotations

import pytest

from controller.web.quotas import Claim, Quotas, check
from controller.web.refusals import Refused


def claim(
    owner: str | None = None, ticket: str | None = "t", address: str = "a", template: str = "x", leaving: bool = False
) -> Claim:
    return Claim(owner=owner, ticket=ticket, address=address, template=template, leaving=leaving)


ALICE = claim(owner="alice", ticket="ta")
TABLE: list[tuple[str, Quotas, list[Claim], Claim, str | None]] = [
    ("no limits", Quotas(), [ALICE] * 99, ALICE, None),
    ("room left for a person", Quotas(per_person=2), [ALICE], ALICE, None),
    ("a person has enough", Quotas(per_person=2), [ALICE] * 2, ALICE, "TooManyOfYours"),
    ("another person's do not count", Quotas(per_person=1), [ALICE], claim(owner="bob"), None),
    ("what is ending does not count for a person", Quotas(per_person=1), [claim(owner="alice", leaving=True)], ALICE,
     None),
    ("a visitor counts by ticket", Quotas(per_person=1), [claim(ticket="t")], claim(ticket="t"), "TooManyOfYours"),
    ("another visitor's do not count", Quotas(per_person=1), [claim(ticket="t")], claim(ticket="u"), None),
    ("a person's ticket is not a visitor's", Quotas(per_person=1), [claim(owner="alice", ticket="t")],
     claim(ticket="t"), None),
    ("an address has enough", Quotas(per_address=1), [claim(ticket="t")], claim(ticket="u"), "TooManyFromYourAddress"),
    ("another address has not", Quotas(per_address=1), [claim()], claim(ticket="u", address="b"), None),
    ("who has a name shares no address", Quotas(per_address=1), [claim()], ALICE, None),
    ("whom others with a name sit beside has room", Quotas(per_address=1), [ALICE], claim(), None),
    ("a template is full", Quotas(per_template={"x": 1}), [claim(leaving=True)], ALICE, "TemplateFull"),
    ("another template is not", Quotas(per_template={"x": 1}), [claim(template="y")], ALICE, None),
    ("a template of which none may be", Quotas(per_template={"x": 0}), [], ALICE, "TemplateFull"),
    ("all is taken, by what is ending too", Quotas(total=2), [claim(), claim(leaving=True)], ALICE, "Full"),
    ("the last place", Quotas(total=3), [claim(), claim(leaving=True)], ALICE, None),
]  # fmt: skip


@pytest.mark.parametrize(("quotas", "there", "wanted", "title"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_quotas(quotas: Quotas, there: list[Claim], wanted: Claim, title: str | None) -> None:
    if title is None:
        check(quotas, iter(there), wanted)
        return
    with pytest.raises(Refused) as refused:
        check(quotas, iter(there), wanted)
    assert refused.value.title == title
    full = title in {"Full", "TemplateFull"}
    assert (refused.value.status, refused.value.retry_after is not None) == ((503, True) if full else (429, False))
