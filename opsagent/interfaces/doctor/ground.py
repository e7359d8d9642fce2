"""What opsagent stands on: directories, disks, the clock, the database library, the journal."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import shutil
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.interfaces.doctor.finding import Finding, ok, red, warn
from opsagent.settings.source import HOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM_WARN, ROOM_RED = 500 << 20, 50 << 20
"""Free bytes: the state directory may grow to the first; below the second a repair may not be recordable."""
WAL_RESET_FIXED = (3, 51, 3)
JOURNAL_GROUP = "systemd-journal"
_TIME_ERROR = 5
_MOST_FOLDERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who the daemon runs as: its uid and all its groups."""

    name: str
    uid: int
    gids: frozenset[int]


def account(name: str | None) -> Account | None:
    """Return that account (None: the user who asks); None when there is none of that name."""
    try:
        entry = pwd.getpwuid(os.geteuid()) if name is None else pwd.getpwnam(name)
    except KeyError:
        return None
    gids = frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(name=entry.pw_name, uid=entry.pw_uid, gids=gids)


def directories(state: Path, memory: Path, who: Account, *, is_system: bool) -> Iterator[Finding]:
    """Look at the state and the memory directory: there, ours, closed to strangers, with room."""
    for about, path in (("state", state), ("memory", memory)):
        yield _writable(about, path, who, is_system=is_system)
        yield from _room(about, path)
    yield from _closed_below(memory, who)


def textfile(path: Path | None, who: Account, *, is_system: bool) -> Iterator[Finding]:
    """Say whether our figures can be written where node_exporter reads them."""
    if path is None:
        return
    if is_system and any(path.is_relative_to(home) for home in HOMES):
        yield red("metrics", f"{path} is in a home directory, closed to the service", "name another textfile")
        return
    try:
        status = path.parent.stat()
    except OSError as error:
        yield warn("metrics", f"cannot write {path}: {error.strerror}", "apt-get install prometheus-node-exporter")
        return
    if may_write(status, who):
        yield ok("metrics", f"{path} can be written by {who.name}")
    else:
        do = f"chgrp {_group(who)} {path.parent}; chmod g+w {path.parent}"
        yield warn("metrics", f"{who.name} may not write in {path.parent}", do)


def _group(who: Account) -> str:
    return grp.getgrgid(pwd.getpwnam(who.name).pw_gid).gr_name


def _writable(about: str, path: Path, who: Account, *, is_system: bool) -> Finding:
    if is_system and any(path.is_relative_to(home) for home in HOMES):
        return red(about, f"{path} is in a home directory, closed to the service", "run opsagent as that user")
    try:
        status = path.stat()
    except FileNotFoundError:
        return _not_there(about, path, who)
    except OSError as error:
        return warn(about, f"cannot look at {path}: {error.strerror}", "run doctor as root")
    if not stat.S_ISDIR(status.st_mode) or not may_write(status, who):
        return red(about, f"{path} cannot be written by {who.name}", f"chown {who.name}: {path}; chmod 2770 {path}")
    if status.st_mode & stat.S_IWOTH:
        return red(about, f"{path} can be written by everybody", f"chmod o-w {path}")
    return ok(about, f"{path} can be written by {who.name}")


def _closed_below(memory: Path, who: Account) -> Iterator[Finding]:
    """Name the folders of the memory that somebody else made and keeps to himself: nothing of ours can be put there."""
    try:
        below = [path for pattern in ("*", "*/*") for path in memory.glob(pattern) if path.is_dir()][:_MOST_FOLDERS]
        closed = [path for path in sorted(below) if not path.is_symlink() and not may_write(path.stat(), who)]
    except OSError:
        return  # it was told above
    for path in closed:
        yield red("memory", f"{path} cannot be written by {who.name}", f"chmod 2770 {path}")


def _not_there(about: str, path: Path, who: Account) -> Finding:
    above = next((one for one in path.parents if one.exists()), Path("/"))
    if may_write(above.stat(), who):
        return ok(about, f"{path} is not there yet; {who.name} can make it")
    do = f"mkdir -p {path}; chown {who.name}: {path}; or start the service, which makes its own"
    return warn(about, f"{path} is not there, and {who.name} cannot make it", do)


def may_write(status: os.stat_result, who: Account) -> bool:
    """Tell from owner, group and mode whether an account may make files in a directory."""
    if who.uid == 0:
        return True
    if status.st_uid == who.uid:
        wanted = stat.S_IWUSR | stat.S_IXUSR
    elif status.st_gid in who.gids:
        wanted = stat.S_IWGRP | stat.S_IXGRP
    else:
        wanted = stat.S_IWOTH | stat.S_IXOTH
    return status.st_mode & wanted == wanted


def _room(about: str, path: Path) -> Iterator[Finding]:
    try:
        there = next(one for one in (path, *path.parents) if one.exists())
        free, flags = shutil.disk_usage(there).free, os.statvfs(there).f_flag
    except OSError:
        return  # said above already
    if flags & os.ST_RDONLY:
        yield red(about, f"the file system of {path} is read-only", "remount it, or look for the disk's errors")
    elif free < ROOM_WARN:
        found = red if free < ROOM_RED else warn
        yield found(about, f"{free >> 20} MiB are free for {path}", "make room: nothing can be recorded on a full disk")


def damaged(state: Path) -> list[Finding]:
    """Name databases that were set aside because they were damaged."""
    try:
        kept = sorted(one.name for one in state.iterdir() if ".damaged-" in one.name)
    except OSError:
        return []
    if not kept:
        return []
    return [warn("event log", f"was damaged and set aside: {', '.join(kept)}", f"look at {state}, then move them away")]


def sqlite() -> Finding:
    """Say which SQLite is in use and what that means."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
        return ok("sqlite", f"{version}")
    return ok(
        "sqlite", f"{version}: two writers could damage the log (fixed in 3.51.3), so only the daemon ever writes"
    )


def clock() -> Finding:
    """Say whether the kernel's clock is kept by somebody; in its own words, whoever does it."""
    # timex of <sys/timex.h> is 208 bytes; modes = 0 only reads
    timex = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    if state in {-1, _TIME_ERROR}:
        return warn("clock", "nobody keeps it right (not synchronised)", "systemctl enable --now systemd-timesyncd")
    return ok("clock", "is synchronised")


def journal(who: Account, *, is_system: bool) -> Finding:
    """Say whether the journal of all services can be read: it tells who stopped what, and why something died."""
    if who.uid == 0 or not is_system:
        return ok("journal", f"{who.name} reads {'all of it' if who.uid == 0 else 'its own services'}")
    try:
        gid = grp.getgrnam(JOURNAL_GROUP).gr_gid
    except KeyError:
        return warn("journal", f"there is no group {JOURNAL_GROUP}", "is systemd-journald installed?")
    if gid in who.gids:
        return ok("journal", f"{who.name} is in {JOURNAL_GROUP}")
    return red("journal", f"{who.name} may not read it: a person's stop would look like a failure", _join(who))


def _join(who: Account) -> str:
    return f"usermod -aG {JOURNAL_GROUP} {who.name}; systemctl restart opsagent"
