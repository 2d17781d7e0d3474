"""`leakguard redact -- CMD`: a child whose outputs go through the redactor: the only guard that covers C code,
`sys.__stderr__` and grandchildren.

Output and errors stay apart; where ours is a terminal the child gets one of the same size. Signals that ask us to end
are passed on; the child's exit code is returned (128 and the signal's number if one ended it). Imported by cli/redact.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

from leakguard.redact.core import Redactor
from leakguard.redact.pump import pump_many, writer
from leakguard.redact.recoded import Recoding

NOT_FOUND = 127
NOT_RUNNABLE = 126
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGINT")
_FROM_KEYS = ("SIGINT", "SIGQUIT")
"""What a terminal sends to the child as well, when a key is pressed."""


def run(redactor: Redactor, command: Sequence[str]) -> int:
    """Runs a command with its outputs redacted; its exit code. OSError with errno set if it cannot be started."""
    sides = [Side(handle) for handle in (1, 2)]
    try:
        child = subprocess.Popen(list(command), stdout=sides[0].theirs, stderr=sides[1].theirs)
    except OSError:
        for side in sides:
            side.close()
        raise
    for side in sides:
        os.close(side.theirs)
    restore = _pass_on(child, sides)
    try:
        pump_many((side.ours, Recoding(redactor, writer(side.handle))) for side in sides)
        code = child.wait()
    finally:
        restore()
        for side in sides:
            os.close(side.ours)
    return code if code >= 0 else 128 - code


class Side:
    """One output of the child: what it writes to, and where we read that."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.terminal = os.isatty(handle)
        if self.terminal:
            import pty
            import tty

            self.ours, self.theirs = pty.openpty()
            tty.setraw(self.theirs, 0)  # no echo and no second translation of line ends: ours does that
            self.resize()
        else:
            self.ours, self.theirs = os.pipe()

    def resize(self) -> None:
        import fcntl
        import termios

        size = fcntl.ioctl(self.handle, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


def _pass_on(child: subprocess.Popen[bytes], sides: Sequence[Side]) -> Any:
    """Passes signals on to the child; gives back what undoes that. A terminal's interrupt reaches the child by itself; one
    that a supervisor sends to us alone does not."""
    keys = {getattr(signal, name) for name in _FROM_KEYS if hasattr(signal, name)}

    def passed(number: int, _frame: object) -> None:
        if child.returncode is None and not (number in keys and _in_foreground()):
            child.send_signal(number)

    def resized(_number: int, _frame: object) -> None:
        for side in sides:
            if side.terminal:
                side.resize()

    before = {}
    for name in _PASSED_ON:
        if hasattr(signal, name):
            before[getattr(signal, name)] = signal.signal(getattr(signal, name), passed)
    if any(side.terminal for side in sides):
        before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, resized)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


def _in_foreground() -> bool:
    """Whether our terminal, if we have one, sends its interrupts to us."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
