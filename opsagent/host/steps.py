"""Looking as a playbook says: the host's own programs by their full paths, and log files. Nothing is changed."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.playbook.look import MOST_LINES, LogFile, Program
from opsagent.core.text import readable, visible
from opsagent.host import process
from opsagent.host.mounts import mount_of, mounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WITHIN = timedelta(seconds=5)
LONGEST_LINE = 300
_HOMES = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")
_KEEP = 32 * 1024
_LOGS = "/var/log"
_COMMAND_LINE = re.compile(r"\s*(?:Process: |Control PID: |[├└│]|[|`]-)")


class StepError(Exception):
    """A step that could not be done; the text says why."""


def run(one: Program) -> tuple[str, ...]:
    """Return what a program says within 5 s, at most 20 lines of it. Raises StepError where it cannot be run."""
    for path in one.paths:
        _must_be_near(path)
    try:
        done = process.run((_found(one.argv[0]), *one.argv[1:]), timeout=WITHIN, keep=_KEEP)
    except process.CannotRunError as error:
        raise StepError(str(error)) from error
    said = shown(without_command_lines([*_lines(done.output), *_lines(done.errors)]))
    if done.timed_out:
        return (*said, f"no end within {WITHIN.total_seconds():.0f} s")
    if done.code != 0:
        return (*said, f"ended with {done.code}" if done.code is not None else f"ended by signal {done.signal}")
    return said or ("it said nothing",)


def log_lines(one: LogFile, logs: str = _LOGS) -> tuple[str, ...]:
    """Return lines of a log file, wherever links lead as long as that is below `logs`. Raises StepError."""
    try:
        with _opened(os.path.realpath(one.path), logs) as (opened, size):
            begin = max(0, size - _KEEP) if one.from_end else 0
            raw = os.pread(opened, _KEEP, begin)
    except OSError as error:
        raise StepError(f"cannot read {one.path}: {error.strerror or error}") from error
    if b"\0" in raw:
        raise StepError(f"{one.path} is no text")
    lines = _lines(raw)[1 if begin else 0 :]
    return shown(lines[-one.lines :] if one.from_end else lines[: one.lines]) or ("it is empty",)


def shown(lines: Sequence[str]) -> tuple[str, ...]:
    """Return at most 20 lines, none longer than 300 characters; the rest is counted."""
    left = len(lines) - MOST_LINES
    kept = lines if left <= 0 else lines[: MOST_LINES - 1]
    more = () if left <= 0 else (f"and {left + 1} more lines",)
    return (*(visible(line, LONGEST_LINE) for line in kept), *more)


def without_command_lines(lines: Sequence[str]) -> list[str]:
    """Leave out what `systemctl status` shows of processes: arguments may be passwords that no pattern knows."""
    return [line for line in lines if not _COMMAND_LINE.match(line)]


def _lines(raw: bytes) -> list[str]:
    return list(readable(raw))


def _found(name: str) -> str:
    """Return the program where the host keeps its own: what PATH says is nobody's business."""
    for home in _HOMES:
        if os.access(f"{home}/{name}", os.X_OK):
            return f"{home}/{name}"
    raise StepError(f"{name} is not on this host")


def _must_be_near(path: str) -> None:
    """Refuse what a look would fetch from another host, or mount: it could hold us for ever."""
    try:
        far = [one for one in mounts() if one.network or one.fs_type == "autofs"]
        for place in (path, os.path.realpath(path)):
            inside = mount_of(place, far)
            below = any(os.path.dirname(one.path) == place for one in far)  # noqa: PTH120 - text only
            if below or inside is not None:
                raise StepError(f"{place} lies on a network, or is mounted by a look")
    except OSError as error:
        raise StepError(f"cannot tell where {path} lies: {error.strerror}") from error


@contextlib.contextmanager
def _opened(path: str, logs: str) -> Iterator[tuple[int, int]]:
    """Open a regular file with one name that really lies below `logs`, and return its size too."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        found = os.fstat(opened)
        really = str(Path(f"/proc/self/fd/{opened}").readlink())  # a link on its way may have been exchanged meanwhile
        if not really.startswith(f"{os.path.realpath(logs)}/"):
            raise OSError(0, f"it leads out of {logs}")
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(0, "it is no regular file with one name")
        yield opened, found.st_size
    finally:
        os.close(opened)
