"""Reading pattern files in a process of its own: what YAML costs in memory is needed for a moment, and so is its time.

Each file is told as soon as it is read: one that keeps the reader busy for too long does not cost those before it.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.archive import files
from opsagent.core.archive.pattern import Refused
from opsagent.core.text import visible
from opsagent.host import process

if TYPE_CHECKING:
    from collections.abc import Sequence

WITHIN = timedelta(seconds=20)
LARGEST = 64 * 1024 * 1024


class NotReadError(Exception):
    """The reader ended before it had read all; the text says how, and `found` is what it had read until then."""

    def __init__(self, why: str, found: tuple[files.FileRead, ...] = ()) -> None:
        """Keep both."""
        super().__init__(why)
        self.found = found


def read(root: Path, layout: str, names: Sequence[str]) -> tuple[files.FileRead, ...]:
    """Read these files as `files.read` does. Raises NotReadError."""
    argv = [sys.executable, "-P", "-m", __name__, str(root), layout]
    asked = b"\0".join(map(os.fsencode, names))
    try:
        done = process.run(argv, timeout=WITHIN, stdin=asked, keep=LARGEST)
    except process.CannotRunError as error:
        raise NotReadError(str(error)) from error
    found = told(done.output)
    if done.code == 0 and len(found) == len(names):
        return found
    raise NotReadError("it took too long" if done.timed_out else _last_words(done.errors), found)


def told(output: bytes) -> tuple[files.FileRead, ...]:
    """Return the files of which the reader had told, also where it was ended in the middle of one."""
    stream, found = io.BytesIO(output), list[files.FileRead]()
    with suppress(EOFError, pickle.UnpicklingError):
        while True:
            found.append(pickle.load(stream))  # noqa: S301 - our own child, our own pipe
    return tuple(found)


def unread(name: str, layout: str, why: str) -> files.FileRead:
    """Return a file as one that could not be read."""
    refused = Refused(path=f"{files.folder(layout)}/{visible(name, files.LONGEST_NAME)}:1", why=f"is not read: {why}")
    return files.FileRead(name=name, refused=(refused,))


def _last_words(errors: bytes) -> str:
    return (errors.decode("utf-8", "replace").strip().splitlines() or ["no answer"])[-1]


def main(argv: list[str]) -> int:
    """Read the files whose names stand in stdin, and write what they say to stdout."""
    root, layout = argv
    for name in sys.stdin.buffer.read().split(b"\0"):
        for one in files.read(Path(root), layout, [os.fsdecode(name)]):
            sys.stdout.buffer.write(pickle.dumps(one))
            sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
