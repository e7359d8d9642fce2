"""The hashes of what is in a snapshot, taken from the living files as they were kept: what a drill compares with.

restic proves that its repository gives back what it was given. This proves, without trusting restic, that this is what
was on the disk. A file that has changed since is left out: its content then is known to nobody.
"""

from __future__ import annotations

import gzip
import json
import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.backups.place import BackupError, put
from opsagent.backups.work import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opsagent.backups.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A file as it was: `stamp` says whether the living one is still the same without reading it."""

    path: str
    size: int
    sha256: str
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A file as restic says that it keeps it; `mtime` is ISO 8601."""

    path: str
    size: int
    mtime: str


def path_of(directory: Path, snapshot: str) -> Path:
    """Return where the hashes of a snapshot are kept."""
    return directory / "hashes" / f"{snapshot}.gz"


def hashed(nodes: Iterable[Node], known: dict[str, Hashed], work: Work) -> Iterator[Hashed]:
    """Hash the living files that are still as they were kept; what is `known` and unchanged is not read again."""
    for node in nodes:
        with suppress(OSError):
            before = os.lstat(node.path)
            if not _is_same(before, node):
                continue
            earlier = known.get(node.path)
            if earlier is not None and earlier.stamp == _stamp(before):
                yield earlier
                continue
            digest = sha256(Path(node.path), work)
            if _stamp(os.lstat(node.path)) == _stamp(before):
                yield Hashed(path=node.path, size=before.st_size, sha256=digest, stamp=_stamp(before))


def _is_same(found: os.stat_result, node: Node) -> bool:
    """Times are compared to the microsecond: that is all of restic's that Python reads."""
    if not stat.S_ISREG(found.st_mode) or found.st_size != node.size:
        return False
    kept = datetime.fromisoformat(node.mtime)
    seconds, rest = divmod(found.st_mtime_ns, 1_000_000_000)
    return int(kept.timestamp() // 1) == seconds and kept.microsecond == rest // 1000


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def write(path: Path, found: Iterable[Hashed]) -> int:
    """Keep the hashes for their owner alone; return how many there are."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    lines = [json.dumps(asdict(one)) for one in found]
    put(path, gzip.compress("\n".join(lines).encode()), 0o600)
    return len(lines)


def read(path: Path) -> dict[str, Hashed]:
    """Return the hashes by path, none where they cannot be read."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        made = [Hashed(**_body(line)) for line in lines]
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return {one.path: one for one in made}


def _body(line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found


def compare(known: dict[str, Hashed], below: Path, work: Work) -> int:
    """Compare what was brought back with what was kept; return how many files are the same. BackupError names one."""
    for one in known.values():
        brought = below / one.path.lstrip("/")
        try:
            same = sha256(brought, work) == one.sha256
        except OSError as error:
            raise BackupError(f"a file did not come back ({error.strerror}): {one.path}") from error
        if not same:
            raise BackupError(f"a file came back with other content: {one.path}")
    return len(known)
