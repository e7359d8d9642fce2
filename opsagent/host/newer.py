"""Which file that makes a unit what it is is newer than the process that runs: a restart would bring it in."""

from __future__ import annotations

import os
import re
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsagent.host.properties import Properties

_ALIVE = frozenset({"active", "reloading", "activating", "deactivating"})
_SETTINGS = "/etc/"
_MOST = 50
_INTERPRETER = re.compile(r"(?:python|perl|ruby|php|node|nodejs|lua|tclsh)[\d.]*|(?:ba|da|k|z)?sh|java|env")


def changed_since_start(unit: Properties, own: Properties) -> str:
    """Return that file: unit file, drop-in or source, program, or settings that it is given; "" for none.

    A file that cannot be looked at has not changed. Settings that a reload has read since are no news.
    """
    began = unit.moment("InactiveExitTimestamp") or unit.moment("ActiveEnterTimestamp")
    if began is None or unit.text("ActiveState") not in _ALIVE:
        return ""
    start = began.timestamp()
    files = (unit.text("FragmentPath"), unit.text("SourcePath"), *unit.names("DropInPaths"))
    found = next((path for path in files if path and _written(path) > start), "")
    read = reloaded_at(own) or began
    return found or _program(own, start) or _given(own, max(start, read.timestamp()))


def reloaded_at(own: Properties) -> datetime | None:
    """Return when systemd last had it read its settings anew, None if never."""
    last = max((command[3] for command in own.value("ExecReload") or ()), default=0)
    return datetime.fromtimestamp(last / 1e6, UTC) if last else None


def _written(path: str) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - on every unit of every look; a Path costs more than the call
    except OSError:
        return 0.0


def _program(own: Properties, start: float) -> str:
    """Return a program that was put there since: a package keeps the time of its making, the inode tells the truth."""
    for command in own.value("ExecStart") or ():
        path = _itself(str(command[0]), command[1])
        try:
            if path and os.stat(path).st_ctime > start:  # noqa: PTH116 - as above
                return path
        except OSError:
            continue
    return ""


def _itself(program: str, words: Sequence[str]) -> str:
    """Return what is the service's own: of an interpreter what it runs, "" where that is not said by its path.

    A security update of an interpreter is a change of the host: it must not hold back the repair of all that it runs.
    """
    if not _INTERPRETER.fullmatch(program.rpartition("/")[2]):
        return program
    first = next((str(word) for word in words[1:_MOST] if not str(word).startswith("-")), "")
    return first if first.startswith("/") else ""


def _given(own: Properties, since: float) -> str:
    """Return settings that were written since, but not by the service itself: some keep their state in them."""
    user = _user(own.number("MainPID"))
    for path in _settings(own):
        try:
            about = os.stat(path)  # noqa: PTH116 - as above
        except OSError:
            continue
        its_own = user not in (0, None) and about.st_uid == user
        if stat.S_ISREG(about.st_mode) and about.st_mtime > since and not its_own:
            return path
    return ""


def _settings(own: Properties) -> Iterator[str]:
    """Yield the files of its environment, and what its commands are given of /etc (`--config=/etc/api.yaml`)."""
    yield from (str(one[0]).removeprefix("-") for one in own.value("EnvironmentFiles") or ())
    words = [word for command in own.value("ExecStart") or () for word in command[1][1:]]
    yield from (path for word in words[:_MOST] if (path := str(word).rpartition("=")[2]).startswith(_SETTINGS))


def _user(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid if pid else None  # noqa: PTH116 - as above
    except OSError:
        return None
