"""Running a program with hard bounds: no shell, one deadline, little memory, nothing left behind.

`subprocess.run(timeout=…)` returns on time but leaves the children of its child running, waits for whoever
else holds the pipe, and keeps 749 MiB of `yes` after one second. Nothing here does.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

# A fixed path and language, so that what runs does not depend on who started the daemon; nothing else is
# passed on, least of all NOTIFY_SOCKET or credentials.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
KEEP = 65_536
GRACE = timedelta(milliseconds=500)
# Longer than any death by SIGKILL takes, save one stuck in the kernel on a dead disk: it is collected when it can die.
_REAP = timedelta(seconds=1)
_CHUNK = 65_536
# Output past this is not even read: the writer blocks on its pipe and the deadline ends it.
_READ_AT_MOST = 16 * 1024 * 1024


class CannotRunError(Exception):
    """The program could not be started at all; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of one run: `code` is the exit status, None when a signal ended it (then `signal` names it).

    `output` and `errors` are the first bytes of stdout and stderr, `seconds` the wall time.
    """

    code: int | None
    output: bytes
    errors: bytes
    timed_out: bool
    signal: int | None
    seconds: float


@dataclass(slots=True)
class _Stream:
    """What was kept of one pipe, and how much went by."""

    kept: bytearray = field(default_factory=bytearray)
    read: int = 0


def run(argv: Sequence[str], *, timeout: timedelta, stdin: bytes = b"", keep: int = KEEP) -> Finished:
    """Run `argv` in a session of its own and wait for it, `timeout` plus half a second at most.

    At most `keep` bytes of each stream are kept. At the deadline the whole process group gets SIGTERM, then
    SIGKILL; what the program left running in its group when it ended is killed too. Raises CannotRunError.
    """
    started = time.monotonic()
    child = _start(argv, with_input=bool(stdin))
    with contextlib.closing(_watch(child, stdin, keep)) as watch:
        ended = watch.until(started + timeout.total_seconds())
        if not ended:
            _signal_group(child.pid, signal.SIGTERM)
            watch.until(time.monotonic() + GRACE.total_seconds())
        watch.drain()
        _signal_group(child.pid, signal.SIGKILL)
        watch.until(time.monotonic() + _REAP.total_seconds())
    status = child.poll()
    return Finished(
        code=status if status is not None and status >= 0 else None,
        output=bytes(watch.output.kept),
        errors=bytes(watch.errors.kept),
        timed_out=not ended,
        signal=-status if status is not None and status < 0 else None,
        seconds=time.monotonic() - started,
    )


def _start(argv: Sequence[str], *, with_input: bool) -> subprocess.Popen[bytes]:
    if not argv:
        raise CannotRunError("cannot run an empty command")
    try:
        return subprocess.Popen(  # argv comes from root's settings, never from a shell
            list(argv),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(ENVIRONMENT),
            bufsize=0,
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CannotRunError(f"cannot run {argv[0]!r}: {_why(error, argv[0])}") from error


def _why(error: OSError | ValueError, program: str) -> str:
    """Name the usual trap: the kernel says "no such file" of a script whose interpreter is not there."""
    if isinstance(error, FileNotFoundError) and os.path.exists(program):  # noqa: PTH110 - text as it was given
        return "the interpreter in its first line does not exist"
    return str(getattr(error, "strerror", None) or error)


def _watch(child: subprocess.Popen[bytes], stdin: bytes, keep: int) -> _Watch:
    try:
        return _Watch(child, stdin, keep)
    except OSError as error:
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()
        raise CannotRunError(f"cannot watch process {child.pid}: {error.strerror}") from error


class _Watch:
    """The pipes and the life of one child, read without blocking."""

    def __init__(self, child: subprocess.Popen[bytes], stdin: bytes, keep: int) -> None:
        self.output, self.errors = _Stream(), _Stream()
        self._child, self._left, self._keep = child, memoryview(stdin), keep
        self._life = os.pidfd_open(child.pid)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._life, selectors.EVENT_READ, None)
        for pipe, stream in ((child.stdout, self.output), (child.stderr, self.errors)):
            self._open(pipe, selectors.EVENT_READ, stream)
        self._open(child.stdin, selectors.EVENT_WRITE, None)

    def until(self, deadline: float) -> bool:
        """Move bytes until the child ends (True) or the deadline (monotonic seconds) passes (False)."""
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if key.fd == self._life:
                    return True
                self._move(key)
        return False

    def drain(self) -> None:
        """Take what already lies in the pipes. A grandchild may hold them open for ever: never wait for the end."""
        for pipe, stream in ((self._child.stdout, self.output), (self._child.stderr, self.errors)):
            while pipe is not None and len(stream.kept) < self._keep and self._take(pipe, stream):
                pass

    def close(self) -> None:
        """Give back every descriptor."""
        self._selector.close()
        os.close(self._life)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _open(self, pipe: IO[bytes] | None, mask: int, stream: _Stream | None) -> None:
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, mask, stream)

    def _move(self, key: selectors.SelectorKey) -> None:
        pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]  # only pipes reach this line
        more = self._write(pipe) if key.data is None else self._read(pipe, key.data)
        if not more:
            self._selector.unregister(pipe)
            if key.data is None:
                pipe.close()

    def _write(self, pipe: IO[bytes]) -> bool:
        try:
            written = os.write(pipe.fileno(), self._left[:_CHUNK])
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        self._left = self._left[written:]
        return bool(self._left)

    def _read(self, pipe: IO[bytes], stream: _Stream) -> bool:
        return self._take(pipe, stream) != 0 and stream.read < _READ_AT_MOST

    def _take(self, pipe: IO[bytes], stream: _Stream) -> int | None:
        """Read once; None when nothing lies there now, 0 at the end of the stream."""
        try:
            chunk = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return None
        stream.read += len(chunk)
        stream.kept += chunk[: max(0, self._keep - len(stream.kept))]
        return len(chunk)


def _signal_group(group: int, number: int) -> None:
    # The leader is not reaped yet, so its number cannot have been given to anyone else.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
