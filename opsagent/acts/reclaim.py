"""`opsagent-act-reclaim.service`: frees disk, and only what its arguments name. They come from root's settings."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pwd
import re
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.acts import old_files, told
from opsagent.core import reclaim
from opsagent.core.quantity import SIZES
from opsagent.core.reclaim import Freed, Left, OldFiles
from opsagent.host import process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.acts.old_files import Bounds

JOURNALS = (Path("/var/log/journal"), Path("/run/log/journal"))
ARCHIVES = Path("/var/cache/apt/archives")
SYSTEM = ("/etc", "/usr", "/boot", "/proc", "/sys", "/dev")
_PRUNED = re.compile(r"Total(?: reclaimed space)?:\s*([0-9.]+)\s*([kKMGT]?B)")


def main(words: list[str]) -> None:
    """Free what the arguments name, one after the other, and leave word of each."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # somebody opens what is about to go: told to us, and no harm
    said = _arguments(words)
    until = time.monotonic() + said.within
    bounds = old_files.Bounds(
        now=time.time(),
        spared=old_files.spared((*SYSTEM, *said.spare)),
        ours=_ours(),
        left=lambda: until - time.monotonic(),
    )
    found = []
    for freed in _each(said, bounds):
        print(reclaim.sentence([freed]), flush=True)  # noqa: T201 - a program of its own: the journal is its screen
        found.append(freed)
        told.tell("reclaim", reclaim.plain(found))
    told.tell("reclaim", reclaim.plain(found))


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="opsagent.acts.reclaim", description="Free disk, and only what is named.")
    parser.add_argument("--spare", action="append", default=[], help="a directory that is never touched")
    parser.add_argument("--journal", type=int, help="bytes that archived journals may take")
    parser.add_argument("--apt-cache", action="store_true")
    parser.add_argument("--docker-prune", action="store_true")
    parser.add_argument("--files", action="append", type=reclaim.files_of, default=[], help="a directory, as JSON")
    parser.add_argument("--within", type=float, default=120.0, help="seconds")
    return parser.parse_args(words)


def _ours() -> tuple[int, int]:
    try:
        account = pwd.getpwnam("opsagent")
    except KeyError:
        return -1, -1
    return account.pw_uid, account.pw_gid


def _each(said: argparse.Namespace, bounds: Bounds) -> Iterator[Freed]:
    """What is nobody's work first, then what programs may still want."""
    if said.apt_cache:
        yield _apt_cache(bounds)
    if said.journal is not None:
        yield _journal(said.journal, bounds)
    for one in said.files:
        yield old_files.remove(one, bounds)
    if said.docker_prune:
        yield _docker(bounds)


def _apt_cache(bounds: Bounds) -> Freed:
    """Take away downloaded packages, while we hold the lock that apt holds while it downloads."""
    what = "apt's cache"
    try:
        lock = os.open(ARCHIVES / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return Freed(what=what)
    except OSError as error:
        return _refused(what, str(error.strerror))
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _refused(what, "apt is at work")
    else:
        now = OldFiles(path=str(ARCHIVES), pattern="*.deb", older_than=timedelta())
        return replace(old_files.remove(now, bounds), what=what)
    finally:
        os.close(lock)


def _refused(what: str, why: str) -> Freed:
    return Freed(what=what, left=(Left(why=why, count=1, paths=(what,)),))


def _journal(most: int, bounds: Bounds) -> Freed:
    """Have journald's own tool do it, and count what is gone."""
    what, before = "the journal", _archived()
    try:
        done = process.run(["/usr/bin/journalctl", f"--vacuum-size={most}"], timeout=_time(bounds))
    except process.CannotRunError as error:
        return _refused(what, str(error))
    after = _archived()
    gone = [size for path, size in before.items() if path not in after]
    freed = Freed(what=what, size=sum(gone), files=len(gone))
    return freed if done.code == 0 else replace(freed, left=_refused(what, _last_line(done)).left)


def _archived() -> dict[Path, int]:
    found = {}
    for path in (path for directory in JOURNALS for path in directory.glob("*/*.journal*")):
        with contextlib.suppress(FileNotFoundError):  # journald renames and removes its files when it likes
            found[path] = path.stat().st_blocks * 512
    return found


def _docker(bounds: Bounds) -> Freed:
    """Images without a name and the build cache: what no container uses, and what can be made again."""
    what, size = "Docker", 0
    for kind in ("image", "builder"):
        try:
            done = process.run(["/usr/bin/docker", kind, "prune", "--force"], timeout=_time(bounds))
        except process.CannotRunError as error:
            return _refused(what, str(error))
        if done.code != 0:
            return replace(_refused(what, _last_line(done)), size=size)
        size += _pruned(done.output.decode(errors="replace"))
    return Freed(what=what, size=size)


def _pruned(text: str) -> int:
    found = _PRUNED.search(text)
    return int(float(found[1]) * SIZES[found[2].upper()]) if found else 0


def _last_line(done: process.Finished) -> str:
    lines = (done.output + done.errors).decode(errors="replace").strip().splitlines()
    return "it took too long" if done.timed_out else lines[-1] if lines else f"exit status {done.code}"


def _time(bounds: Bounds) -> timedelta:
    return timedelta(seconds=max(1.0, bounds.left()))


if __name__ == "__main__":
    main(sys.argv[1:])
