"""The write-ahead log as it lies on the disk, for the day a bit in it is wrong.

SQLite ends its recovery at the first frame whose checksum does not match, and says nothing: every commit after a
flipped bit would be lost without a word. So we count what it left out, and apply it for a salvage.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.store.schema import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">6I")
MAGIC = 0x377F0682
WORD = 1 << 32
RECOVERED_AT = 16
"""Where the -shm file says how many frames SQLite recovered, in the machine's own byte order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One page as a commit wrote it. `pages` is the size of the database after a commit's last frame, else 0."""

    number: int
    page: int
    pages: int
    offset: int


def lost_commits(database: Path) -> int:
    """Return how many commits SQLite left out of its recovery. Call it while a connection is open.

    The very last one is not counted: a process that dies while it writes leaves one like it, and promised nothing.
    """
    content = beside(database, "-wal")
    recovered = beside(database, "-shm")[RECOVERED_AT : RECOVERED_AT + 4]
    if len(content) <= HEADER.size or len(recovered) < 4:  # noqa: PLR2004 - bytes of a number
        return 0
    last = struct.unpack("=I", recovered)[0]
    left_out = [frame for frame in frames(content) if frame.pages and frame.number > last]
    return max(0, len(left_out) - 1)


def apply(wal: bytes, database: Path) -> None:
    """Write the pages of every commit into a database file that no connection has open, damaged frames too."""
    found = list(frames(wal))
    commits = [frame for frame in found if frame.pages]
    if not commits:
        return
    with database.open("r+b") as file:
        for frame in (frame for frame in found if frame.number <= commits[-1].number):
            file.seek((frame.page - 1) * PAGE)
            file.write(wal[frame.offset : frame.offset + PAGE])
        file.truncate(commits[-1].pages * PAGE)


def frames(wal: bytes) -> Iterator[Frame]:
    """Yield the frames since the log was begun anew; what lies behind them is older and in the database already."""
    size = FRAME.size + PAGE
    salt = salt_of(wal)
    largest = len(wal) // size + (1 << 20)
    for number, offset in enumerate(range(HEADER.size, len(wal) - size + 1, size), start=1):
        page, pages, *rest = FRAME.unpack_from(wal, offset)
        if rest[:2] == salt and 0 < page < largest and pages < largest:
            yield Frame(number=number, page=page, pages=pages, offset=offset + FRAME.size)


def salt_of(wal: bytes) -> list[int]:
    """Return the mark of the frames that count: the header's, or the first frame's when the header is damaged."""
    if len(wal) < HEADER.size + FRAME.size:
        return []
    if is_sound(wal[: HEADER.size]):
        return list(HEADER.unpack_from(wal)[4:6])
    return list(FRAME.unpack_from(wal, HEADER.size)[2:4])


def is_sound(header: bytes) -> bool:
    """Tell whether the log's header is as it was written."""
    magic, *_, one, two = HEADER.unpack(header)
    if magic not in {MAGIC, MAGIC + 1}:
        return False
    words = struct.unpack(">6I" if magic & 1 else "<6I", header[:24])
    s0 = s1 = 0
    for first, second in zip(words[0::2], words[1::2], strict=True):
        s0 = (s0 + first + s1) % WORD
        s1 = (s1 + second + s0) % WORD
    return (s0, s1) == (one, two)


def beside(database: Path, suffix: str) -> bytes:
    """Return the bytes of a file beside the database, none when it is not there."""
    try:
        return database.with_name(database.name + suffix).read_bytes()
    except FileNotFoundError:
        return b""
