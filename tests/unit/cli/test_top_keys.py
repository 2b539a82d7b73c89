"""Keys as terminals send them, and a terminal that is left as it was found."""

from __future__ import annotations

import os
import pty
import signal
import termios
import threading
from collections.abc import Iterator

import pytest

from controller.cli.top_keys import Key, Keyboard, keys_of

SENT = {
    "letters": ("qS?", ["q", "S", "?"]),
    "what is not ASCII": ("é中", ["é", "中"]),
    "arrows": ("\x1b[A\x1b[B", [Key.UP, Key.DOWN]),
    "arrows in application mode": ("\x1bOA\x1bOB", [Key.UP, Key.DOWN]),
    "pages": ("\x1b[5~\x1b[6~\x02\x06", [Key.PAGE_UP, Key.PAGE_DOWN, Key.PAGE_UP, Key.PAGE_DOWN]),
    "home and end, three ways": (
        "\x1b[H\x1b[F\x1b[1~\x1b[4~\x1bOH\x1bOF",
        [Key.HOME, Key.END, Key.HOME, Key.END, Key.HOME, Key.END],
    ),
    "return and backspace": ("\r\n\x7f\b", [Key.ENTER, Key.ENTER, Key.BACKSPACE, Key.BACKSPACE]),
    "escape alone, and before a letter": ("\x1b\x1bq", [Key.ESCAPE, Key.ESCAPE, "q"]),
    "keys that mean nothing": ("\x1b[15~\x1b[1;5C\x01", []),
    "a sequence that was cut": ("\x1b[1;", []),
    "Ctrl-Z and Ctrl-D": ("\x1a\x04", [Key.SUSPEND, Key.HANG_UP]),
}


@pytest.mark.parametrize(("sent", "keys"), SENT.values(), ids=SENT.keys())
def test_keys_of_what_a_terminal_sends(sent: str, keys: list[str]) -> None:
    assert list(keys_of(sent)) == keys


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The person's side and the program's."""
    person, program = pty.openpty()
    yield person, program
    for descriptor in (person, program):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test closed it


@pytest.fixture
def keyboard(terminal: tuple[int, int]) -> Iterator[Keyboard]:
    keyboard = Keyboard(terminal[1])
    yield keyboard
    keyboard.close()


def test_keys_come_at_once_and_unseen(terminal: tuple[int, int], keyboard: Keyboard) -> None:
    person, _ = terminal
    with keyboard:
        os.write(person, b"j\x1b[6~")
        assert keyboard.wait(5) == ["j", Key.PAGE_DOWN]
        os.set_blocking(person, False)
        with pytest.raises(BlockingIOError):
            os.read(person, 100)


def test_a_lone_escape_is_a_key_and_a_split_sequence_is_one_too(terminal: tuple[int, int], keyboard: Keyboard) -> None:
    person, _ = terminal
    with keyboard:
        os.write(person, b"\x1b")
        assert keyboard.wait(5) == [Key.ESCAPE]
        os.write(person, b"\xc3")
        assert keyboard.wait(5) == []
        os.write(person, b"\xa9")
        assert keyboard.wait(5) == ["é"], "a character that came in two halves"


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_the_terminal_is_as_it_was_whatever_happened(
    terminal: tuple[int, int], keyboard: Keyboard, error: type[BaseException] | None
) -> None:
    before, handler = termios.tcgetattr(terminal[1]), signal.getsignal(signal.SIGWINCH)
    try:
        with keyboard:
            assert termios.tcgetattr(terminal[1]) != before
            if error is not None:
                raise error
    except (RuntimeError, KeyboardInterrupt):
        assert error is not None
    assert termios.tcgetattr(terminal[1]) == before
    assert signal.getsignal(signal.SIGWINCH) == handler


def test_ctrl_c_stays_a_signal_and_ctrl_z_is_a_key(terminal: tuple[int, int], keyboard: Keyboard) -> None:
    with keyboard:
        mode = termios.tcgetattr(terminal[1])
        assert mode[3] & termios.ISIG
        assert mode[6][termios.VINTR] == b"\x03"
        os.write(terminal[0], b"\x1a")
        assert keyboard.wait(5) == [Key.SUSPEND]


def test_a_wait_ends_when_something_else_happens(keyboard: Keyboard) -> None:
    with keyboard:
        thread = threading.Thread(target=keyboard.wake)
        thread.start()
        assert keyboard.wait(60) == []
        thread.join()
        os.kill(os.getpid(), signal.SIGWINCH)
        assert keyboard.wait(60) == []


def test_a_wait_ends_after_its_time(keyboard: Keyboard) -> None:
    with keyboard:
        assert keyboard.wait(0.01) == []


def test_waking_it_often_while_nobody_waits_blocks_nobody(keyboard: Keyboard) -> None:
    for _ in range(100_000):
        keyboard.wake()
    with keyboard:
        assert keyboard.wait(60) == []


def test_a_terminal_that_is_gone_hangs_up(terminal: tuple[int, int], keyboard: Keyboard) -> None:
    os.close(terminal[0])
    assert keyboard.wait(5) == [Key.HANG_UP]
