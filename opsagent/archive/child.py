"""Reading pattern files in a process of its own: what YAML costs in memory is needed for a moment, and so is its time.

A file that keeps the reader busy is ended with it, and named.
"""

from __future__ import annotations

import os
import pickle
import sys
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
    """The reader ended before it had an answer; the text says how."""


def read(root: Path, layout: str, names: Sequence[str]) -> tuple[files.FileRead, ...]:
    """Read these files as `files.read` does. Raises NotReadError."""
    argv = [sys.executable, "-P", "-m", __name__, str(root), layout]
    asked = b"\0".join(map(os.fsencode, names))
    try:
        done = process.run(argv, timeout=WITHIN, stdin=asked, keep=LARGEST)
        if done.code == 0:
            return tuple(pickle.loads(done.output))  # noqa: S301 - our own child, our own pipe
    except (process.CannotRunError, pickle.UnpicklingError, EOFError) as error:
        raise NotReadError(str(error)) from error
    raise NotReadError("it took too long" if done.timed_out else _last_words(done.errors))


def unread(name: str, layout: str, why: str) -> files.FileRead:
    """Return a file as one that could not be read."""
    refused = Refused(path=f"{files.folder(layout)}/{visible(name, files.LONGEST_NAME)}:1", why=f"is not read: {why}")
    return files.FileRead(name=name, refused=(refused,))


def _last_words(errors: bytes) -> str:
    return (errors.decode("utf-8", "replace").strip().splitlines() or ["no answer"])[-1]


def main(argv: list[str]) -> int:
    """Read the files whose names stand in stdin, and write what they say to stdout."""
    root, layout = argv
    names = map(os.fsdecode, sys.stdin.buffer.read().split(b"\0"))
    sys.stdout.buffer.write(pickle.dumps(files.read(Path(root), layout, names)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
