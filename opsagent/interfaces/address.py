"""Where the control socket is, and how to reach it by a path of any length."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "control.sock"
RUNTIME = Path("/run/opsagent")
"""The system instance's socket lies here, so that everyone may ask for the status: the state directory is closed."""
SYSTEM_SETTINGS = Path("/etc/opsagent")
SYSTEM_STATE = Path("/var/lib/opsagent")
_LONGEST_PATH = 100


def of(settings: Path | None, state: Path) -> Path:
    """Return the socket of the instance with these settings (None: it has none) and this state directory."""
    is_system = SYSTEM_SETTINGS in settings.absolute().parents if settings else state == SYSTEM_STATE
    return (RUNTIME if is_system else state) / NAME


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Yield an address for a socket: a path of more than 107 bytes only works by way of its open directory."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
