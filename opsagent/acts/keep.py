"""`opsagent-act-keep-….service`: keeps a copy of the files that its arguments name, as long as their unit is good."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from opsagent.acts import kept_files
from opsagent.core.acts import STORE
from opsagent.host import systemd
from opsagent.host.bus import BusError, BusLostError

RUN_FOR = timedelta(minutes=10)
"""So long must a unit have run with a new content before that takes the place of what is kept."""


def main(unit: str, *paths: str) -> None:
    """Keep what may be kept, and say of the rest why not: that is no failure."""
    started = _started(unit)
    if started is None:
        print(f"kept nothing: {unit} does not run")  # noqa: T201 - a program of its own: the journal is its screen
        return
    for path in paths:
        print(f"{path}: {_kept(path, started)}")  # noqa: T201 - as above


def _kept(path: str, started: float) -> str:
    try:
        fresh = kept_files.keep(path, STORE, started, RUN_FOR, time.time())
    except (kept_files.RefusedError, OSError) as error:
        return f"not kept: {error}"
    return "kept as it is now" if fresh else "as it was kept"


def _started(unit: str) -> float | None:
    """Return when what runs began to be started (Unix time); what it read, it read after that."""
    try:
        found = systemd.connection().snapshot(unit)
    except (BusError, BusLostError):
        return None
    if found is None or found.active_state != "active" or found.inactive_exit_at is None:
        return None
    return found.inactive_exit_at.timestamp()


if __name__ == "__main__":
    main(*sys.argv[1:])
