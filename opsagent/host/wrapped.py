"""Running a command in its caller's place: all it reads and writes passes through, and its last words are kept.

Signals go on to it, its exit status is ours. Nothing here knows of the daemon.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsagent.core.text import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_BYTES = 8 * 1024
"""Of its output that are kept, the last ones; and the lines of them that are told. JSON may need six for each byte, and
a request holds 64 KiB."""
MOST_LINES = 20
NOT_FOUND, NOT_RUN, BY_SIGNAL = 127, 126, 128
"""The shell's own exit statuses: there is no such program, it cannot be run, and what is added to a signal's number."""
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_OF_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
_CHUNK = 64 * 1024
_MOST_AFTER = 32  # chunks; a pipe holds one, 16 where somebody made it larger
_STDOUT, _STDERR = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How it ended: `code` as a shell would say it, how long it took, its last lines."""

    code: int
    seconds: float
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class _Pipes:
    """Pipes of the child, each with the descriptor of ours that it stands for; and the tail of what went through."""

    ends: dict[int, int] = field(default_factory=dict)
    tail: deque[bytes] = field(default_factory=deque)
    kept: int = 0

    def pump(self, end: int) -> None:
        """Pass on what is there; the end of a pipe, or of whoever reads ours, closes it."""
        chunk = os.read(end, _CHUNK)
        if not chunk or not _written(self.ends[end], chunk):
            os.close(end)
            del self.ends[end]
        self.tail.append(chunk)
        self.kept += len(chunk)
        while self.kept - len(self.tail[0]) >= MOST_BYTES:
            self.kept -= len(self.tail.popleft())

    def lines(self) -> tuple[str, ...]:
        """Return the last lines."""
        return readable(b"".join(self.tail)[-MOST_BYTES:])[-MOST_LINES:]


class Signals:
    """From here on, signals are for the command: those that come before it runs are kept for it."""

    def __init__(self) -> None:
        """Take the signals. Only in a program's main thread."""
        self._waiting: list[int] = []
        self._child: subprocess.Popen[bytes] | None = None
        for number in _PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:  # what nohup has switched off stays off
                signal.signal(number, self._take)

    def _take(self, number: int, _: object) -> None:
        if number in _OF_TERMINAL and os.isatty(0):
            return  # the terminal has told the command itself
        self._waiting.append(number)
        self._pass_on()

    def _pass_on(self) -> None:
        while self._child is not None and self._waiting:
            self._child.send_signal(self._waiting.pop(0))

    def belong_to(self, child: subprocess.Popen[bytes]) -> None:
        """Pass everything on to this process."""
        self._child = child
        self._pass_on()


def run(argv: Sequence[str], signals: Signals, ended: Callable[[Ran], None]) -> int:
    """Run a command to its end without a shell, tell `ended`, and return its exit status.

    `ended` hears of it when the command itself is over, also while something that it left behind still writes.
    """
    began, pipes = time.monotonic(), _Pipes()
    try:
        child = _started(argv, pipes)
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
        said = f"opsagent: cannot run {argv[0]}: {error.strerror}"
        _written(_STDERR, f"{said}\n".encode(errors="replace"))
        ended(Ran(code=code, seconds=0.0, lines=(said,)))
        return code
    signals.belong_to(child)
    _until_over(child, pipes)
    returned = child.wait()
    code = returned if returned >= 0 else BY_SIGNAL - returned
    ended(Ran(code=code, seconds=time.monotonic() - began, lines=pipes.lines()))
    _left_to_a_child(pipes)
    return code


def _started(argv: Sequence[str], pipes: _Pipes) -> subprocess.Popen[bytes]:
    """Start it with pipes in the place of stdout and stderr; where both are one file they stay one, and in order.

    At a terminal nothing is put between: a program behaves otherwise when it does not write to one.
    """
    out = None if os.isatty(_STDOUT) else subprocess.PIPE
    one = out is not None and _same_file(_STDOUT, _STDERR)
    err = subprocess.STDOUT if one else None if os.isatty(_STDERR) else subprocess.PIPE
    child = subprocess.Popen(argv, stdout=out, stderr=err, close_fds=False)
    for pipe, ours in ((child.stdout, _STDOUT), (child.stderr, _STDERR)):
        if pipe is not None:
            pipes.ends[os.dup(pipe.fileno())] = ours
            pipe.close()
    return child


def _same_file(one: int, other: int) -> bool:
    with contextlib.suppress(OSError):
        return os.path.sameopenfile(one, other)
    return False


def _until_over(child: subprocess.Popen[bytes], pipes: _Pipes) -> None:
    """Pass its output on until it has ended, and then what it has written by then: no more than fits into pipes."""
    over, after = os.pidfd_open(child.pid), 0
    while after < _MOST_AFTER:
        ready, _, _ = select.select([over, *pipes.ends], [], [])
        for end in ready:
            if end != over:
                pipes.pump(end)
        after = _MOST_AFTER if ready == [over] else after + (over in ready)
    os.close(over)


def _left_to_a_child(pipes: _Pipes) -> None:
    """What the command left running may write on, as it could without us: a child of ours passes it on to its end."""
    if not pipes.ends or os.fork():
        return
    while pipes.ends:
        for end in select.select([*pipes.ends], [], [])[0]:
            pipes.pump(end)
    os._exit(0)


def _written(ours: int, chunk: bytes) -> bool:
    """Write it all; False when nobody reads it any more."""
    left = memoryview(chunk)
    while left:
        try:
            left = left[os.write(ours, left) :]
        except BlockingIOError:
            select.select([], [ours], [])
        except OSError:
            return False
    return True
