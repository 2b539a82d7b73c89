"""The commands that give orders, ``winux rdp``, and what they say."""

from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

import pytest

from controller.cli.completion import session_names
from controller.cli.invocation import Invocation
from tests.unit.admin.lab import Lab, session
from tests.unit.cli.conftest import Winux


@pytest.fixture
def ready(lab: Lab) -> Lab:
    lab.ready("alice", "bob", more="template: small")
    return lab


def test_extend_says_the_new_end(winux: Winux, ready: Lab) -> None:
    said = winux("extend", "alice", "15m")
    assert said.status == 0
    assert said.out.endswith(", 15m later\n")
    assert ready.service.session("alice").extension == 900


def test_a_refused_order_is_one_sentence_and_status_1(winux: Winux, ready: Lab) -> None:
    said = winux("extend", "alice", "3d")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("error: session alice can be extended by ")
    assert ready.service.session("alice").extension == 0


def test_delete_asks_first_where_somebody_can_answer(winux: Winux, ready: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    said = winux("delete", "alice")
    assert (said.status, said.err) == (1, "error: nobody can be asked here: add --yes\n")
    for answer, status in (("n\n", 1), ("y\n", 0)):
        monkeypatch.setattr(sys, "stdin", Typed(answer))
        assert winux("delete", "alice").status == status
    assert "Deleted" in ready.reasons("alice")


class Typed(io.StringIO):
    """Somebody at a terminal who has typed this."""

    def isatty(self) -> bool:
        return True


def test_several_are_deleted_though_one_is_not_there(winux: Winux, ready: Lab) -> None:
    said = winux("delete", "alice", "nobody", "bob", "--yes")
    assert said.status == 1
    assert said.err == "error: there is no session nobody: `winux get sessions` lists all\n"
    ready.until("both are gone", lambda: ready.gone("alice") and ready.gone("bob"))


def test_pause_and_resume_hold_one_or_all(winux: Winux, ready: Lab) -> None:
    assert winux("pause", "alice").status == 0
    assert ready.service.session("alice").paused
    assert winux("resume", "alice").out == "session alice goes on\n"
    winux("pause")
    assert [notice.reason for notice in ready.service.status().notices] == ["Paused"]
    assert winux("resume").out == "the controller goes on\n"


def test_confirm_says_what_was_released(winux: Winux, ready: Lab) -> None:
    assert winux("confirm").out == "nothing was held\n"
    assert ready.service.sessions()


def test_apply_takes_a_file_or_standard_input(winux: Winux, ready: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("carol.yaml").write_text(session("carol"))
    assert winux("apply", "-f", "carol.yaml").out == "session carol written (carol.yaml)\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(session("dave").encode())))
    assert winux("apply", "-f", "-").out == "session dave written (dave.yaml)\n"
    ready.until("dave is ready", lambda: ready.phase("dave") == "Ready")


def test_the_mistakes_of_an_applied_file_are_listed(winux: Winux, ready: Lab) -> None:
    Path("new.yaml").write_text(f"{session('carol', more='ttl: 5')}---\n{session('dave', more='template: nosuch')}")
    said = winux("apply", "-f", "new.yaml")
    assert said.status == 1
    first, *mistakes = said.err.splitlines()
    assert first == "error: nothing was written, because new.yaml has mistakes"
    assert [line.split(":")[1] for line in mistakes] == ["4", "9"]
    assert ready.gone("carol")


def test_a_file_that_cannot_be_read_is_one_sentence(winux: Winux, ready: Lab) -> None:
    assert winux("apply", "-f", "nosuch.yaml").err == "error: cannot read nosuch.yaml: no such file or directory\n"
    Path("bin.yaml").write_bytes(b"\xff\xfe\x00")
    assert winux("apply", "-f", "bin.yaml").err == "error: bin.yaml is not UTF-8 text: save it as UTF-8\n"
    assert ready.service.sessions()


def test_a_directory_is_not_applied_and_what_to_do_is_said(winux: Winux, ready: Lab) -> None:
    Path("class").mkdir()
    said = winux("apply", "-f", "class/")
    assert (said.status, said.out) == (1, "")
    assert said.err == (
        "error: class/ is a directory: apply its files one by one, such as `winux apply -f class/alice.yaml`\n"
    )
    assert ready.service.sessions()


# -- rdp -------------------------------------------------------------------------------------------------------


def test_an_rdp_file_is_for_its_owner_and_holds_no_password(winux: Winux, ready: Lab) -> None:
    Path("alice.rdp").write_text("an old one that everybody may read")
    said = winux("rdp", "alice")
    text = Path("alice.rdp").read_bytes().decode()
    assert stat.S_IMODE(Path("alice.rdp").stat().st_mode) == 0o600
    assert f"full address:s:{ready.service.session('alice').address}\r\n" in text
    assert "username:s:winux\r\n" in text
    password = ready.service.credential("alice").password
    assert password not in text + said.out + said.err


def test_the_file_goes_where_it_is_told_to(winux: Winux, ready: Lab, tmp_path: Path) -> None:
    assert winux("rdp", "alice", "-o", str(tmp_path / "x.rdp")).status == 0
    assert (tmp_path / "x.rdp").exists()
    said = winux("rdp", "alice", "-o", "no/such/x.rdp")
    assert (said.status, said.err) == (1, "error: cannot write no/such/x.rdp: no such file or directory\n")
    assert ready.service.sessions()


def test_show_prints_what_to_type_and_writes_nothing(winux: Winux, ready: Lab) -> None:
    credential = ready.service.credential("alice")
    pin = f"/cert:deny,fingerprint:sha256:{credential.fingerprint}"
    assert winux("rdp", "alice", "--show").lines == [
        f"Address:  {credential.address}",
        "User:     winux",
        f"Password: {credential.password}",
        f"Sha256:   {credential.fingerprint}",
        f"FreeRDP:  xfreerdp /v:{credential.address} /u:winux {pin}",
    ]
    assert not Path("alice.rdp").exists()


def test_a_clone_has_the_password_of_its_container_template(winux: Winux, lab: Lab) -> None:
    lab.world.write("template-clone.yaml", CLONES.format(vmid=lab.world.furniture.templates[0]))
    lab.ready("carol", more="template: clone")
    assert winux("rdp", "carol", "--show").lines[1:3] == [
        "User:     winux",
        "Password: as in its container template",
    ]
    assert winux("rdp", "carol").out == "wrote carol.rdp; the password: as in its container template\n"
    assert "username:s:winux" in Path("carol.rdp").read_text()


CLONES = """\
apiVersion: winux.dev/v1
kind: SessionTemplate
metadata: {{name: clone}}
spec:
  credentials: template
  source: {{clone: {{templates: [{{vmid: {vmid}}}]}}}}
"""


# -- completion ------------------------------------------------------------------------------------------------


class Context:
    """What completion asks of the parser's context."""

    def __init__(self, socket: Path) -> None:
        self._found = Invocation(socket=socket)

    def find_object(self, _type: type[Invocation]) -> Invocation:
        return self._found


def test_the_shell_is_offered_the_names_of_sessions(ready: Lab, tmp_path: Path) -> None:
    context = Context(tmp_path / "admin.sock")
    assert list(session_names(context, "")) == ["alice", "bob"]  # type: ignore[arg-type]
    assert list(session_names(context, "b")) == ["bob"]  # type: ignore[arg-type]
    assert ready.service.sessions()


def test_without_a_daemon_the_shell_is_offered_nothing(tmp_path: Path) -> None:
    assert list(session_names(Context(tmp_path / "nobody.sock"), "")) == []  # type: ignore[arg-type]
