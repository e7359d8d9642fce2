"""Has an engine of root's restart one container: what the act of the remedy `docker` runs.

The name stands in root's settings and comes as the only argument; nothing else is ever read.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.container import is_container_name
from opsagent.host.container_reader import OF_ROOT
from opsagent.host.engines import EngineError, restart

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TIMEOUT = timedelta(minutes=60)
"""systemd ends the act long before: how long it may take stands in the settings."""


def main(name: str, sockets: Iterable[tuple[str, Path]] = OF_ROOT) -> int:
    """Restart it and say what came of it; the exit status is 0 only if the engine did it."""
    if not is_container_name(name):
        sys.stdout.write(f"cannot use {name!r} as the name of a container\n")
        return 1
    try:
        engine = restart(sockets, name, TIMEOUT)
    except EngineError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{engine} restarted container {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
