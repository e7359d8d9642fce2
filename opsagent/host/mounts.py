"""The host's file systems as PID 1 sees them: inside our own sandbox everything looks read-only."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.space import Space

if TYPE_CHECKING:
    from collections.abc import Iterable

_NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "lustre", "afs", "9p", "virtiofs", "ocfs2", "gfs2", "beegfs"),
        *("fuse.glusterfs", "glusterfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.ceph", "davfs", "fuse.davfs2"),
    }
)
# What keeps a person's data on a disk. squashfs and iso9660 are always full, overlay and tmpfs are somebody else's
# disk or memory: those are watched only where they are named.
_DISKS = frozenset(
    {
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "nilfs2"),
        *("vfat", "exfat", "ntfs", "ntfs3", "fuseblk", "hfsplus", "apfs"),
    }
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount. `device` is major:minor; `network` file systems can block whoever looks at them."""

    path: str
    source: str
    fs_type: str
    device: str
    read_only: bool

    @property
    def network(self) -> bool:
        """Whether a server stands behind it."""
        return self.fs_type in _NETWORK

    @property
    def watched(self) -> bool:
        """Whether it is watched without being named."""
        return self.network or self.fs_type in _DISKS


def mounts(proc: Path = Path("/proc")) -> tuple[Mount, ...]:
    """Return all mounts of PID 1 (of ourselves where that cannot be read); at one path only the one on top.

    Raises OSError when neither can be read.
    """
    try:
        text = (proc / "1" / "mountinfo").read_text(errors="replace")
    except OSError:
        text = (proc / "self" / "mountinfo").read_text(errors="replace")
    rows = (parse(line) for line in text.splitlines())
    return tuple({row.path: row for row in rows if row is not None}.values())


def watched_mounts(found: Iterable[Mount]) -> tuple[Mount, ...]:
    """Return the mounts to watch by default, by path: each device once, at its shortest path."""
    chosen: dict[str, Mount] = {}
    for mount in sorted(found, key=lambda mount: (len(mount.path), mount.path)):
        if mount.watched:
            chosen.setdefault(mount.device, mount)
    return tuple(sorted(chosen.values(), key=lambda mount: mount.path))


def mount_of(path: str, found: Iterable[Mount]) -> Mount | None:
    """Return the mount that an absolute path without links lies on."""
    above = [mount for mount in found if mount.path == "/" or f"{path}/".startswith(f"{mount.path}/")]
    return max(above, key=lambda mount: len(mount.path), default=None)


def parse(line: str) -> Mount | None:
    """Read one line of mountinfo; None when it is none."""
    before, dash, after = line.partition(" - ")
    fields, rest = before.split(), after.split()
    try:
        device, path, options = fields[2], fields[4], fields[5]
        fs_type, source = rest[0], rest[1]
    except IndexError:
        return None
    super_options = rest[2] if dash and len(rest) > 2 else ""  # noqa: PLR2004 - type, source, options
    return Mount(
        path=_unescaped(path),
        source=_unescaped(source),
        fs_type=fs_type,
        device=device,
        read_only="ro" in options.split(",") or "ro" in super_options.split(","),
    )


def fstab(file: Path) -> dict[str, frozenset[str]]:
    """Return the places where something should be mounted, and with which options; none when it cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    rows = (line.split() for line in lines if not line.lstrip().startswith("#"))
    return {_unescaped(row[1]): frozenset(row[3].split(",")) for row in rows if len(row) > 3}  # noqa: PLR2004 - fstab(5)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)


def space_of(path: str) -> Space:
    """Ask the file system of a path how much room there is. Raises OSError; behind a network this may never end."""
    found = os.statvfs(path)
    return Space(found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
